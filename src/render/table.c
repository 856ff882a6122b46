// SPDX-License-Identifier: MIT
#include "render/table.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "render/short_name.h"

enum {
	LAST_COLUMN_MIN = 12,
	MAX_COLUMNS = 12,
	GAP = 2,
};

void table_init(struct table *t, const struct table_column *columns, size_t column_count)
{
	*t = (struct table){ .columns = columns, .column_count = column_count };
}

void table_deinit(struct table *t)
{
	strbuf_deinit(&t->text);
	vec_free(&t->cells);
}

void table_cell(struct table *t, const char *text)
{
	if (!vec_push(&t->cells, t->text.length))
		t->failed = true;
	strbuf_puts(&t->text, text);
	strbuf_putc(&t->text, 0);
	t->failed = t->failed || t->text.failed;
}

void table_percent(struct table *t, double percent)
{
	char text[64];
	snprintf(text, sizeof(text), "%.2f", percent);
	table_cell(t, text);
}

void table_interval(struct table *t, double low, double high)
{
	char text[64];
	snprintf(text, sizeof(text), "%.1f - %.1f", low, high);
	table_cell(t, text);
}

void table_count(struct table *t, uint64_t count)
{
	char text[64];
	snprintf(text, sizeof(text), "%llu", (unsigned long long)count);
	table_cell(t, text);
}

size_t text_width(const char *text)
{
	size_t n = 0;
	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static const char *skip_characters(const char *text, size_t n)
{
	while (*text && n--) {
		size_t bytes = utf8_length(text);
		text += bytes ? bytes : 1;
	}
	return text;
}

void text_clip_middle(struct strbuf *out, const char *text, size_t width)
{
	size_t has = text_width(text);
	if (has <= width) {
		strbuf_puts(out, text);
		return;
	}
	size_t keep = width > 3 ? width - 3 : 0, head = (keep + 1) / 2;
	const char *cut = skip_characters(text, head);
	strbuf_add(out, text, (size_t)(cut - text));
	strbuf_puts(out, width >= 3 ? "..." : "");
	strbuf_puts(out, skip_characters(text, has - (keep - head)));
}

static const char *cell(const struct table *t, size_t row, size_t column)
{
	size_t i = row * t->column_count + column;
	return i < t->cells.count ? t->text.text + t->cells.at[i] : "";
}

static size_t row_count(const struct table *t)
{
	return t->column_count ? t->cells.count / t->column_count : 0;
}

static size_t natural_width(const struct table *t, size_t column)
{
	size_t width = text_width(t->columns[column].title);
	for (size_t row = 0; row < row_count(t); row++) {
		size_t w = text_width(cell(t, row, column));
		width = w > width ? w : width;
	}
	return width;
}

static size_t column_width(const struct table *t, size_t column)
{
	size_t width = natural_width(t, column), most = t->columns[column].max_width;
	return most && width > most ? most : width;
}

/* Names of functions get what the other columns leave. */
static void widen_names(const struct table *t, size_t *widths, size_t left)
{
	for (size_t c = 0; c < t->column_count; c++) {
		size_t more = t->columns[c].function ? natural_width(t, c) - widths[c] : 0;
		widths[c] += more < left ? more : left;
		left -= more < left ? more : left;
	}
}

static void put_padding(struct strbuf *out, size_t n)
{
	while (n--)
		strbuf_putc(out, ' ');
}

static void put_cell(const struct table *t, size_t column, const char *text, size_t width,
		     struct strbuf *out)
{
	struct strbuf clean = { 0 }, clipped = { 0 };
	escape_terminal(&clean, text);
	if (t->columns[column].function)
		short_name(&clipped, strbuf_text(&clean), width);
	else
		text_clip_middle(&clipped, strbuf_text(&clean), width);
	size_t has = text_width(strbuf_text(&clipped)), padding = width > has ? width - has : 0;
	bool last = column + 1 == t->column_count;
	if (t->columns[column].align == ALIGN_RIGHT)
		put_padding(out, padding);
	strbuf_puts(out, strbuf_text(&clipped));
	if (t->columns[column].align == ALIGN_LEFT && !last)
		put_padding(out, padding);
	out->failed = out->failed || clean.failed || clipped.failed;
	strbuf_deinit(&clean);
	strbuf_deinit(&clipped);
}

static void put_row(const struct table *t, size_t row, bool titles, const size_t *widths,
		    struct strbuf *out)
{
	size_t start = out->length;
	for (size_t c = 0; c < t->column_count; c++) {
		put_cell(t, c, titles ? t->columns[c].title : cell(t, row, c), widths[c], out);
		if (c + 1 < t->column_count)
			put_padding(out, GAP);
	}
	while (out->length > start && out->text[out->length - 1] == ' ')
		out->text[--out->length] = 0;
	strbuf_putc(out, '\n');
}

void table_write_text(const struct table *t, uint32_t width, struct strbuf *out)
{
	size_t widths[MAX_COLUMNS], used = 0;
	assert(t->column_count <= MAX_COLUMNS);
	for (size_t c = 0; c < t->column_count; c++) {
		widths[c] = column_width(t, c);
		if (c + 1 == t->column_count && used + widths[c] > width)
			widths[c] = width > used + LAST_COLUMN_MIN ? width - used : LAST_COLUMN_MIN;
		used += widths[c] + GAP;
	}
	widen_names(t, widths, width + GAP > used ? width + GAP - used : 0);
	put_row(t, 0, true, widths, out);
	for (size_t row = 0; row < row_count(t); row++)
		put_row(t, row, false, widths, out);
}

void table_write_markdown(const struct table *t, struct strbuf *out)
{
	for (size_t c = 0; c < t->column_count; c++)
		strbuf_printf(out, "| %s ", t->columns[c].title);
	strbuf_puts(out, "|\n");
	for (size_t c = 0; c < t->column_count; c++)
		strbuf_puts(out, t->columns[c].align == ALIGN_RIGHT ? "| ---: " : "| --- ");
	strbuf_puts(out, "|\n");
	for (size_t row = 0; row < row_count(t); row++) {
		for (size_t c = 0; c < t->column_count; c++) {
			const char *quote = t->columns[c].code && *cell(t, row, c) ? "`" : "";
			strbuf_printf(out, "| %s", quote);
			if (*quote)
				escape_markdown_code(out, cell(t, row, c));
			else
				escape_markdown(out, cell(t, row, c));
			strbuf_printf(out, "%s ", quote);
		}
		strbuf_puts(out, "|\n");
	}
}
