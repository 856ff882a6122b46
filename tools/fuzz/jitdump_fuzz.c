// SPDX-License-Identifier: MIT
/* Reads a jitdump as it grows, and looks up what it says by address, time and line. */
#include <stdlib.h>

#include "runtime/jitdump.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes);

enum { PIECE_BYTES = 50, CODES_LOOKED_AT = 1000 };

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void look_up(struct jit_codes *c)
{
	for (size_t i = 1; i < c->rows.count && i < CODES_LOOKED_AT; i++) {
		struct jit_code row = c->rows.at[i];
		const struct jit_code *code = jit_codes_at(c, row.end - 1, row.since_ns);
		require(!code || (code->start < row.end && code->end >= row.end));
		if (code)
			jit_codes_line(c, code, row.end - 1);
		require(jit_codes_next(c, row.start, 0) > 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct jitdump d = { 0 };
	struct jit_codes codes;
	uint64_t offset = 0;
	int r = 0;
	require(jit_codes_init(&codes) == 0);
	for (size_t end = 0; r == 0 && end < size_bytes && offset <= size_bytes;) {
		end = end + PIECE_BYTES < size_bytes ? end + PIECE_BYTES : size_bytes;
		if (offset > end)
			continue;
		uint64_t before = offset;
		r = jitdump_read(&d, cursor_of(bytes + offset, end - (size_t)offset), &offset,
				 &codes, NULL);
		require(offset >= before);
	}
	look_up(&codes);
	jit_codes_deinit(&codes);
	jitdump_deinit(&d);
	return 0;
}
