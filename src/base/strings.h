/* SPDX-License-Identifier: MIT */
#ifndef BASE_STRINGS_H
#define BASE_STRINGS_H

#include "base/arena.h"
#include "base/map.h"

/** Names an interned string; 0 is the empty string. */
typedef struct {
	uint32_t v;
} string_id;

/**
 * Interned strings: equal bytes, equal id. Ids are dense and count up from 0, which is "".
 * Strings keep their address until strings_deinit(). Not thread-safe.
 */
struct strings {
	struct arena arena;
	struct row_index index;
	const char **text;      /* by id */
	uint32_t *length_bytes; /* by id */
	size_t count, capacity;
};

/** @return 0 or -ENOMEM */
int strings_init(struct strings *s);
void strings_deinit(struct strings *s);

/** @return the id, or id 0 (the empty string) without memory; NULL counts as "". */
string_id strings_intern(struct strings *s, const char *text);
string_id strings_intern_bytes(struct strings *s, const char *bytes, size_t length_bytes);

static inline const char *strings_text(const struct strings *s, string_id id)
{
	return id.v < s->count ? s->text[id.v] : "";
}

#endif
