/* SPDX-License-Identifier: MIT */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

/** Memory that is freed all at once. A zeroed struct is an empty arena. Not thread-safe. */
struct arena {
	struct arena_block *head;
	size_t used_bytes;  /* of the head block */
	size_t total_bytes; /* of all blocks */
};

/** @return zeroed memory aligned to 16 bytes, or NULL without memory. Size 0 yields a valid
 * pointer. */
void *arena_alloc(struct arena *a, size_t size_bytes);

/** @return a NUL-terminated copy of `length` bytes, or NULL without memory. */
char *arena_strndup(struct arena *a, const char *s, size_t length);

/** Copies bytes; NULL without memory. */
void *arena_copy(struct arena *a, const void *bytes, size_t size_bytes);

/** Frees all and leaves an empty arena. */
void arena_deinit(struct arena *a);

#endif
