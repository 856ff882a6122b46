// SPDX-License-Identifier: MIT
#include "base/strings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool strings_grow(struct strings *s)
{
	if (s->count < s->capacity)
		return true;
	size_t capacity = s->capacity ? s->capacity * 2 : 64;
	const char **text = realloc(s->text, capacity * sizeof(*text));
	if (text)
		s->text = text;
	uint32_t *length = realloc(s->length_bytes, capacity * sizeof(*length));
	if (length)
		s->length_bytes = length;
	if (!text || !length)
		return false;
	s->capacity = capacity;
	return true;
}

int strings_init(struct strings *s)
{
	*s = (struct strings){ 0 };
	if (!strings_grow(s))
		return -ENOMEM;
	s->text[0] = "";
	s->length_bytes[0] = 0;
	s->count = 1;
	return 0;
}

void strings_deinit(struct strings *s)
{
	arena_deinit(&s->arena);
	index_deinit(&s->index);
	free(s->text);
	free(s->length_bytes);
	*s = (struct strings){ 0 };
}

string_id strings_intern_bytes(struct strings *s, const char *bytes, size_t length_bytes)
{
	if (!length_bytes || length_bytes > UINT32_MAX)
		return (string_id){ 0 };
	uint64_t hash = hash_bytes(bytes, length_bytes);
	uint32_t row;
	for (struct index_probe p = index_find(&s->index, hash); (row = index_next(&s->index, &p));)
		if (s->length_bytes[row] == length_bytes &&
		    !memcmp(s->text[row], bytes, length_bytes))
			return (string_id){ row };
	if (s->count >= UINT32_MAX || !strings_grow(s))
		return (string_id){ 0 };
	char *copy = arena_strndup(&s->arena, bytes, length_bytes);
	row = (uint32_t)s->count;
	if (!copy || !index_add(&s->index, hash, row))
		return (string_id){ 0 };
	s->text[row] = copy;
	s->length_bytes[row] = (uint32_t)length_bytes;
	s->count++;
	return (string_id){ row };
}

string_id strings_intern(struct strings *s, const char *text)
{
	return text ? strings_intern_bytes(s, text, strlen(text)) : (string_id){ 0 };
}
