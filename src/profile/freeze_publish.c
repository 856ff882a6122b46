// SPDX-License-Identifier: MIT
#include "profile/freeze.h"

#include <stdlib.h>
#include <string.h>

#include "profile/facts.h"

typedef VEC(const char *) text_list;

static bool list_meta_texts(const struct freeze *f, text_list *texts)
{
	struct profile_meta m = f->b->meta;
	bool ok = true;
	for (unsigned i = 0; i < FACT_TEXTS; i++)
		ok = ok && vec_push(texts, strings_text(&f->b->strings, *profile_fact_text(&m, i)));
	for (size_t i = 0; i < f->b->notes.count; i++)
		ok = ok && vec_push(texts, f->b->notes.at[i]);
	for (size_t i = 0; i < f->reason_count; i++)
		ok = ok && vec_push(texts, f->reasons[i].id) &&
		     vec_push(texts, f->reasons[i].sentence);
	return ok;
}

static bool list_texts(const struct freeze *f, text_list *texts)
{
	bool ok = list_meta_texts(f, texts);
	for (size_t i = 1; ok && i < f->module_count; i++)
		ok = vec_push(texts, f->modules[i].path) && vec_push(texts, f->modules[i].build_id);
	for (size_t i = 1; ok && i < f->function_count; i++)
		ok = vec_push(texts, f->functions[i]->name) &&
		     vec_push(texts, f->functions[i]->system_name) &&
		     vec_push(texts, f->functions[i]->file);
	for (size_t i = 1; ok && i < f->thread_count; i++)
		ok = vec_push(texts, f->threads[i].comm);
	return ok;
}

static int compare_texts(const void *x, const void *y)
{
	const char *a = *(const char *const *)x, *b = *(const char *const *)y;
	return a == b ? 0 : strcmp(a, b);
}

/* Numbers the strings in their own order, so that their ids compare as they do. */
static bool publish_strings(struct freeze *f)
{
	text_list texts = { 0 };
	bool ok = strings_init(&f->p->strings) == 0 && list_texts(f, &texts);
	if (ok && texts.count)
		qsort(texts.at, texts.count, sizeof(*texts.at), compare_texts);
	for (size_t i = 0; ok && i < texts.count; i++)
		ok = !*texts.at[i] || strings_intern(&f->p->strings, texts.at[i]).v;
	vec_free(&texts);
	return ok;
}

static string_id id_of(struct freeze *f, const char *text)
{
	return strings_intern(&f->p->strings, text);
}

static void *table(size_t count, size_t element_bytes)
{
	return calloc(count ? count : 1, element_bytes);
}

static bool alloc_tables(struct freeze *f)
{
	struct profile *p = f->p;
	p->module_count = f->module_count;
	p->function_count = f->function_count;
	p->line_count = f->line_count;
	p->frame_count = f->frame_count;
	p->stack_count = f->stack_count;
	p->thread_count = f->thread_count;
	p->sample_count = f->sample_count;
	p->modules = table(p->module_count, sizeof(*p->modules));
	p->functions = table(p->function_count, sizeof(*p->functions));
	p->lines = table(p->line_count, sizeof(*p->lines));
	p->frames = table(p->frame_count, sizeof(*p->frames));
	p->threads = table(p->thread_count, sizeof(*p->threads));
	p->samples = table(p->sample_count, sizeof(*p->samples));
	return p->modules && p->functions && p->lines && p->frames && p->threads && p->samples;
}

static void publish_modules(struct freeze *f)
{
	for (size_t i = 1; i < f->module_count; i++) {
		const struct draft_module *m = &f->modules[i];
		bool before = m->start_vaddr < m->vaddr_minus_off;
		f->p->modules[i] = (struct profile_module){
			.path = id_of(f, m->path),
			.build_id = id_of(f, m->build_id),
			.start_vaddr = m->start_vaddr,
			.limit_vaddr = m->limit_vaddr,
			.file_off = before ? 0 : m->start_vaddr - m->vaddr_minus_off,
			.deleted = m->deleted,
		};
	}
}

static void publish_functions(struct freeze *f)
{
	for (size_t i = 1; i < f->function_count; i++) {
		const struct draft_function *g = f->functions[i];
		f->p->functions[i] = (struct profile_function){
			.name = id_of(f, g->name),
			.system_name = id_of(f, g->system_name),
			.file = id_of(f, g->file),
			.start_line = g->start_line,
			.unnamed = g->unnamed,
		};
	}
}

static uint32_t function_row(const struct freeze *f, const struct draft_function *g)
{
	size_t low = 1, high = f->function_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare_functions(f->functions[middle], g) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return (uint32_t)low;
}

static void publish_frames(struct freeze *f)
{
	uint32_t line = 0;
	for (size_t i = 1; i < f->frame_count; i++) {
		const struct freeze_frame *frame = &f->frames[i];
		f->p->frames[i] = (struct profile_frame){
			.module = { frame->module },
			.vaddr = frame->vaddr,
			.first_line = line,
			.line_count = frame->line_count,
			.kind = (enum frame_kind)frame->kind,
		};
		for (uint32_t j = 0; j < frame->line_count; j++, line++) {
			f->p->lines[line].function.v = function_row(f, frame->lines[j].function);
			f->p->lines[line].line = frame->lines[j].line;
		}
	}
}

static void publish_samples(struct freeze *f)
{
	f->p->stack_parent = f->stack_parent;
	f->p->stack_frame = f->stack_frame;
	f->stack_parent = NULL;
	f->stack_frame = NULL;
	for (size_t i = 1; i < f->thread_count; i++) {
		const struct draft_thread *t = &f->threads[i];
		f->p->threads[i] =
			(struct profile_thread){ t->pid, t->tid, id_of(f, t->comm), t->run };
	}
	for (size_t i = 0; i < f->sample_count; i++) {
		const struct draft_sample *s = &f->samples[i];
		f->p->samples[i] = (struct profile_sample){
			.stack = { s->stack },
			.thread = { s->thread },
			.truncated = id_of(f, s->truncated),
			.completed = s->completed,
			.count = s->count,
			.cpu_ns = s->cpu_ns,
		};
	}
}

/* The list is handed over, without what it had room for. */
static bool publish_times(struct freeze *f)
{
	struct profile *p = f->p;
	p->time_cell_ns = f->time_count ? f->time_cell_ns : 0;
	p->time_count = f->time_count;
	p->times = realloc(f->times, (f->time_count ? f->time_count : 1) * sizeof(*p->times));
	if (p->times)
		f->times = NULL;
	return p->times;
}

static bool publish_lists(struct freeze *f)
{
	const struct builder *b = f->b;
	struct profile_meta *m = &f->p->meta;
	m->pids = table(b->pids.count, sizeof(*m->pids));
	m->inner_pids = table(b->pids.count, sizeof(*m->inner_pids));
	m->notes = table(b->notes.count, sizeof(*m->notes));
	m->reasons = table(f->reason_count, sizeof(*m->reasons));
	m->run_cpu_ns = table(b->runs.count, sizeof(*m->run_cpu_ns));
	if (!m->run_cpu_ns || !m->pids || !m->inner_pids || !m->notes || !m->reasons)
		return false;
	m->pid_count = b->pids.count;
	for (size_t i = 0; i < b->pids.count; i++) {
		m->pids[i] = b->pids.at[i];
		m->inner_pids[i] = b->inner_pids.at[i];
	}
	m->run_count = b->runs.count;
	for (size_t i = 0; i < b->runs.count; i++)
		m->run_cpu_ns[i] = b->runs.at[i];
	m->note_count = b->notes.count;
	for (size_t i = 0; i < b->notes.count; i++)
		m->notes[i] = id_of(f, b->notes.at[i]);
	m->reason_count = f->reason_count;
	for (size_t i = 0; i < f->reason_count; i++)
		m->reasons[i] = (struct profile_reason){
			.id = id_of(f, f->reasons[i].id),
			.sentence = id_of(f, f->reasons[i].sentence),
			.samples = f->reasons[i].samples,
		};
	return true;
}

static bool publish_meta(struct freeze *f)
{
	const struct builder *b = f->b;
	struct profile_meta *m = &f->p->meta;
	*m = b->meta;
	for (unsigned i = 0; i < FACT_TEXTS; i++) {
		string_id *text = profile_fact_text(m, i);
		*text = id_of(f, strings_text(&b->strings, *text));
	}
	m->unsampled_cpu_ns += f->unsampled_cpu_ns;
	return publish_lists(f);
}

bool freeze_publish(struct freeze *f)
{
	f->p = calloc(1, sizeof(*f->p));
	if (!f->p || !publish_strings(f) || !alloc_tables(f))
		return false;
	publish_modules(f);
	publish_functions(f);
	publish_frames(f);
	publish_samples(f);
	return publish_times(f) && publish_meta(f) &&
	       profile_attach_sources(f->p, &f->b->sources, NULL) == 0;
}
