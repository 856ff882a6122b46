/* SPDX-License-Identifier: MIT */
#ifndef RENDER_DOCUMENT_H
#define RENDER_DOCUMENT_H

#include "render/report_parts.h"
#include "render/table.h"

/* A report in the making, as text for a terminal or as Markdown. Texts are escaped here. */

struct document {
	const struct report *report;
	struct strbuf *out;
	uint32_t columns, table_columns;
	bool markdown, color, failed;
};

struct document document_begin(const struct report *r, struct strbuf *out);

void document_escape(const struct document *d, struct strbuf *out, const char *text);
void document_title(struct document *d);
void document_heading(struct document *d, const char *text);
/** One of the first lines: a label of at most 12 characters and a sentence; an empty one is left out. */
void document_answer(struct document *d, const char *label, const struct strbuf *sentence);
void document_table(struct document *d, struct table *t);
void document_sentence(struct document *d, const char *text);

/** Hot functions by their own code, by all that they call, and who calls them. */
void report_functions(struct document *d);

#endif
