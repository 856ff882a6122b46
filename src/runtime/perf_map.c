// SPDX-License-Identifier: MIT
#include "runtime/perf_map.h"

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A number with a blank behind it; some writers put 0x in front. */
static bool take_hex(struct cursor *line, uint64_t *out)
{
	uint64_t value = 0;
	int digits = 0;
	if (cursor_left(line) > 2 && line->at[0] == '0' && (line->at[1] | 0x20) == 'x')
		line->at += 2;
	for (; line->at < line->end && hex_digit(*line->at) >= 0; line->at++) {
		if (value >> 60)
			return false;
		value = value << 4 | (uint64_t)hex_digit(*line->at);
		digits++;
	}
	if (!digits || line->at == line->end || *line->at != ' ')
		return false;
	while (line->at < line->end && *line->at == ' ')
		line->at++;
	*out = value;
	return true;
}

static int read_line(struct cursor line, uint64_t since_ns, struct jit_codes *out)
{
	uint64_t start, size;
	if (!take_hex(&line, &start) || !take_hex(&line, &size) || size > UINT64_MAX - start)
		return 0;
	size_t length = cursor_left(&line);
	if (length && line.at[length - 1] == '\r')
		length--;
	struct jit_code code = { .start = start,
				 .end = start + size,
				 .since_ns = since_ns,
				 .name = jit_codes_name(out, (const char *)line.at, length) };
	return jit_codes_add(out, &code);
}

int perf_map_read(struct cursor *bytes, uint64_t since_ns, struct jit_codes *out)
{
	const uint8_t *end;
	while (cursor_left(bytes) && (end = memchr(bytes->at, '\n', cursor_left(bytes)))) {
		struct cursor line = cursor_sub(bytes, (size_t)(end - bytes->at));
		cursor_take(bytes, 1);
		int r = read_line(line, since_ns, out);
		if (r < 0)
			return r;
	}
	return 0;
}
