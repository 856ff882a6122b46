/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_PROTOBUF_H
#define PROFILE_PROTOBUF_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/cursor.h"
#include "base/strbuf.h"

/*
 * Protocol Buffers on the wire, as much as profile.proto needs: varints, bytes and messages.
 * Source: protobuf.dev/programming-guides/encoding
 */

enum protobuf_wire {
	PROTOBUF_VARINT = 0,
	PROTOBUF_FIXED64 = 1,
	PROTOBUF_BYTES = 2,
	PROTOBUF_FIXED32 = 5,
};

struct protobuf_field {
	uint32_t number;
	enum protobuf_wire wire;
	uint64_t value;      /* of PROTOBUF_VARINT, else 0 */
	struct cursor bytes; /* of PROTOBUF_BYTES, else empty */
};

/** @return false at the end, and when the message is damaged (c->bad) */
bool protobuf_next(struct cursor *c, struct protobuf_field *out);

/**
 * Takes the next number of a repeated field, packed or not (a field may hold one or many).
 * @return false behind the last one, and when the field is cut off (f->bytes.bad)
 */
static inline bool protobuf_value(struct protobuf_field *f, uint64_t *out)
{
	if (f->wire == PROTOBUF_BYTES) {
		if (!cursor_left(&f->bytes))
			return false;
		*out = cursor_uleb(&f->bytes);
		return !f->bytes.bad;
	}
	*out = f->value;
	bool had = f->wire == PROTOBUF_VARINT;
	f->wire = PROTOBUF_FIXED32; /* the one value is taken */
	return had;
}

void protobuf_put_varint(struct strbuf *out, uint64_t value);
/** Zero is proto3's default and is not written. */
void protobuf_put_uint(struct strbuf *out, uint32_t number, uint64_t value);
void protobuf_put_bytes(struct strbuf *out, uint32_t number, const void *bytes, size_t size_bytes);
/** The empty string is not written. */
void protobuf_put_text(struct strbuf *out, uint32_t number, const char *text);

#endif
