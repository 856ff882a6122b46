/* SPDX-License-Identifier: MIT */
#ifndef TESTS_PROFILE_MESSAGE_H
#define TESTS_PROFILE_MESSAGE_H

#include <stdint.h>
#include <string.h>

/*
 * Writes profile.proto messages by hand, with its field numbers as they stand in the description of
 * the format and nothing of ours, so that the reader is tested against another writer.
 */

struct message {
	uint8_t bytes[4096];
	size_t size_bytes;
};

static inline void put_varint(struct message *m, uint64_t value)
{
	do {
		uint8_t low = value & 0x7f;
		value >>= 7;
		m->bytes[m->size_bytes++] = (uint8_t)(low | (value ? 0x80 : 0));
	} while (value);
}

static inline void put_number(struct message *m, unsigned field, uint64_t value)
{
	put_varint(m, field << 3);
	put_varint(m, value);
}

static inline void put_raw(struct message *m, unsigned field, const void *bytes, size_t size_bytes)
{
	put_varint(m, (uint64_t)field << 3 | 2);
	put_varint(m, size_bytes);
	memcpy(m->bytes + m->size_bytes, bytes, size_bytes);
	m->size_bytes += size_bytes;
}

static inline void put_text(struct message *m, unsigned field, const char *text)
{
	put_raw(m, field, text, strlen(text));
}

static inline void put_sub(struct message *m, unsigned field, const struct message *sub)
{
	put_raw(m, field, sub->bytes, sub->size_bytes);
}

/** A message of numbers: pairs of (field, value), ended by field 0. */
static inline struct message numbers(const uint64_t *pairs)
{
	struct message m = { .size_bytes = 0 };
	for (; pairs[0]; pairs += 2)
		put_number(&m, (unsigned)pairs[0], pairs[1]);
	return m;
}

static inline void put_numbers(struct message *m, unsigned field, const uint64_t *pairs)
{
	struct message sub = numbers(pairs);
	put_sub(m, field, &sub);
}

#define NUMBERS(...) ((const uint64_t[]){ __VA_ARGS__, 0 })

#endif
