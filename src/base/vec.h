/* SPDX-License-Identifier: MIT */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/**
 * The one growable array: `VEC(struct row) rows = { 0 };`, then `rows.at[i]`, `rows.count`.
 * A zeroed vector is empty. vec_push() is false without memory (or beyond SIZE_MAX bytes), and the
 * vector is then unchanged.
 */
#define VEC(type)                       \
	struct {                        \
		type *at;               \
		size_t count, capacity; \
	}

bool vec_grow(void **at, size_t *capacity, size_t need, size_t element_bytes);

#define vec_reserve(v, need)        \
	((need) <= (v)->capacity || \
	 vec_grow((void **)&(v)->at, &(v)->capacity, (need), sizeof(*(v)->at)))

#define vec_push(v, ...) \
	(vec_reserve((v), (v)->count + 1) && ((v)->at[(v)->count++] = (__VA_ARGS__), true))

#define vec_free(v)                \
	do {                       \
		free((v)->at);     \
		(v)->at = NULL;    \
		(v)->count = 0;    \
		(v)->capacity = 0; \
	} while (0)

#endif
