// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "analyze/callers.h"
#include "render/document.h"
#include "render/short_name.h"

enum {
	DEFAULT_TOP = 20,
	FIGURES_WIDTH = 43, /* of the columns in front of a function's name */
	TOTALS_SHOWN = 10,
	EVERYWHERE_PERCENT = 90,
	CALLED_SHOWN = 5,  /* functions of which it is said who calls them */
	CALLERS_SHOWN = 3, /* of each */
	CALLER_PERCENT = 10,
	NAME_WIDTH = 50,
};

static void place_cell(struct document *d, struct table *t, const struct hotspot *h)
{
	const struct profile *p = d->report->profile;
	struct strbuf place = { 0 };
	if (h->file.v) {
		strbuf_puts(&place, report_basename(profile_string(p, h->file)));
		if (h->line)
			strbuf_printf(&place, ":%u", h->line);
		strbuf_puts(&place, h->module.v ? " " : "");
	}
	strbuf_puts(&place, report_basename(profile_string(p, h->module)));
	table_cell(t, strbuf_text(&place));
	d->failed = d->failed || place.failed;
	strbuf_deinit(&place);
}

static void put_functions(struct document *d)
{
	const struct hotspots *hot = &d->report->hotspots;
	uint32_t top = d->report->options->top ? d->report->options->top : DEFAULT_TOP;
	uint32_t left =
		d->table_columns > FIGURES_WIDTH + 32 ? d->table_columns - FIGURES_WIDTH : 32;
	const struct table_column columns[] = {
		{ .title = "self %", .align = ALIGN_RIGHT },
		{ .title = "95 % interval", .align = ALIGN_RIGHT },
		{ .title = "total %", .align = ALIGN_RIGHT },
		{ .title = "samples", .align = ALIGN_RIGHT },
		{ .title = "function",
		  .code = true,
		  .function = true,
		  .align = ALIGN_LEFT,
		  .max_width = left * 11 / 20 },
		{ .title = "where", .align = ALIGN_LEFT },
	};
	struct table t;
	table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	size_t shown = 0;
	for (; shown < hot->count && shown < top; shown++) {
		const struct hotspot *h = &hot->at[shown];
		if (!h->self && shown)
			break;
		table_percent(&t, h->self_share.percent);
		table_interval(&t, h->self_share.low, h->self_share.high);
		table_percent(&t, h->total_share.percent);
		table_count(&t, h->self);
		table_cell(&t, profile_string(d->report->profile, h->function));
		place_cell(d, &t, h);
	}
	document_heading(d, "Hot functions, by the samples in their own code");
	document_table(d, &t);
	if (shown < hot->count)
		strbuf_printf(d->out, "%s%zu more %s on the stacks.\n", d->markdown ? "\n" : "",
			      hot->count - shown,
			      hot->count - shown == 1 ? "function is" : "functions are");
	table_deinit(&t);
}

/* Functions by all that they call: where to cut a whole branch. */
static int by_total(const void *a, const void *b)
{
	const struct hotspot *x = *(const struct hotspot *const *)a;
	const struct hotspot *y = *(const struct hotspot *const *)b;
	if (x->total != y->total)
		return x->total < y->total ? 1 : -1;
	return x < y ? -1 : x > y;
}

/* Whether a function's total tells more than its own samples, and more than that a program has a main(). */
static bool says_something(const struct hotspot *h)
{
	bool everywhere = h->total_share.percent >= EVERYWHERE_PERCENT && h->self_share.percent < 1;
	return h->total > h->self && h->total_share.percent >= 1 && !everywhere;
}

static void put_totals(struct document *d)
{
	const struct hotspots *hot = &d->report->hotspots;
	const struct table_column columns[] = {
		{ .title = "total %", .align = ALIGN_RIGHT },
		{ .title = "95 % interval", .align = ALIGN_RIGHT },
		{ .title = "self %", .align = ALIGN_RIGHT },
		{ .title = "function", .code = true, .function = true, .align = ALIGN_LEFT },
	};
	struct table t;
	const struct hotspot **order = calloc(hot->count + 1, sizeof(const struct hotspot *));
	size_t count = 0;
	for (size_t i = 0; order && i < hot->count; i++)
		if (says_something(&hot->at[i]))
			order[count++] = &hot->at[i];
	if (count > 1)
		qsort(order, count, sizeof(const struct hotspot *), by_total);
	table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < count && i < TOTALS_SHOWN; i++) {
		table_percent(&t, order[i]->total_share.percent);
		table_interval(&t, order[i]->total_share.low, order[i]->total_share.high);
		table_percent(&t, order[i]->self_share.percent);
		table_cell(&t, profile_string(d->report->profile, order[i]->function));
	}
	if (count) {
		document_heading(d, "By all that they call; without what is on nearly every stack");
		document_table(d, &t);
	}
	d->failed |= !order;
	table_deinit(&t);
	free(order);
}

/* "inflate: 80 % by unpack, 15 % by git_inflate" */
static void put_caller(struct document *d, const struct hotspot *h)
{
	const struct profile *p = d->report->profile;
	struct caller callers[CALLERS_SHOWN];
	struct strbuf line = { 0 };
	size_t count = callers_of(p, h, callers, CALLERS_SHOWN), said = 0;
	short_name(&line, profile_string(p, h->function), NAME_WIDTH);
	strbuf_puts(&line, " is called");
	for (size_t i = 0; i < count; i++) {
		double share = percent_of(callers[i].samples, h->self);
		if (share < CALLER_PERCENT || !callers[i].function.v)
			continue;
		strbuf_printf(&line, "%s %.0f %% by ", said++ ? "," : "", share);
		short_name(&line, profile_string(p, callers[i].function), NAME_WIDTH);
	}
	if (said)
		document_sentence(d, strbuf_text(&line));
	d->failed |= line.failed;
	strbuf_deinit(&line);
}

static void put_callers(struct document *d)
{
	const struct hotspots *hot = &d->report->hotspots;
	for (size_t i = 0; i < hot->count && i < CALLED_SHOWN; i++) {
		if (hot->at[i].self_share.percent < 1)
			break;
		if (!i)
			document_heading(d, "Who calls the hottest, in % of their own samples");
		put_caller(d, &hot->at[i]);
	}
}

void report_functions(struct document *d)
{
	put_functions(d);
	put_totals(d);
	put_callers(d);
}
