// SPDX-License-Identifier: MIT
#include "format/read.h"

#include <errno.h>
#include <string.h>

#include "base/gzip.h"
#include "base/strbuf.h"
#include "format/folded.h"
#include "format/perf_script.h"
#include "profile/embedded.h"
#include "profile/journal.h"
#include "profile/pprof.h"

/* The file's contents, unpacked. */
struct bytes {
	const char *text;
	size_t length;
	size_t file_bytes; /* packed, if it was */
};

static bool begins_with(const struct bytes *bytes, const char *word)
{
	return bytes->length >= strlen(word) && !memcmp(bytes->text, word, strlen(word));
}

static bool is_text(const struct bytes *bytes)
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

#define KINDS                                                                                    \
	"perfprof reads its captures, pprof, collapsed stacks ('a;b;c 12' a line), the text of " \
	"'perf script', and its own pictures"

/* Whoever reads text as collapsed stacks can say which line is none. */
static int no_stacks(const struct bytes *bytes, struct profile **out, struct error *err)
{
	struct error why = { 0 };
	int r = folded_read(bytes->text, bytes->length, out, &why);
	if (r == 0) {
		profile_destroy(*out);
		return fail(err, -EBADMSG, "holds no stacks");
	}
	return fail(err, r, "is no profile: %s; " KINDS, why.text);
}

static int no_profile(const struct bytes *bytes, struct profile **out, struct error *err)
{
	if (!bytes->length)
		return fail(err, -EBADMSG, "is empty, not a profile");
	if (begins_with(bytes, "PERFILE2"))
		return fail(err, -EBADMSG,
			    "is a perf.data file, which only the command reads ('perfprof "
			    "report'), not "
			    "the library; give it the output of 'perf script'");
	if (begins_with(bytes, "{") || begins_with(bytes, "["))
		return fail(err, -EBADMSG,
			    "is JSON, which perfprof only writes; give it the capture that it was "
			    "made of");
	if (is_text(bytes))
		return no_stacks(bytes, out, err);
	return fail(err, -EBADMSG, "is of no known kind from byte 0 on; " KINDS);
}

static int read_plain(const struct bytes *plain, struct profile **out, struct error *err)
{
	if (pprof_is(plain->text, plain->length))
		return pprof_read_unpacked(plain->text, plain->length, plain->file_bytes, out, err);
	if (embedded_is_picture(plain->text, plain->length))
		return embedded_read(plain->text, plain->length, out, err);
	if (perf_script_is(plain->text, plain->length))
		return perf_script_read(plain->text, plain->length, out, err);
	if (folded_is(plain->text, plain->length))
		return folded_read(plain->text, plain->length, out, err);
	return no_profile(plain, out, err);
}

int format_read(const void *bytes, size_t size_bytes, struct profile **out, struct error *err)
{
	if (journal_is(bytes, size_bytes))
		return journal_read(bytes, size_bytes, NULL, NULL, out, NULL, err);
	if (!gzip_is(bytes, size_bytes))
		return read_plain(&(struct bytes){ bytes, size_bytes, size_bytes }, out, err);
	struct strbuf unpacked = { 0 };
	int r = gzip_decompress(bytes, size_bytes, FORMAT_LIMIT_BYTES, &unpacked, err);
	if (r == 0)
		r = read_plain(
			&(struct bytes){ strbuf_text(&unpacked), unpacked.length, size_bytes }, out,
			err);
	strbuf_deinit(&unpacked);
	return r;
}
