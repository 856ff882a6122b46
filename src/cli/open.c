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

static int no_profile(const struct strbuf *bytes, struct error *err)
{
	if (!bytes->length)
		return fail(err, -EBADMSG, "is empty, not a profile");
	if (bytes->length >= 8 && (!memcmp(bytes->text, "PERFILE2", 8)))
		return fail(err, -EBADMSG,
			    "is a perf.data file, which this version does not read; fold it with 'perf "
			    "script' and a stackcollapse script");
	return fail(err, -EBADMSG,
		    "is neither a pprof profile nor collapsed stacks: what begins at byte 0 is unknown");
}

static int read_profile(const struct strbuf *bytes, struct profile **out, struct error *err)
{
	struct strbuf unpacked = { 0 };
	int r = 0;
	const struct strbuf *plain = bytes;
	if (gzip_is(bytes->text, bytes->length)) {
		r = gzip_decompress(bytes->text, bytes->length, CAPTURE_LIMIT_BYTES, &unpacked, err);
		plain = &unpacked;
	}
	if (r == 0 && pprof_is(plain->text, plain->length))
		r = pprof_read(plain->text, plain->length, out, err);
	else if (r == 0 && folded_is(plain->text, plain->length))
		r = folded_read(plain->text, plain->length, out, err);
	else if (r == 0)
		r = no_profile(plain, err);
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
