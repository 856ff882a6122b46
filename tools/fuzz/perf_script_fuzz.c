// SPDX-License-Identifier: MIT
/*
 * Reads the text of perf script. What is accepted must be a sound profile that can be folded, and as
 * many samples must be read from those stacks.
 */
#include <stdlib.h>

#include "format/folded.h"
#include "format/perf_script.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	static const struct folded_options options = { .annotate = true };
	struct profile *first = NULL, *second = NULL;
	struct error err = { 0 };
	perf_script_is(bytes, size_bytes);
	if (perf_script_read(bytes, size_bytes, &first, &err) < 0) {
		require(err.text[0] && !first);
		return 0;
	}
	struct strbuf stacks = { 0 };
	require(profile_check(first, &err) == 0);
	require(folded_write(first, &options, &stacks, &err) == 0);
	require(folded_read(stacks.text, stacks.length, &second, &err) == 0);
	require(profile_total_count(first) == profile_total_count(second));
	profile_destroy(first);
	profile_destroy(second);
	strbuf_deinit(&stacks);
	return 0;
}
