// SPDX-License-Identifier: MIT
#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

enum { ARENA_BLOCK_BYTES = 64 * 1024, ARENA_ALIGN = 16 };

struct arena_block {
	struct arena_block *next;
	size_t size_bytes;
	_Alignas(ARENA_ALIGN) unsigned char bytes[];
};

static int arena_grow(struct arena *a, size_t need_bytes)
{
	size_t size = need_bytes > ARENA_BLOCK_BYTES ? need_bytes : ARENA_BLOCK_BYTES;
	if (size > SIZE_MAX - sizeof(struct arena_block))
		return -1;
	struct arena_block *b = calloc(1, sizeof(*b) + size);
	if (!b)
		return -1;
	b->size_bytes = size;
	b->next = a->head;
	a->head = b;
	a->used_bytes = 0;
	a->total_bytes += size;
	return 0;
}

void *arena_alloc(struct arena *a, size_t size_bytes)
{
	if (size_bytes > SIZE_MAX / 2)
		return NULL;
	size_t rounded = (size_bytes + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	if (!a->head || a->head->size_bytes - a->used_bytes < rounded) {
		if (arena_grow(a, rounded) < 0)
			return NULL;
	}
	void *p = a->head->bytes + a->used_bytes;
	a->used_bytes += rounded;
	return p;
}

void *arena_copy(struct arena *a, const void *bytes, size_t size_bytes)
{
	void *p = arena_alloc(a, size_bytes);
	if (p && size_bytes)
		memcpy(p, bytes, size_bytes);
	return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t length)
{
	char *p = length < SIZE_MAX ? arena_alloc(a, length + 1) : NULL;
	if (p)
		memcpy(p, s, length);
	return p;
}

void arena_deinit(struct arena *a)
{
	for (struct arena_block *b = a->head, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	*a = (struct arena){ 0 };
}
