// SPDX-License-Identifier: MIT
#include "render/document.h"

#include <string.h>

#include "base/escape.h"

enum {
	DEFAULT_COLUMNS = 100, /* of sentences; tables may be wider in a file */
	DEFAULT_TABLE_COLUMNS = 120,
};

#define BOLD "\033[1m"
#define PLAIN "\033[0m"

struct document document_begin(const struct report *r, struct strbuf *out)
{
	uint32_t columns = r->options->columns;
	return (struct document){
		.report = r,
		.out = out,
		.columns = columns ? columns : DEFAULT_COLUMNS,
		.table_columns = columns ? columns : DEFAULT_TABLE_COLUMNS,
		.markdown = r->options->format == REPORT_MARKDOWN,
		.color = r->options->color && r->options->format == REPORT_TEXT,
	};
}

void document_escape(const struct document *d, struct strbuf *out, const char *text)
{
	if (d->markdown)
		escape_markdown(out, text);
	else
		escape_terminal(out, text);
}

void document_heading(struct document *d, const char *text)
{
	struct strbuf clean = { 0 };
	document_escape(d, &clean, text);
	if (d->markdown)
		strbuf_printf(d->out, "\n## %s\n\n", strbuf_text(&clean));
	else
		strbuf_printf(d->out, "\n%s%s%s\n", d->color ? BOLD : "", strbuf_text(&clean),
			      d->color ? PLAIN : "");
	d->failed = d->failed || clean.failed;
	strbuf_deinit(&clean);
}

/* The next word of a text, with the "%" that belongs to it. @return its bytes */
static size_t word_length(const char *text)
{
	size_t n = strcspn(text, " ");
	while (text[n] == ' ' && text[n + 1] == '%')
		n += 1 + strcspn(text + n + 1, " ");
	return n;
}

/* Breaks `text` at blanks so that lines keep `columns`; lines but the first are indented. */
static void put_wrapped(struct document *d, const char *text, size_t column, size_t indent)
{
	for (bool first = true; *text; first = false) {
		size_t n = word_length(text), width = 0;
		for (size_t i = 0; i < n; i++)
			width += ((unsigned char)text[i] & 0xc0) != 0x80;
		if (!first && column + 1 + width > d->columns) {
			strbuf_printf(d->out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (!first) {
			strbuf_putc(d->out, ' ');
			column++;
		}
		strbuf_add(d->out, text, n);
		column += width;
		text += n;
		text += strspn(text, " ");
	}
	strbuf_putc(d->out, '\n');
}

/* One of the first lines: a label of at most 12 characters and a sentence; an empty one is left
 * out. */
void document_answer(struct document *d, const char *label, const struct strbuf *sentence)
{
	struct strbuf clean = { 0 };
	if (!sentence->length)
		return;
	document_escape(d, &clean, sentence->text);
	if (d->markdown) {
		strbuf_printf(d->out, "- **%s**: %s\n", label, strbuf_text(&clean));
	} else {
		strbuf_printf(d->out, "%s%-14s%s", d->color ? BOLD : "", label,
			      d->color ? PLAIN : "");
		put_wrapped(d, strbuf_text(&clean), 14, 14);
	}
	d->failed = d->failed || clean.failed;
	strbuf_deinit(&clean);
}

void document_table(struct document *d, struct table *t)
{
	d->failed = d->failed || t->failed;
	if (t->failed)
		return;
	if (d->markdown)
		table_write_markdown(t, d->out);
	else
		table_write_text(t, d->table_columns, d->out);
}

void document_sentence(struct document *d, const char *text)
{
	struct strbuf clean = { 0 };
	document_escape(d, &clean, text);
	if (d->markdown)
		strbuf_printf(d->out, "- %s\n", strbuf_text(&clean));
	else
		put_wrapped(d, strbuf_text(&clean), 0, 2);
	d->failed = d->failed || clean.failed;
	strbuf_deinit(&clean);
}

void document_title(struct document *d)
{
	const struct profile *p = d->report->profile;
	struct strbuf clean = { 0 }, line = { 0 };
	strbuf_puts(&line, profile_string(p, p->meta.command));
	for (size_t i = 0; i < line.length; i++) /* of a script that is an argument */
		if (line.text[i] == '\n' || line.text[i] == '\t')
			line.text[i] = ' ';
	const char *command = strbuf_text(&line);
	if (d->markdown)
		escape_markdown_code(&clean, command);
	else
		escape_terminal(&clean, command);
	strbuf_puts(d->out, d->markdown ? "# " : d->color ? BOLD : "");
	if (!*command)
		strbuf_puts(d->out, "Profile");
	else if (d->markdown)
		strbuf_printf(d->out, "Profile of `%s`", strbuf_text(&clean));
	else
		strbuf_printf(d->out, "Profile of %s", strbuf_text(&clean));
	strbuf_puts(d->out, d->markdown ? "\n\n" : d->color ? PLAIN "\n" : "\n");
	d->failed = d->failed || clean.failed || line.failed;
	strbuf_deinit(&line);
	strbuf_deinit(&clean);
}
