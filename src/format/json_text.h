/* SPDX-License-Identifier: MIT */
#ifndef FORMAT_JSON_TEXT_H
#define FORMAT_JSON_TEXT_H

#include "base/escape.h"

/* JSON written piece by piece, for documents that are too large for a tree in memory. */

static inline void json_text(struct strbuf *out, const char *text)
{
	strbuf_putc(out, '"');
	escape_json(out, text);
	strbuf_putc(out, '"');
}

/** `"key":"text"`; the caller puts commas. */
static inline void json_text_field(struct strbuf *out, const char *key, const char *text)
{
	json_text(out, key);
	strbuf_putc(out, ':');
	json_text(out, text);
}

static inline void json_uint_field(struct strbuf *out, const char *key, uint64_t value)
{
	json_text(out, key);
	strbuf_putc(out, ':');
	strbuf_u64(out, value);
}

/** Nanoseconds as milliseconds, exactly, whatever the locale. */
static inline void json_ms(struct strbuf *out, uint64_t ns)
{
	uint64_t rest = ns % 1000000;
	strbuf_u64(out, ns / 1000000);
	if (!rest)
		return;
	char digits[8] = { '.' };
	int last = 0;
	for (int i = 6; i > 0; i--, rest /= 10) {
		digits[i] = (char)('0' + rest % 10);
		if (digits[i] != '0' && !last)
			last = i;
	}
	strbuf_add(out, digits, (size_t)last + 1);
}

#endif
