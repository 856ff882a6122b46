// SPDX-License-Identifier: MIT
#include "render/short_name.h"

#include <ctype.h>
#include <string.h>

#include "render/table.h"

static const char dots[] = "...";
enum { DOTS = sizeof(dots) - 1 };

/* @return the ')' that ends the parameters, or NULL: qualifiers and clones may follow */
static const char *last_parenthesis(const char *name)
{
	static const char *const behind[] = { " const", " &", " volatile", " [clone " };
	const char *close = strrchr(name, ')');
	if (!close || !close[1])
		return close;
	for (size_t i = 0; i < sizeof(behind) / sizeof(behind[0]); i++)
		if (!strncmp(close + 1, behind[i], strlen(behind[i])))
			return close;
	return NULL;
}

static const char *opening(const char *name, const char *close)
{
	size_t depth = 0;
	for (const char *c = close; c >= name; c--) {
		depth += *c == ')';
		if (*c == '(' && !--depth)
			return c;
	}
	return NULL;
}

static void drop_parameters(struct strbuf *s)
{
	const char *close = last_parenthesis(s->text),
		   *open = close ? opening(s->text, close) : NULL;
	if (!open || open == s->text || close - open - 1 <= DOTS || open[-1] == ':' ||
	    open[-1] == ' ')
		return;
	struct strbuf out = { 0 };
	strbuf_add(&out, s->text, (size_t)(open + 1 - s->text));
	strbuf_puts(&out, dots);
	strbuf_puts(&out, close);
	strbuf_deinit(s);
	*s = out;
}

static bool begins_arguments(const char *name, const char *c)
{
	static const char word[] = "operator";
	size_t before = (size_t)(c - name);
	if (*c != '<' || !before || !(isalnum((unsigned char)c[-1]) || c[-1] == '_'))
		return false;
	return before < sizeof(word) - 1 ||
	       memcmp(c - (sizeof(word) - 1), word, sizeof(word) - 1) != 0;
}

/* @return the '>' that ends the arguments which begin at `open`, or NULL */
static const char *end_of_arguments(const char *open)
{
	size_t depth = 0;
	for (const char *c = open; *c; c++) {
		depth += *c == '<';
		if (*c == '>' && c[-1] != '-' && !--depth)
			return c;
	}
	return NULL;
}

static void drop_arguments(struct strbuf *s)
{
	struct strbuf out = { 0 };
	const char *c = s->text;
	while (*c) {
		const char *end = begins_arguments(s->text, c) ? end_of_arguments(c) : NULL;
		if (end && end - c - 1 > DOTS) {
			strbuf_printf(&out, "<%s", dots);
			c = end;
		}
		strbuf_putc(&out, *c++);
	}
	strbuf_deinit(s);
	*s = out;
}

void short_name(struct strbuf *out, const char *name, size_t width)
{
	struct strbuf s = { 0 };
	strbuf_puts(&s, name);
	if (!s.failed && text_width(strbuf_text(&s)) > width)
		drop_parameters(&s);
	if (!s.failed && text_width(strbuf_text(&s)) > width)
		drop_arguments(&s);
	text_clip_middle(out, strbuf_text(&s), width);
	out->failed = out->failed || s.failed;
	strbuf_deinit(&s);
}
