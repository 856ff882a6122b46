// SPDX-License-Identifier: MIT
/* Reads a perf map as if it grew: what is found in the whole must be found in the pieces. */
#include <stdlib.h>

#include "runtime/perf_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void read_in_pieces(const uint8_t *bytes, size_t size_bytes, size_t piece,
			   struct jit_codes *out)
{
	size_t done = 0;
	for (size_t end = piece; done < size_bytes; end += piece) {
		size_t limit = end < size_bytes ? end : size_bytes;
		struct cursor c = cursor_of(bytes + done, limit - done);
		require(perf_map_read(&c, 0, out) == 0);
		done += cursor_offset(&c);
		if (limit == size_bytes)
			return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct jit_codes whole, pieces;
	require(jit_codes_init(&whole) == 0 && jit_codes_init(&pieces) == 0);
	read_in_pieces(bytes, size_bytes, size_bytes, &whole);
	read_in_pieces(bytes, size_bytes, 7, &pieces);
	require(whole.rows.count == pieces.rows.count);
	for (size_t i = 1; i < whole.rows.count; i++) {
		uint64_t start = whole.rows.at[i].start;
		const struct jit_code *a = jit_codes_at(&whole, start, 0),
				      *b = jit_codes_at(&pieces, start, 0);
		require(a && b && a->start <= start && a->end > start);
		require(!strcmp(strings_text(&whole.strings, a->name),
				strings_text(&pieces.strings, b->name)));
	}
	jit_codes_deinit(&whole);
	jit_codes_deinit(&pieces);
	return 0;
}
