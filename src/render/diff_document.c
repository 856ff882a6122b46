// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "render/diff_parts.h"
#include "render/document.h"
#include "render/table.h"

enum {
	DEFAULT_TOP = 20,
	DEFAULT_COLUMNS = 100,
	DEFAULT_TABLE_COLUMNS = 140,
	FIGURES_WIDTH = 96, /* of the columns in front of a function's name */
};

struct diff_page {
	const struct diff *diff;
	const struct diff_render_options *options;
	struct document document;
	struct cost_unit unit;
};

static void put_side(struct diff_page *p, enum diff_side side)
{
	struct strbuf line = { 0 };
	const char *command = p->options->commands[side];
	strbuf_puts(&line, p->options->names[side]);
	if (*command)
		strbuf_printf(&line, " (%s)", command);
	document_answer(&p->document, side == SIDE_BASE ? "BASE" : "NEW", &line);
	p->document.failed |= line.failed;
	strbuf_deinit(&line);
}

static void put_answers(struct diff_page *p)
{
	static const struct {
		const char *label;
		void (*say)(const struct diff *d, struct strbuf *out);
	} lines[] = {
		{ "Total", diff_answer_total },
		{ "Changed", diff_answer_changed },
		{ "How sure", diff_answer_sure },
		{ "Next", diff_answer_next },
	};
	struct strbuf sentence = { 0 };
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		strbuf_clear(&sentence);
		lines[i].say(p->diff, &sentence);
		document_answer(&p->document, lines[i].label, &sentence);
	}
	p->document.failed |= sentence.failed;
	strbuf_deinit(&sentence);
}

static void number_cell(struct table *t, int decimals, double v, const char *unit)
{
	struct strbuf text = { 0 };
	strbuf_printf(&text, "%.*f%s", decimals, v, unit);
	table_cell(t, strbuf_text(&text));
	t->failed |= text.failed;
	strbuf_deinit(&text);
}

static void change_cells(struct table *t, const struct difference *d)
{
	struct strbuf text = { 0 };
	diff_relative(&text, d, d->delta);
	table_cell(t, strbuf_text(&text));
	strbuf_clear(&text);
	diff_relative_interval(&text, d);
	table_cell(t, strbuf_text(&text));
	t->failed |= text.failed;
	strbuf_deinit(&text);
}

/* Shares in percent, their difference in points. */
static void share_cells(struct table *t, const struct difference *d, bool with_shares)
{
	struct strbuf text = { 0 };
	if (with_shares) {
		strbuf_printf(&text, "%.2f > %.2f", 100 * d->base, 100 * d->next);
		table_cell(t, strbuf_text(&text));
	} else {
		strbuf_printf(&text, "%+.2f", 100 * d->delta);
		table_cell(t, strbuf_text(&text));
	}
	strbuf_clear(&text);
	strbuf_printf(&text, "%+.2f to %+.2f", 100 * d->low, 100 * d->high);
	table_cell(t, strbuf_text(&text));
	t->failed |= text.failed;
	strbuf_deinit(&text);
}

static void visible_cell(struct table *t, const struct change *c)
{
	if (c->is_judged && c->visible > 0 && c->visible < 10)
		number_cell(t, c->visible < 0.1, 100 * c->visible, " %");
	else
		table_cell(t, "-");
}

static void name_cell(struct table *t, const struct diff *d, const struct change *c)
{
	struct strbuf text = { 0 };
	strbuf_puts(&text, diff_name(d, c));
	if (strcmp(diff_name(d, c), diff_base_name(d, c)) != 0)
		strbuf_printf(&text, " (was %s)", diff_base_name(d, c));
	table_cell(t, strbuf_text(&text));
	t->failed |= text.failed;
	strbuf_deinit(&text);
}

static void put_row(const struct diff_page *p, struct table *t, const struct change *c)
{
	bool by_share = p->diff->by == DIFF_BY_SHARE;
	table_cell(t, diff_verdict_word(c->verdict));
	number_cell(t, p->unit.decimals, p->unit.scale * c->cost.base, "");
	number_cell(t, p->unit.decimals, p->unit.scale * c->cost.next, "");
	if (!by_share)
		change_cells(t, &c->cost);
	share_cells(t, &c->share, !by_share);
	visible_cell(t, c);
	name_cell(t, p->diff, c);
}

static void put_rest(struct diff_page *p, size_t left_out, size_t too_few)
{
	struct strbuf line = { 0 };
	if (left_out)
		strbuf_printf(&line, "%zu more %s samples enough; --top %zu lists all. ", left_out,
			      left_out == 1 ? "function has" : "functions have", p->diff->judged);
	if (too_few)
		strbuf_printf(&line,
			      "%zu %s fewer than %d samples on both sides together, too few to "
			      "say anything; --format json lists all.",
			      too_few, too_few == 1 ? "function has" : "functions have",
			      DIFF_LEAST_SAMPLES);
	if (line.length && p->document.markdown)
		strbuf_putc(p->document.out, '\n');
	if (line.length)
		document_sentence(&p->document, line.text);
	p->document.failed |= line.failed;
	strbuf_deinit(&line);
}

static void put_table(struct diff_page *p)
{
	char base[16], next[16];
	bool by_share = p->diff->by == DIFF_BY_SHARE;
	size_t top = p->options->top ? p->options->top : DEFAULT_TOP, shown = 0;
	uint32_t columns = p->document.table_columns;
	uint32_t left = columns > FIGURES_WIDTH + 24 ? columns - FIGURES_WIDTH : 24;
	snprintf(base, sizeof(base), "BASE %s", p->unit.symbol);
	snprintf(next, sizeof(next), "NEW %s", p->unit.symbol);
	const struct table_column by_cost[] = {
		{ .title = "verdict", .align = ALIGN_LEFT },
		{ .title = base, .align = ALIGN_RIGHT },
		{ .title = next, .align = ALIGN_RIGHT },
		{ .title = "change", .align = ALIGN_RIGHT },
		{ .title = "95 % interval", .align = ALIGN_RIGHT },
		{ .title = "share %", .align = ALIGN_RIGHT },
		{ .title = "points", .align = ALIGN_RIGHT },
		{ .title = "seen from", .align = ALIGN_RIGHT },
		{ .title = "function",
		  .code = true,
		  .function = true,
		  .align = ALIGN_LEFT,
		  .max_width = left },
	};
	const struct table_column of_shares[] = {
		by_cost[0], by_cost[1], by_cost[2], { .title = "points", .align = ALIGN_RIGHT },
		by_cost[4], by_cost[7], by_cost[8]
	};
	struct table t;
	table_init(&t, by_share ? of_shares : by_cost, by_share ? 7 : 9);
	for (size_t i = 0; i < p->diff->count && shown < top; i++) {
		if (!p->diff->changes[i].is_judged)
			continue;
		put_row(p, &t, &p->diff->changes[i]);
		shown++;
	}
	document_table(&p->document, &t);
	table_deinit(&t);
	put_rest(p, p->diff->judged - shown, p->diff->count - p->diff->judged);
}

static void put_heading(struct diff_page *p)
{
	switch (p->diff->by) {
	case DIFF_BY_SHARE:
		document_heading(&p->document,
				 "Functions by the share of samples in their own code");
		break;
	case DIFF_BY_RATE:
		document_heading(&p->document,
				 "Functions by the CPU time of their own code, in % of a core");
		break;
	default:
		document_heading(&p->document,
				 "Functions by the CPU time of their own code in a run");
	}
}

static void put_title(struct diff_page *p)
{
	struct document *d = &p->document;
	if (d->markdown)
		strbuf_puts(d->out, "# What changed\n\n");
	else
		strbuf_printf(d->out, "%sWhat changed%s\n", d->color ? "\033[1m" : "",
			      d->color ? "\033[0m" : "");
}

int diff_document(const struct diff *d, const struct diff_render_options *options,
		  struct strbuf *out, struct error *err)
{
	uint32_t columns = options->columns;
	struct diff_page p = {
		.diff = d,
		.options = options,
		.document = { .out = out,
			      .columns = columns ? columns : DEFAULT_COLUMNS,
			      .table_columns = columns ? columns : DEFAULT_TABLE_COLUMNS,
			      .markdown = options->format == REPORT_MARKDOWN,
			      .color = options->color && options->format == REPORT_TEXT },
		.unit = diff_cost_unit(d),
	};
	put_title(&p);
	put_side(&p, SIDE_BASE);
	put_side(&p, SIDE_NEW);
	put_answers(&p);
	if (d->judged) {
		put_heading(&p);
		put_table(&p);
	}
	return p.document.failed || out->failed ? fail(err, -ENOMEM, "out of memory") : 0;
}

int diff_render(const struct diff *d, const struct diff_render_options *options, struct strbuf *out,
		struct error *err)
{
	return options->format == REPORT_JSON ? diff_json(d, options, out, err)
					      : diff_document(d, options, out, err);
}
