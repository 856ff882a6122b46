// SPDX-License-Identifier: MIT
#include "profile/copy.h"

#include <errno.h>

#include "base/arena.h"
#include "base/vec.h"

/* A copy in the making: rows of the profile to ids of the builder. */
struct copy {
	const struct profile *p;
	const struct selection *selection;
	struct profile_span times;
	uint64_t times_from_ns;
	uint32_t runs_before;
	struct builder *b;
	struct arena arena;
	module_id *module_of;
	frame_id *frame_of;
	stack_id *stack_of;
	draft_sample_id *sample_of;
	VEC(struct builder_line) lines;
};

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
	for (uint32_t i = 0; i < f->line_count; i++) {
		if (c->selection->hidden_line[f->first_line + i])
			continue;
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
		if (selection_hides_frame(c->selection, &p->frames[frame])) {
			c->stack_of[i] = parent;
			continue;
		}
		c->stack_of[i] = builder_stack(c->b, parent, c->frame_of[frame]);
		if (!c->stack_of[i].v)
			return false;
	}
	return true;
}

/* A row's time is spread evenly over its samples. */
static uint64_t part_of(uint64_t ns, uint64_t kept, uint64_t count)
{
	return kept == count ? ns : (uint64_t)((unsigned __int128)ns * kept / count);
}

static bool copy_samples(struct copy *c)
{
	const struct profile *p = c->p;
	for (size_t i = 0; i < p->sample_count; i++) {
		const struct profile_sample *s = &p->samples[i];
		const struct profile_thread *t = &p->threads[s->thread.v];
		uint64_t kept = c->selection->kept[i];
		thread_id thread = { 0 };
		if (!kept)
			continue;
		if (s->thread.v) {
			builder_set_run(c->b, t->run ? c->runs_before + t->run : 0);
			thread = builder_thread(c->b, t->pid, t->tid, profile_string(p, t->comm));
			if (!thread.v)
				return false;
		}
		struct builder_row row = { .thread = thread,
					   .leaf = c->stack_of[s->stack.v],
					   .truncated = profile_string(p, s->truncated),
					   .completed = s->completed,
					   .count = kept,
					   .cpu_ns = part_of(s->cpu_ns, kept, s->count) };
		c->sample_of[i] = builder_add_row(c->b, &row);
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
	for (size_t i = c->times.first; i < c->times.limit; i++) {
		const struct profile_time *t = &p->times[i];
		draft_sample_id row = c->sample_of[t->sample];
		if (row.v &&
		    builder_add_time(c->b, row, c->times_from_ns + t->time_ns, t->count) < 0)
			return false;
	}
	return true;
}

static bool copy_sources(struct copy *c)
{
	for (size_t i = 0; i < c->p->source_count; i++)
		if (builder_source(c->b, &c->p->sources[i]) < 0)
			return false;
	return true;
}

static bool copy_tables(struct copy *c)
{
	const struct profile *p = c->p;
	c->module_of = arena_alloc(&c->arena, p->module_count * sizeof(*c->module_of));
	c->frame_of = arena_alloc(&c->arena, p->frame_count * sizeof(*c->frame_of));
	c->stack_of = arena_alloc(&c->arena, p->stack_count * sizeof(*c->stack_of));
	c->sample_of = arena_alloc(&c->arena, p->sample_count * sizeof(*c->sample_of));
	return c->module_of && c->frame_of && c->stack_of && c->sample_of && copy_modules(c) &&
	       copy_stacks(c) && copy_samples(c) && copy_times(c) && copy_sources(c);
}

int profile_copy(struct builder *b, const struct profile *p, const struct selection *selection,
		 struct profile_span times, uint64_t times_from_ns, uint32_t runs_before,
		 struct error *err)
{
	struct copy c = { .p = p,
			  .selection = selection,
			  .times = times,
			  .times_from_ns = times_from_ns,
			  .runs_before = runs_before,
			  .b = b };
	bool ok = copy_tables(&c);
	arena_deinit(&c.arena);
	vec_free(&c.lines);
	return ok ? 0 : fail(err, -ENOMEM, "out of memory");
}
