// SPDX-License-Identifier: MIT
#include "cli/open.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/gzip.h"
#include "cli/cli.h"
#include "format/folded.h"
#include "profile/pprof.h"

#define CAPTURE_LIMIT_BYTES ((size_t)4 << 30)

static bool begins_with(const struct strbuf *bytes, const char *word)
{
	return bytes->length >= strlen(word) && !memcmp(bytes->text, word, strlen(word));
}

static bool is_text(const struct strbuf *bytes)
{
	enum { LOOK_AT_BYTES = 4096 };
	size_t n = bytes->length < LOOK_AT_BYTES ? bytes->length : LOOK_AT_BYTES;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)bytes->text[i];
		if (c == 0x7f || (c < ' ' && c != '\n' && c != '\r' && c != '\t'))
			return false;
	}
	return true;
}

/* Whoever reads text as collapsed stacks can say which line is none. */
static int no_stacks(const struct strbuf *bytes, struct profile **out, struct error *err)
{
	int r = folded_read(bytes->text, bytes->length, out, err);
	if (r == 0) {
		profile_destroy(*out);
		return fail(err, -EBADMSG, "holds no stacks");
	}
	return fail_in(err, r,
		       "is no collapsed stacks ('a;b;c 12' a line; 'perf script' text wants a "
		       "stackcollapse script)");
}

static int no_profile(const struct strbuf *bytes, struct profile **out, struct error *err)
{
	if (!bytes->length)
		return fail(err, -EBADMSG, "is empty, not a profile");
	if (begins_with(bytes, "PERFILE2"))
		return fail(
			err, -EBADMSG,
			"is a perf.data file, which this version does not read; fold it with 'perf "
			"script' and a stackcollapse script");
	if (begins_with(bytes, "<?xml") || begins_with(bytes, "<svg") || begins_with(bytes, "<!"))
		return fail(err, -EBADMSG,
			    "is a picture, which this version does not read; keep the .pb.gz "
			    "beside it");
	if (begins_with(bytes, "{"))
		return fail(err, -EBADMSG, "is JSON, which this version does not read");
	if (is_text(bytes))
		return no_stacks(bytes, out, err);
	return fail(err, -EBADMSG,
		    "is neither a pprof profile nor collapsed stacks: what begins at byte 0 is "
		    "unknown");
}

static int read_profile(const struct strbuf *bytes, struct profile **out, struct error *err)
{
	struct strbuf unpacked = { 0 };
	int r = 0;
	const struct strbuf *plain = bytes;
	if (gzip_is(bytes->text, bytes->length)) {
		r = gzip_decompress(bytes->text, bytes->length, CAPTURE_LIMIT_BYTES, &unpacked,
				    err);
		plain = &unpacked;
	}
	if (r == 0 && pprof_is(plain->text, plain->length))
		r = pprof_read(plain->text, plain->length, out, err);
	else if (r == 0 && folded_is(plain->text, plain->length))
		r = folded_read(plain->text, plain->length, out, err);
	else if (r == 0)
		r = no_profile(plain, out, err);
	strbuf_deinit(&unpacked);
	return r;
}

int open_capture(const char *path, struct profile **out, struct error *err)
{
	struct strbuf bytes = { 0 };
	int r = read_file(path, CAPTURE_LIMIT_BYTES, &bytes, err);
	int status = r < 0 ? STATUS_MISSING : 0;
	if (r == 0 && read_profile(&bytes, out, err) < 0) {
		fail_in(err, -EBADMSG, "'%s'", path);
		status = STATUS_NO_PROFILE;
	}
	strbuf_deinit(&bytes);
	return status;
}
