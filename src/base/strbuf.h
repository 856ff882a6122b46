/* SPDX-License-Identifier: MIT */
#ifndef BASE_STRBUF_H
#define BASE_STRBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Growing text or bytes. Always NUL-terminated behind `length`; a zeroed struct is empty ("text" is
 * then NULL: use strbuf_text()). A failed allocation is sticky (`failed`) and further appends do
 * nothing, so that callers check once at the end.
 */
struct strbuf {
	char *text;
	size_t length, capacity;
	bool failed;
};

void strbuf_add(struct strbuf *b, const void *bytes, size_t size_bytes);
void strbuf_puts(struct strbuf *b, const char *s);
void strbuf_putc(struct strbuf *b, char c);
void strbuf_printf(struct strbuf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Appends the decimal digits of `v`; much faster than strbuf_printf(). */
void strbuf_u64(struct strbuf *b, uint64_t v);
/** Makes room for `more` further bytes. @return false without memory */
bool strbuf_reserve(struct strbuf *b, size_t more_bytes);
static inline const char *strbuf_text(const struct strbuf *b)
{
	return b->text ? b->text : "";
}
void strbuf_clear(struct strbuf *b);
void strbuf_deinit(struct strbuf *b);

#endif
