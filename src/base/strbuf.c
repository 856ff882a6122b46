// SPDX-License-Identifier: MIT
#include "base/strbuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool strbuf_reserve(struct strbuf *b, size_t more_bytes)
{
	if (b->failed)
		return false;
	size_t need;
	if (__builtin_add_overflow(b->length, more_bytes, &need) || need >= SIZE_MAX / 2) {
		b->failed = true;
		return false;
	}
	if (need + 1 <= b->capacity)
		return true;
	size_t capacity = b->capacity ? b->capacity : 64;
	while (capacity < need + 1)
		capacity *= 2;
	char *text = realloc(b->text, capacity);
	if (!text) {
		b->failed = true;
		return false;
	}
	b->text = text;
	b->capacity = capacity;
	return true;
}

void strbuf_add(struct strbuf *b, const void *bytes, size_t size_bytes)
{
	if (!strbuf_reserve(b, size_bytes))
		return;
	if (size_bytes)
		memcpy(b->text + b->length, bytes, size_bytes);
	b->length += size_bytes;
	b->text[b->length] = 0;
}

void strbuf_puts(struct strbuf *b, const char *s)
{
	strbuf_add(b, s, strlen(s));
}

void strbuf_putc(struct strbuf *b, char c)
{
	strbuf_add(b, &c, 1);
}

void strbuf_u64(struct strbuf *b, uint64_t v)
{
	char digits[20];
	size_t n = sizeof(digits);
	do {
		digits[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	strbuf_add(b, digits + n, sizeof(digits) - n);
}

void strbuf_printf(struct strbuf *b, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		b->failed = true;
	else if (strbuf_reserve(b, (size_t)n)) {
		vsnprintf(b->text + b->length, (size_t)n + 1, format, again);
		b->length += (size_t)n;
	}
	va_end(again);
}

void strbuf_clear(struct strbuf *b)
{
	b->length = 0;
	b->failed = false;
	if (b->text)
		b->text[0] = 0;
}

void strbuf_deinit(struct strbuf *b)
{
	free(b->text);
	*b = (struct strbuf){ 0 };
}
