// SPDX-License-Identifier: MIT
/*
 * Reads a profile.proto message. What is accepted must be a sound profile, and once written it must
 * be read and written again as the same bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "profile/pprof.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct profile *first = NULL, *second = NULL;
	struct error err = { 0 };
	pprof_is(bytes, size_bytes);
	if (pprof_read(bytes, size_bytes, &first, &err) < 0) {
		require(err.text[0] && !first);
		return 0;
	}
	struct strbuf once = { 0 }, twice = { 0 };
	require(profile_check(first, &err) == 0);
	require(pprof_write(first, &once, &err) == 0);
	require(pprof_read(once.text, once.length, &second, &err) == 0);
	require(pprof_write(second, &twice, &err) == 0);
	require(once.length == twice.length && !memcmp(once.text, twice.text, once.length));
	profile_destroy(first);
	profile_destroy(second);
	strbuf_deinit(&once);
	strbuf_deinit(&twice);
	return 0;
}
