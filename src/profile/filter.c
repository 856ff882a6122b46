// SPDX-License-Identifier: MIT
#include "profile/profile.h"

#include <errno.h>

#include "base/strbuf.h"
#include "profile/builder.h"
#include "profile/copy.h"
#include "profile/facts.h"
#include "profile/select.h"

/* A copy in the making. */
struct copy {
	const struct profile *p;
	const struct profile_filter *filter;
	struct selection selection;
	struct builder *b;
};

/* What is left out, in the words of the command line; behind those of an earlier filter. */
static string_id selection_words(struct copy *c)
{
	const struct profile_filter *f = c->filter;
	const char *before = profile_string(c->p, c->p->meta.selection);
	const struct {
		const char *option, *text;
	} given[] = {
		{ "--focus", f->focus },
		{ "--ignore", f->ignore },
		{ "--hide", f->hide },
		{ "--thread", f->thread },
	};
	struct strbuf words = { 0 };
	strbuf_puts(&words, before);
	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
		if (given[i].text)
			strbuf_printf(&words, "%s%s '%s'", words.length ? " " : "", given[i].option,
				      given[i].text);
	if (f->end_ns) {
		strbuf_printf(&words, "%s--time %.9g-", words.length ? " " : "",
			      (double)f->begin_ns / 1e9);
		if (f->end_ns < UINT64_MAX)
			strbuf_printf(&words, "%.9g", (double)f->end_ns / 1e9);
	}
	string_id id = builder_intern(c->b, strbuf_text(&words));
	strbuf_deinit(&words);
	return id;
}

static void copy_selection(struct copy *c)
{
	struct profile_meta *m = builder_meta(c->b);
	uint64_t kept = 0;
	m->selection = selection_words(c);
	if (!m->selection.v)
		return;
	for (size_t i = 0; i < c->p->sample_count; i++)
		kept += c->selection.kept[i];
	m->samples_before = c->p->meta.selection.v ? m->samples_before : profile_total_count(c->p);
	if (kept < m->samples_before)
		m->unsampled_cpu_ns = 0; /* nobody knows what of it would be left */
}

static bool copy_meta(struct copy *c)
{
	const struct profile *p = c->p;
	struct profile_meta *m = builder_meta(c->b);
	*m = p->meta;
	for (unsigned i = 0; i < FACT_TEXTS; i++) {
		string_id *text = profile_fact_text(m, i);
		*text = builder_intern(c->b, profile_string(p, *text));
	}
	copy_selection(c);
	m->pids = m->inner_pids = NULL;
	m->notes = NULL;
	m->reasons = NULL;
	m->run_cpu_ns = NULL;
	m->pid_count = m->note_count = m->reason_count = m->run_count = 0;
	for (size_t i = 0; i < p->meta.run_count; i++)
		if (builder_end_run(c->b, p->meta.run_cpu_ns[i]) < 0)
			return false;
	for (size_t i = 0; i < p->meta.pid_count; i++) {
		if (builder_target_pid(c->b, p->meta.pids[i]) < 0)
			return false;
		builder_target_inner_pid(c->b, p->meta.pids[i], p->meta.inner_pids[i]);
	}
	for (size_t i = 0; i < p->meta.note_count; i++)
		if (builder_note(c->b, profile_string(p, p->meta.notes[i])) < 0)
			return false;
	for (size_t i = 0; i < p->meta.reason_count; i++) {
		const struct profile_reason *r = &p->meta.reasons[i];
		if (builder_reason(c->b, profile_string(p, r->id), profile_string(p, r->sentence)) <
		    0)
			return false;
	}
	return true;
}

static int copy_all(struct copy *c, struct error *err)
{
	if (!copy_meta(c))
		return fail(err, -ENOMEM, "out of memory");
	return profile_copy(c->b, c->p, &c->selection, filter_span(c->p, c->filter), 0, 0, err);
}

int profile_filter(const struct profile *p, const struct profile_filter *f, struct profile **out,
		   struct error *err)
{
	struct copy c = { .p = p, .filter = f };
	int status = selection_make(p, f, &c.selection, err);
	if (!status)
		status = builder_create(&c.b, err);
	if (!status)
		status = copy_all(&c, err);
	if (!status) {
		builder_seal(c.b);
		status = builder_freeze(c.b, out, err);
	}
	builder_destroy(c.b);
	selection_deinit(&c.selection);
	return status;
}
