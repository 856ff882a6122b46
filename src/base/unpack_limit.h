/* SPDX-License-Identifier: MIT */
#ifndef BASE_UNPACK_LIMIT_H
#define BASE_UNPACK_LIMIT_H

#include <stdint.h>

/*
 * How much packed bytes may unpack to before they are taken for a bomb. gzip reaches 1032 to 1, zstd far
 * more. Captures that were measured have 3 to 29 to 1, collapsed stacks and the text of `perf script` 36, sections of
 * debug files 21; what is packed better than 128 to 1 (deep recursion) is small.
 */
enum { UNPACK_RATIO_MOST = 128, UNPACK_FREE_BYTES = 128 << 20 };

static inline uint64_t unpack_most_bytes(uint64_t packed_bytes)
{
	uint64_t most;
	if (__builtin_mul_overflow(packed_bytes, (uint64_t)UNPACK_RATIO_MOST, &most) ||
	    __builtin_add_overflow(most, (uint64_t)UNPACK_FREE_BYTES, &most))
		return UINT64_MAX;
	return most;
}

#endif
