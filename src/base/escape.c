// SPDX-License-Identifier: MIT
#include "base/escape.h"

#define REPLACEMENT "\xef\xbf\xbd"

static bool is_continuation(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

size_t utf8_length(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		return is_continuation(p[1]) ? 2 : 0;
	if (p[0] >= 0xe0 && p[0] <= 0xef) {
		if (!is_continuation(p[1]) || !is_continuation(p[2]))
			return 0;
		bool overlong = p[0] == 0xe0 && p[1] < 0xa0;
		bool surrogate = p[0] == 0xed && p[1] > 0x9f;
		return overlong || surrogate ? 0 : 3;
	}
	if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		if (!is_continuation(p[1]) || !is_continuation(p[2]) || !is_continuation(p[3]))
			return 0;
		bool overlong = p[0] == 0xf0 && p[1] < 0x90;
		bool beyond = p[0] == 0xf4 && p[1] > 0x8f;
		return overlong || beyond ? 0 : 4;
	}
	return 0;
}

static bool is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

/* U+0080..U+009F in UTF-8: terminals may act on them as on ESC sequences (ECMA-48, 5.3). */
static bool is_c1(const char *s)
{
	return (unsigned char)s[0] == 0xc2 && (unsigned char)s[1] >= 0x80 &&
	       (unsigned char)s[1] <= 0x9f;
}

void escape_terminal(struct strbuf *out, const char *text)
{
	while (*text) {
		size_t n = utf8_length(text);
		if (!n || is_control((unsigned char)*text) || is_c1(text)) {
			strbuf_putc(out, '?');
			text += is_c1(text) ? 2 : 1;
			continue;
		}
		strbuf_add(out, text, n);
		text += n;
	}
}

void escape_folded(struct strbuf *out, const char *text)
{
	for (; *text; text++)
		strbuf_putc(out, *text == ';'                       ? ':'
				 : is_control((unsigned char)*text) ? '?'
								    : *text);
}

/* U+FFFE and U+FFFF are valid UTF-8 but no XML characters (XML 1.0, production 2). */
static bool is_noncharacter(const char *s)
{
	return (unsigned char)s[0] == 0xef && (unsigned char)s[1] == 0xbf &&
	       (unsigned char)s[2] >= 0xbe;
}

void escape_xml(struct strbuf *out, const char *text)
{
	while (*text) {
		size_t n = utf8_length(text);
		if (!n || is_control((unsigned char)*text) || is_c1(text) ||
		    (n == 3 && is_noncharacter(text))) {
			strbuf_puts(out, REPLACEMENT);
			text += n ? n : 1;
			continue;
		}
		switch (*text) {
		case '<': strbuf_puts(out, "&lt;"); break;
		case '>': strbuf_puts(out, "&gt;"); break;
		case '&': strbuf_puts(out, "&amp;"); break;
		case '"': strbuf_puts(out, "&quot;"); break;
		case '\'': strbuf_puts(out, "&#39;"); break;
		default: strbuf_add(out, text, n);
		}
		text += n;
	}
}

void escape_json(struct strbuf *out, const char *text)
{
	while (*text) {
		size_t n = utf8_length(text);
		if (!n)
			strbuf_puts(out, REPLACEMENT);
		else if (*text == '"' || *text == '\\')
			strbuf_printf(out, "\\%c", *text);
		else if (is_control((unsigned char)*text) || *text == '<')
			strbuf_printf(out, "\\u%04x", (unsigned char)*text);
		else
			strbuf_add(out, text, n);
		text += n ? n : 1;
	}
}

static void markdown(struct strbuf *out, const char *text, const char *less_than)
{
	while (*text) {
		size_t n = utf8_length(text);
		if (!n || is_control((unsigned char)*text) || is_c1(text))
			strbuf_putc(out, '?');
		else if (*text == '|')
			strbuf_puts(out, "\\|");
		else if (*text == '`')
			strbuf_putc(out, '\'');
		else if (*text == '<')
			strbuf_puts(out, less_than);
		else
			strbuf_add(out, text, n);
		text += n ? n : 1;
	}
}

void escape_markdown(struct strbuf *out, const char *text)
{
	markdown(out, text, "&lt;");
}

void escape_markdown_code(struct strbuf *out, const char *text)
{
	markdown(out, text, "<");
}
