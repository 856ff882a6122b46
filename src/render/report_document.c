// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "base/escape.h"
#include "render/document.h"
#include "render/report_answer.h"
#include "render/report_parts.h"
#include "render/table.h"

enum {
	MODULES_SHOWN = 15,
};

static void put_answers(struct document *d)
{
	static const struct {
		const char *label;
		void (*say)(const struct report *r, struct strbuf *out);
	} lines[] = {
		{ "Shown", answer_selection },
		{ "Kernel", answer_kernel_first }, /* a large figure comes first, */
		{ "Dominates", answer_dominates },
		{ "How sure", answer_sure },
		{ "Few samples", answer_few },
		{ "How complete", answer_complete },
		{ "Not seen", answer_kernel_last }, /* a small one here */
		{ "Next", answer_next },
	};
	struct strbuf sentence = { 0 };
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		strbuf_clear(&sentence);
		lines[i].say(d->report, &sentence);
		d->failed = d->failed || sentence.failed;
		document_answer(d, lines[i].label, &sentence);
	}
	strbuf_deinit(&sentence);
}

static bool module_is_shown(const struct module_quality *m)
{
	return m->self || m->truncated || m->unnamed;
}

static const char *module_name(const struct document *d, const struct module_quality *m)
{
	const char *path = profile_string(d->report->profile, m->path);
	return *path ? path : "(in no file)";
}

static void put_module_table(struct document *d)
{
	const struct quality *q = &d->report->quality;
	const struct table_column columns[] = {
		{ .title = "self %", .align = ALIGN_RIGHT },
		{ .title = "on stack %", .align = ALIGN_RIGHT },
		{ .title = "truncated %", .align = ALIGN_RIGHT },
		{ .title = "unnamed %", .align = ALIGN_RIGHT },
		{ .title = "module", .code = true, .align = ALIGN_LEFT },
	};
	struct table t;
	table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0, shown = 0; i < q->count && shown < MODULES_SHOWN; i++) {
		const struct module_quality *m = &q->at[i];
		if (!module_is_shown(m))
			continue;
		shown++;
		table_percent(&t, percent_of(m->self, q->samples));
		table_percent(&t, percent_of(m->samples, q->samples));
		table_percent(&t, percent_of(m->truncated, q->samples));
		table_percent(&t, percent_of(m->unnamed, q->samples));
		table_cell(&t, module_name(d, m));
	}
	document_table(d, &t);
	table_deinit(&t);
}

/* What is missing in each module and what would mend it. */
static void put_mending(struct document *d)
{
	const struct quality *q = &d->report->quality;
	struct strbuf line = { 0 };
	for (size_t i = 0, shown = 0; i < q->count && shown < MODULES_SHOWN; i++) {
		const struct module_quality *m = &q->at[i];
		size_t name_length;
		strbuf_clear(&line);
		strbuf_printf(&line, "%s: ", report_basename(module_name(d, m)));
		name_length = line.length;
		report_mend(d->report, m, &line);
		if (line.length == name_length || !module_is_shown(m))
			continue;
		if (!shown++ && d->markdown)
			strbuf_putc(d->out, '\n');
		document_sentence(d, line.text);
	}
	d->failed = d->failed || line.failed;
	strbuf_deinit(&line);
}

static void put_modules(struct document *d)
{
	const struct quality *q = &d->report->quality;
	if (!q->count || (q->count == 1 && !q->at[0].path.v))
		return; /* collapsed stacks know no modules */
	document_heading(d, "Quality of each module, in % of all samples");
	put_module_table(d);
	put_mending(d);
}

static void put_notes(struct document *d)
{
	const struct profile *p = d->report->profile;
	struct strbuf cost = { 0 };
	answer_cost(d->report, &cost);
	struct strbuf inner = { 0 };
	facts_inner_pids(&d->report->facts, &inner);
	if (cost.length || inner.length || p->meta.note_count)
		document_heading(d, "The run");
	if (cost.length)
		document_sentence(d, cost.text);
	if (inner.length)
		document_sentence(d, inner.text);
	for (size_t i = 0; i < p->meta.note_count; i++)
		document_sentence(d, profile_string(p, p->meta.notes[i]));
	d->failed = d->failed || cost.failed || inner.failed;
	strbuf_deinit(&inner);
	strbuf_deinit(&cost);
}

int report_document(const struct report *r, struct strbuf *out, struct error *err)
{
	struct document d = document_begin(r, out);
	document_title(&d);
	put_answers(&d);
	if (r->facts.samples) {
		report_functions(&d);
		put_modules(&d);
	}
	put_notes(&d);
	return d.failed || out->failed ? fail(err, -ENOMEM, "out of memory") : 0;
}
