// SPDX-License-Identifier: MIT
#include "profile/protobuf.h"

bool protobuf_next(struct cursor *c, struct protobuf_field *out)
{
	if (!cursor_left(c))
		return false;
	const uint8_t *start = c->at;
	uint64_t tag = cursor_uleb(c);
	*out = (struct protobuf_field){ .number = (uint32_t)(tag >> 3) };
	out->wire = (enum protobuf_wire)(tag & 7);
	if (!c->bad && (tag > UINT32_MAX || !out->number))
		c->bad = start;
	switch (out->wire) {
	case PROTOBUF_VARINT: out->value = cursor_uleb(c); break;
	case PROTOBUF_BYTES: out->bytes = cursor_sub(c, (size_t)cursor_uleb(c)); break;
	case PROTOBUF_FIXED64: cursor_take(c, 8); break;
	case PROTOBUF_FIXED32: cursor_take(c, 4); break;
	default: /* groups are not in profile.proto */
		if (!c->bad)
			c->bad = start;
	}
	return !c->bad;
}

void protobuf_put_varint(struct strbuf *out, uint64_t value)
{
	uint8_t bytes[10];
	size_t n = 0;
	while (value >= 0x80) {
		bytes[n++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	bytes[n++] = (uint8_t)value;
	strbuf_add(out, bytes, n);
}

void protobuf_put_uint(struct strbuf *out, uint32_t number, uint64_t value)
{
	if (!value)
		return;
	protobuf_put_varint(out, (uint64_t)number << 3 | PROTOBUF_VARINT);
	protobuf_put_varint(out, value);
}

void protobuf_put_bytes(struct strbuf *out, uint32_t number, const void *bytes, size_t size_bytes)
{
	protobuf_put_varint(out, (uint64_t)number << 3 | PROTOBUF_BYTES);
	protobuf_put_varint(out, size_bytes);
	strbuf_add(out, bytes, size_bytes);
}

void protobuf_put_text(struct strbuf *out, uint32_t number, const char *text)
{
	if (*text)
		protobuf_put_bytes(out, number, text, strlen(text));
}
