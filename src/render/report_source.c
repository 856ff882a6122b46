// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analyze/interval.h"
#include "render/document.h"
#include "render/report_answer.h"

enum {
	FUNCTIONS_SHOWN = 10,
	LINES_AROUND = 6, /* without samples are shown before and behind those with */
	TAB_WIDTH = 8,
};

static const struct table_column columns[] = {
	{ .title = "line", .align = ALIGN_RIGHT },
	{ .title = "self %", .align = ALIGN_RIGHT },
	{ .title = "total %", .align = ALIGN_RIGHT },
	{ .title = "samples", .align = ALIGN_RIGHT },
	{ .title = "source", .code = true, .align = ALIGN_LEFT },
};

enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

/* @return whether the profile has the line */
static bool source_text(const struct report *r, const struct source_function *f, uint32_t line,
			struct strbuf *out, bool *newer)
{
	size_t length;
	const char *text = profile_source_text(r->profile, f->file, line, &length, newer);
	for (size_t i = 0, column = 0; text && i < length; i++) {
		size_t width = text[i] == '\t' ? TAB_WIDTH - column % TAB_WIDTH : 1;
		for (size_t k = 0; k < width; k++)
			strbuf_putc(out, text[i] == '\t' || text[i] == '\r' ? ' ' : text[i]);
		column += width;
	}
	return text;
}

static void put_line(const struct report *r, struct table *t, uint32_t line,
		     const struct line_cost *cost, const char *text)
{
	char number[16];
	snprintf(number, sizeof(number), line ? "%u" : "?", line);
	table_cell(t, number);
	if (cost) {
		table_percent(t, percent_of(cost->self, r->facts.samples));
		table_percent(t, percent_of(cost->total, r->facts.samples));
		table_count(t, cost->self);
	} else {
		for (int i = 0; i < 3; i++)
			table_cell(t, "");
	}
	table_cell(t, text);
}

/* Lines of the source near those with samples. @return the line behind the last one written */
static uint32_t put_around(const struct report *r, struct table *t, const struct source_function *f,
			   uint32_t from, uint32_t end)
{
	for (; from < end; from++) {
		struct strbuf text = { 0 };
		bool newer;
		if (source_text(r, f, from, &text, &newer))
			put_line(r, t, from, NULL, strbuf_text(&text));
		t->failed |= text.failed;
		strbuf_deinit(&text);
	}
	return end;
}

/* @return how many of the lines with samples the profile has the source of */
static size_t put_lines(const struct report *r, struct table *t, const struct source_function *f,
			bool *newer)
{
	size_t found = 0;
	uint32_t next = 1;
	for (size_t i = 0; i < f->line_count; i++) {
		const struct line_cost *cost = &f->lines[i];
		struct strbuf text = { 0 };
		bool this_newer = false;
		uint32_t near = cost->line > LINES_AROUND ? cost->line - LINES_AROUND : 1;
		if (cost->line && near > next && i)
			put_around(r, t, f, next,
				   next + LINES_AROUND < near ? next + LINES_AROUND : near);
		if (cost->line)
			put_around(r, t, f, near > next ? near : next, cost->line);
		found += source_text(r, f, cost->line, &text, &this_newer);
		*newer |= this_newer;
		put_line(r, t, cost->line, cost, strbuf_text(&text));
		next = cost->line + 1;
		t->failed |= text.failed;
		strbuf_deinit(&text);
	}
	if (f->line_count)
		put_around(r, t, f, next, next + LINES_AROUND);
	return found;
}

static void say_function(const struct report *r, const struct source_function *f,
			 struct strbuf *out)
{
	const struct profile *p = r->profile;
	struct interval self = interval_wilson(f->self, r->facts.samples);
	strbuf_printf(out, "%s: %.1f %% self (%.1f to %.1f %%), %.1f %% with all that it calls",
		      profile_string(p, f->function), self.percent, self.low, self.high,
		      percent_of(f->total, r->facts.samples));
}

static void put_place(struct document *d, const struct source_function *f)
{
	const struct profile *p = d->report->profile;
	struct strbuf place = { 0 };
	if (f->file.v)
		strbuf_puts(&place, profile_string(p, f->file));
	if (f->module.v)
		strbuf_printf(&place, "%s%s", f->file.v ? ", in " : "in ",
			      profile_string(p, f->module));
	if (place.length)
		document_sentence(d, place.text);
	d->failed |= place.failed;
	strbuf_deinit(&place);
}

static void put_function(struct document *d, const struct source_function *f)
{
	struct strbuf title = { 0 };
	struct table t;
	bool newer = false;
	say_function(d->report, f, &title);
	document_heading(d, strbuf_text(&title));
	put_place(d, f);
	if (d->markdown)
		strbuf_putc(d->out, '\n');
	table_init(&t, columns, COLUMNS);
	size_t found = put_lines(d->report, &t, f, &newer);
	document_table(d, &t);
	if (d->markdown)
		strbuf_putc(d->out, '\n');
	bool has_lines = f->line_count && f->lines[f->line_count - 1].line;
	if (!has_lines)
		document_sentence(d, "No lines are known: build it with -g, or install its debug "
				     "symbols, and record again.");
	else if (!found)
		document_sentence(d,
				  "The source was not at hand when this was recorded: lines have "
				  "numbers only.");
	if (newer)
		document_sentence(d,
				  "The source was changed after the program was built: lines may "
				  "have moved.");
	d->failed |= title.failed;
	table_deinit(&t);
	strbuf_deinit(&title);
}

int report_source(const struct report *r, struct strbuf *out, struct error *err)
{
	struct document d = document_begin(r, out);
	struct strbuf shown = { 0 };
	size_t count = r->source.count;
	document_title(&d);
	answer_selection(r, &shown);
	document_answer(&d, "Shown", &shown);
	for (size_t i = 0; i < count && i < FUNCTIONS_SHOWN; i++)
		put_function(&d, &r->source.at[i]);
	if (count > FUNCTIONS_SHOWN)
		strbuf_printf(out, "\n%zu more functions match.\n", count - FUNCTIONS_SHOWN);
	bool failed = d.failed || shown.failed || out->failed;
	strbuf_deinit(&shown);
	return failed ? fail(err, -ENOMEM, "out of memory") : 0;
}
