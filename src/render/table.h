/* SPDX-License-Identifier: MIT */
#ifndef RENDER_TABLE_H
#define RENDER_TABLE_H

#include "base/strbuf.h"
#include "base/vec.h"

/*
 * A table whose cells are filled row by row, for the terminal and for Markdown. Cells are plain
 * text that is escaped when the table is written.
 */

enum table_align { ALIGN_RIGHT, ALIGN_LEFT };

struct table_column {
	const char *title;
	enum table_align align;
	bool code;          /* Markdown: in backticks */
	uint32_t max_width; /* text: longer cells are shortened; 0: no limit */
	bool function;      /* text: shortened as names of functions are, else in the middle */
};

struct table {
	const struct table_column *columns;
	size_t column_count;
	struct strbuf text; /* the cells, each with a NUL */
	VEC(size_t) cells;  /* offsets into text */
	bool failed;
};

void table_init(struct table *t, const struct table_column *columns, size_t column_count);
void table_deinit(struct table *t);
/** Appends a cell; rows follow from the number of columns. */
void table_cell(struct table *t, const char *text);
/** Two decimals; an interval's ends have one. */
void table_percent(struct table *t, double percent);
void table_interval(struct table *t, double low, double high);
void table_count(struct table *t, uint64_t count);

/** @param width of the terminal: the last column gets what is left */
void table_write_text(const struct table *t, uint32_t width, struct strbuf *out);
void table_write_markdown(const struct table *t, struct strbuf *out);

/** Counts characters, not bytes. */
size_t text_width(const char *text);
/** Appends `text`; if it has more than `width` characters, its middle becomes "...". */
void text_clip_middle(struct strbuf *out, const char *text, size_t width);

#endif
