// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "render/svg_parts.h"

char svg_kind_letter(enum node_kind kind)
{
	static const char letters[SVG_KINDS] = "roolkjnt";
	return kind == NODE_THREAD ? 'h' : letters[kind];
}

const char *svg_kind_words(enum node_kind kind)
{
	switch (kind) {
	case NODE_ROOT: return "all";
	case NODE_THREAD: return "thread";
	case NODE_USER: return "own code";
	case NODE_LIBRARY: return "library";
	case NODE_KERNEL: return "kernel";
	case NODE_JIT: return "JIT code";
	case NODE_UNNAMED: return "no symbol";
	case NODE_TRUNCATED: return "truncated stack";
	}
	return "";
}

/* Everything beyond Latin, Greek and Cyrillic is taken as wide: too narrow a guess would overflow.
 */
static size_t columns_of(const char *character, size_t bytes)
{
	return bytes > 2 && (unsigned char)character[0] >= 0xe1 ? 2 : 1;
}

static size_t character_bytes(const char *s)
{
	size_t n = utf8_length(s);
	return n ? n : 1;
}

void svg_clipped(struct strbuf *out, const char *text, size_t columns)
{
	size_t used = 0, kept = 0, at = 0;
	while (text[at] && used <= columns) {
		size_t n = character_bytes(text + at);
		used += columns_of(text + at, n);
		at += n;
		if (used + 1 <= columns)
			kept = at;
	}
	if (!text[at] && used <= columns) {
		escape_xml(out, text);
		return;
	}
	char *head = strndup(text, kept);
	if (!head) {
		out->failed = true;
		return;
	}
	escape_xml(out, head);
	strbuf_puts(out, "\xe2\x80\xa6");
	free(head);
}

void svg_percent(struct strbuf *out, uint64_t part, uint64_t whole)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%.4f", percent_of(part, whole));
	while (n > 1 && text[n - 1] == '0')
		n--;
	if (text[n - 1] == '.')
		n--;
	text[n] = 0;
	strbuf_printf(out, "%s%%", text);
}
