// SPDX-License-Identifier: MIT
#include "base/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct strbuf *out, const void *bytes, size_t size_bytes, size_t columns)
{
	const unsigned char *p = bytes;
	size_t column = 0;
	if (!size_bytes || !strbuf_reserve(out, size_bytes / 3 * 4 + 4))
		return;
	for (size_t i = 0; i < size_bytes; i += 3) {
		size_t left = size_bytes - i;
		uint32_t v = (uint32_t)p[i] << 16;
		v |= left > 1 ? (uint32_t)p[i + 1] << 8 : 0;
		v |= left > 2 ? p[i + 2] : 0;
		char group[4] = { digits[v >> 18], digits[v >> 12 & 63],
				  left > 1 ? digits[v >> 6 & 63] : '=',
				  left > 2 ? digits[v & 63] : '=' };
		strbuf_add(out, group, sizeof(group));
		column += sizeof(group);
		if (columns && column >= columns) {
			strbuf_putc(out, '\n');
			column = 0;
		}
	}
}

static int value_of(unsigned char c)
{
	return c >= 'A' && c <= 'Z'   ? c - 'A'
	       : c >= 'a' && c <= 'z' ? c - 'a' + 26
	       : c >= '0' && c <= '9' ? c - '0' + 52
	       : c == '+'             ? 62
	       : c == '/'             ? 63
				      : -1;
}

static bool is_space(unsigned char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

bool base64_decode(struct strbuf *out, const void *text, size_t size_bytes, size_t *out_bad)
{
	const unsigned char *p = text;
	uint32_t group = 0;
	unsigned count = 0, padding = 0;
	for (size_t i = 0; i < size_bytes; i++) {
		if (is_space(p[i]))
			continue;
		int v = p[i] == '=' && count >= 2 ? 0 : value_of(p[i]);
		*out_bad = i;
		if (v < 0 || (padding && p[i] != '='))
			return false;
		padding += p[i] == '=';
		group = group << 6 | (uint32_t)v;
		if (++count < 4)
			continue;
		char bytes[3] = { (char)(group >> 16), (char)(group >> 8), (char)group };
		strbuf_add(out, bytes, sizeof(bytes) - padding);
		group = 0;
		count = 0;
	}
	*out_bad = size_bytes;
	return !count;
}
