// SPDX-License-Identifier: MIT
#include "profile/profile.h"

#include <errno.h>

#include "base/arena.h"
#include "base/vec.h"
#include "profile/builder.h"
#include "profile/facts.h"

/* A copy in the making: rows of the old profile to ids of the builder. */
struct copy {
	const struct profile *p;
	const struct profile_filter *filter;
	struct builder *b;
	struct arena arena;
	module_id *module_of;
	frame_id *frame_of;
	stack_id *stack_of;
	draft_sample_id *sample_of;
	VEC(struct builder_line) lines;
};

static bool copy_meta(struct copy *c)
{
	const struct profile *p = c->p;
	struct profile_meta *m = builder_meta(c->b);
	*m = p->meta;
	for (unsigned i = 0; i < FACT_TEXTS; i++) {
		string_id *text = profile_fact_text(m, i);
		*text = builder_intern(c->b, profile_string(p, *text));
	}
	m->pids = NULL;
	m->notes = NULL;
	m->reasons = NULL;
	m->pid_count = m->note_count = m->reason_count = 0;
	for (size_t i = 0; i < p->meta.pid_count; i++)
		if (builder_target_pid(c->b, p->meta.pids[i]) < 0)
			return false;
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

static bool copy_modules(struct copy *c)
{
	for (size_t i = 1; i < c->p->module_count; i++) {
		const struct profile_module *m = &c->p->modules[i];
		module_id id = builder_add_module(
			c->b, &(struct builder_module){ .path = profile_string(c->p, m->path),
							.deleted = m->deleted,
							.is_main = i == 1 });
		if (!id.v ||
		    builder_set_build_id_text(c->b, id, profile_string(c->p, m->build_id)) < 0)
			return false;
		builder_set_module_range(c->b, id, m->start_vaddr, m->limit_vaddr);
		builder_set_file_offset(c->b, id, m->start_vaddr, m->file_off);
		c->module_of[i] = id;
	}
	return true;
}

static bool copy_frame(struct copy *c, size_t row)
{
	const struct profile *p = c->p;
	const struct profile_frame *f = &p->frames[row];
	frame_id id = builder_new_frame(c->b, c->module_of[f->module.v], f->vaddr, f->kind);
	c->lines.count = 0;
	uint32_t first = c->filter->no_inlines ? f->line_count - 1 : 0;
	for (uint32_t i = first; i < f->line_count; i++) {
		const struct profile_line *line = &p->lines[f->first_line + i];
		const struct profile_function *g = &p->functions[line->function.v];
		struct builder_line copied = {
			.name = profile_string(p, g->name),
			.system_name = profile_string(p, g->system_name),
			.file = profile_string(p, g->file),
			.line = line->line,
			.start_line = g->start_line,
		};
		if (!vec_push(&c->lines, copied))
			return false;
	}
	c->frame_of[row] = id;
	return id.v && builder_name_frame(c->b, id, c->lines.at, c->lines.count) == 0;
}

static bool copy_stacks(struct copy *c)
{
	const struct profile *p = c->p;
	for (size_t i = 1; i < p->frame_count; i++)
		if (!copy_frame(c, i))
			return false;
	for (size_t i = 1; i < p->stack_count; i++) {
		stack_id parent = c->stack_of[p->stack_parent[i].v];
		uint32_t frame = p->stack_frame[i].v;
		if (c->filter->no_kernel && p->frames[frame].kind == FRAME_KERNEL) {
			c->stack_of[i] = parent;
			continue;
		}
		c->stack_of[i] = builder_stack(c->b, parent, c->frame_of[frame]);
		if (!c->stack_of[i].v)
			return false;
	}
	return true;
}

static bool copy_samples(struct copy *c)
{
	const struct profile *p = c->p;
	for (size_t i = 0; i < p->sample_count; i++) {
		const struct profile_sample *s = &p->samples[i];
		const struct profile_thread *t = &p->threads[s->thread.v];
		thread_id thread = { 0 };
		if (s->thread.v) {
			thread = builder_thread(c->b, t->pid, t->tid, profile_string(p, t->comm));
			if (!thread.v)
				return false;
		}
		c->sample_of[i] =
			builder_add_row(c->b, thread, c->stack_of[s->stack.v],
					profile_string(p, s->truncated), s->count, s->cpu_ns);
		if (!c->sample_of[i].v)
			return false;
	}
	return true;
}

static bool copy_times(struct copy *c)
{
	const struct profile *p = c->p;
	if (builder_set_time_cell(c->b, p->time_cell_ns) < 0)
		return false;
	for (size_t i = 0; i < p->time_count; i++) {
		const struct profile_time *t = &p->times[i];
		if (builder_add_time(c->b, c->sample_of[t->sample], t->time_ns, t->count) < 0)
			return false;
	}
	return true;
}

static bool copy_all(struct copy *c)
{
	const struct profile *p = c->p;
	c->module_of = arena_alloc(&c->arena, p->module_count * sizeof(*c->module_of));
	c->frame_of = arena_alloc(&c->arena, p->frame_count * sizeof(*c->frame_of));
	c->stack_of = arena_alloc(&c->arena, p->stack_count * sizeof(*c->stack_of));
	c->sample_of = arena_alloc(&c->arena, p->sample_count * sizeof(*c->sample_of));
	return c->module_of && c->frame_of && c->stack_of && c->sample_of && copy_meta(c) &&
	       copy_modules(c) && copy_stacks(c) && copy_samples(c) && copy_times(c);
}

int profile_filter(const struct profile *p, const struct profile_filter *f, struct profile **out,
		   struct error *err)
{
	struct copy c = { .p = p, .filter = f };
	int status = builder_create(&c.b, err);
	if (!status)
		status = copy_all(&c) ? builder_freeze(c.b, out, err)
				      : fail(err, -ENOMEM, "out of memory");
	builder_destroy(c.b);
	arena_deinit(&c.arena);
	vec_free(&c.lines);
	return status;
}
