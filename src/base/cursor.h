/* SPDX-License-Identifier: MIT */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/**
 * A read position over bytes that nobody vouches for. A failed read is sticky and yields 0: read
 * a group of fields, then check `bad` once, before a value becomes a size, an index or a bound.
 * `bad` points at the first byte that could not be read.
 */
struct cursor {
	const uint8_t *begin, *at, *end, *bad;
};

static inline struct cursor cursor_of(const void *bytes, size_t size_bytes)
{
	/* No bytes are an address too: `bad` could not point at NULL. */
	const uint8_t *p = bytes ? bytes : (const void *)"";
	return (struct cursor){ .begin = p, .at = p, .end = bytes ? p + size_bytes : p };
}

static inline size_t cursor_left(const struct cursor *c)
{
	return c->bad ? 0 : (size_t)(c->end - c->at);
}

static inline size_t cursor_offset(const struct cursor *c)
{
	return (size_t)((c->bad ? c->bad : c->at) - c->begin);
}

static inline void cursor_fail(struct cursor *c)
{
	if (!c->bad)
		c->bad = c->at;
}

/** @return the next `n` bytes, or NULL when there are fewer. */
static inline const void *cursor_take(struct cursor *c, size_t n)
{
	if (c->bad || (size_t)(c->end - c->at) < n) {
		cursor_fail(c);
		return NULL;
	}
	const void *p = c->at;
	c->at += n;
	return p;
}

/** Cuts out the next `n` bytes as a cursor of their own, so that a record cannot read its
 * neighbour. */
static inline struct cursor cursor_sub(struct cursor *c, size_t n)
{
	const uint8_t *p = cursor_take(c, n);
	if (!p)
		return (struct cursor){ .begin = c->at, .at = c->at, .end = c->at, .bad = c->at };
	return cursor_of(p, n);
}

/** Moves to an absolute offset from `begin`. */
static inline void cursor_seek(struct cursor *c, size_t offset_bytes)
{
	if (c->bad || offset_bytes > (size_t)(c->end - c->begin)) {
		cursor_fail(c);
		return;
	}
	c->at = c->begin + offset_bytes;
}

#define CURSOR_SCALAR(name, type)                          \
	static inline type cursor_##name(struct cursor *c) \
	{                                                  \
		type v = 0;                                \
		const void *p = cursor_take(c, sizeof(v)); \
		if (p)                                     \
			memcpy(&v, p, sizeof(v));          \
		return v;                                  \
	}
CURSOR_SCALAR(u8, uint8_t)
CURSOR_SCALAR(u16, uint16_t)
CURSOR_SCALAR(u32, uint32_t)
CURSOR_SCALAR(u64, uint64_t)
CURSOR_SCALAR(s16, int16_t)
CURSOR_SCALAR(s32, int32_t)
CURSOR_SCALAR(s64, int64_t)
#undef CURSOR_SCALAR

/* LEB128 (DWARF 5, 7.6). @param sign where the sign of all bits goes that the bytes do not have */
static inline uint64_t cursor_leb(struct cursor *c, uint64_t *sign)
{
	uint64_t v = 0;
	for (unsigned shift = 0; shift < 70; shift += 7) {
		uint8_t byte = cursor_u8(c);
		if (c->bad)
			return 0;
		if (shift < 64)
			v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			if (shift + 7 < 64 && (byte & 0x40))
				*sign = ~UINT64_C(0) << (shift + 7);
			return v;
		}
	}
	cursor_fail(c);
	return 0;
}

/** Unsigned LEB128, which is also protobuf's varint; more than ten bytes are an error. */
static inline uint64_t cursor_uleb(struct cursor *c)
{
	uint64_t sign;
	return cursor_leb(c, &sign);
}

/** Signed LEB128. */
static inline int64_t cursor_sleb(struct cursor *c)
{
	uint64_t sign = 0;
	uint64_t v = cursor_leb(c, &sign);
	return (int64_t)(v | sign);
}

/** @return a NUL-terminated string inside the bytes, or "" (and `bad`) when no NUL follows. */
static inline const char *cursor_string(struct cursor *c)
{
	if (c->bad)
		return "";
	const uint8_t *nul = memchr(c->at, 0, (size_t)(c->end - c->at));
	if (!nul) {
		cursor_fail(c);
		return "";
	}
	const char *s = (const char *)c->at;
	c->at = nul + 1;
	return s;
}

#endif
