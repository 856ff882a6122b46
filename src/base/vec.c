// SPDX-License-Identifier: MIT
#include "base/vec.h"

bool vec_grow(void **at, size_t *capacity, size_t need, size_t element_bytes)
{
	size_t want = *capacity ? *capacity : 8;
	while (want < need) {
		if (want > SIZE_MAX / 2)
			return false;
		want *= 2;
	}
	size_t size_bytes;
	if (__builtin_mul_overflow(want, element_bytes, &size_bytes))
		return false;
	void *p = realloc(*at, size_bytes);
	if (!p)
		return false;
	*at = p;
	*capacity = want;
	return true;
}
