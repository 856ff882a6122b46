// SPDX-License-Identifier: MIT
/*
 * Reads collapsed stacks. What is accepted must be a sound profile, and once written it must be read
 * and written again as the same bytes.
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

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	static const struct folded_options options = { .annotate = true, .threads = true };
	struct profile *first = NULL, *second = NULL;
	struct error err = { 0 };
	folded_is(bytes, size_bytes);
	if (folded_read(bytes, size_bytes, &first, &err) < 0) {
		require(err.text[0] && !first);
		return 0;
	}
	struct strbuf once = { 0 }, twice = { 0 };
	require(profile_check(first, &err) == 0);
	require(folded_write(first, &options, &once, &err) == 0);
	require(folded_read(once.text, once.length, &second, &err) == 0);
	require(folded_write(second, &options, &twice, &err) == 0);
	require(once.length == twice.length);
	require(!once.length || !memcmp(once.text, twice.text, once.length));
	profile_destroy(first);
	profile_destroy(second);
	strbuf_deinit(&once);
	strbuf_deinit(&twice);
	return 0;
}
