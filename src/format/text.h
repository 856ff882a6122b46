/* SPDX-License-Identifier: MIT */
#ifndef FORMAT_TEXT_H
#define FORMAT_TEXT_H

#include <string.h>

#include "base/cursor.h"

/* A piece of a text file, without a NUL behind. */
struct text {
	const char *at;
	size_t length;
};

static inline bool text_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static inline bool text_equals(struct text t, const char *s)
{
	return t.length == strlen(s) && !memcmp(t.at, s, t.length);
}

static inline bool text_begins(struct text t, const char *prefix)
{
	size_t n = strlen(prefix);
	return t.length >= n && !memcmp(t.at, prefix, n);
}

/** @return whether something stands in front of `suffix` too */
static inline bool text_ends(struct text t, const char *suffix)
{
	size_t n = strlen(suffix);
	return t.length > n && !memcmp(t.at + t.length - n, suffix, n);
}

static inline struct text text_without_end(struct text t)
{
	while (t.length && text_is_blank(t.at[t.length - 1]))
		t.length--;
	return t;
}

static inline struct text text_trim(struct text t)
{
	while (t.length && text_is_blank(*t.at)) {
		t.at++;
		t.length--;
	}
	return text_without_end(t);
}

/** @return where the last `c` stands, or NULL; as memrchr(3), which is not POSIX */
static inline const char *text_last(struct text t, char c)
{
	while (t.length && t.at[t.length - 1] != c)
		t.length--;
	return t.length ? t.at + t.length - 1 : NULL;
}

/** `t` behind its first `n` bytes. */
static inline struct text text_behind(struct text t, size_t n)
{
	return (struct text){ t.at + n, t.length - n };
}

/** Takes the next word; its length is 0 when there is none. */
static inline struct text text_word(struct text *t)
{
	*t = text_trim(*t);
	struct text word = { t->at, 0 };
	while (word.length < t->length && !text_is_blank(word.at[word.length]))
		word.length++;
	*t = text_behind(*t, word.length);
	return word;
}

/** The next line without blanks at its end; false behind the last one. */
static inline bool text_line(struct cursor *c, struct text *out)
{
	size_t left = cursor_left(c);
	if (!left)
		return false;
	const char *at = (const char *)c->at;
	const char *newline = memchr(at, '\n', left);
	size_t length = newline ? (size_t)(newline - at) : left;
	cursor_take(c, newline ? length + 1 : length);
	*out = text_without_end((struct text){ at, length });
	return true;
}

/** Parses decimal digits; `t` must hold nothing else. @return false also where it does not fit */
static inline bool text_uint(struct text t, uint64_t *out)
{
	uint64_t v = 0;
	for (size_t i = 0; i < t.length; i++)
		if (t.at[i] < '0' || t.at[i] > '9' || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(t.at[i] - '0'), &v))
			return false;
	*out = v;
	return t.length > 0;
}

#endif
