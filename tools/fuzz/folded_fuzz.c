// SPDX-License-Identifier: MIT
/*
 * Reads collapsed stacks. What is accepted must be a sound profile, and what was written and read again
 * must be written as the same bytes. (Only then: control bytes become '?', which ids may have.)
 */
#include <stdlib.h>
#include <string.h>

#include "format/folded.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* Writes the profile, and reads what was written in its place. */
static void rewrite(struct profile **p, struct strbuf *out)
{
	static const struct folded_options options = { .annotate = true, .threads = true };
	uint64_t samples = profile_total_count(*p);
	struct error err = { 0 };
	require(profile_check(*p, &err) == 0);
	require(folded_write(*p, &options, out, &err) == 0);
	profile_destroy(*p);
	require(folded_read(out->text, out->length, p, &err) == 0);
	require(profile_total_count(*p) == samples);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct profile *p = NULL;
	struct error err = { 0 };
	folded_is(bytes, size_bytes);
	if (folded_read(bytes, size_bytes, &p, &err) < 0) {
		require(err.text[0] && !p);
		return 0;
	}
	struct strbuf once = { 0 }, twice = { 0 }, thrice = { 0 };
	rewrite(&p, &once);
	rewrite(&p, &twice);
	rewrite(&p, &thrice);
	require(twice.length == thrice.length);
	require(!twice.length || !memcmp(twice.text, thrice.text, twice.length));
	profile_destroy(p);
	strbuf_deinit(&once);
	strbuf_deinit(&twice);
	strbuf_deinit(&thrice);
	return 0;
}
