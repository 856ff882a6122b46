// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>

#include "profile/builder.h"
#include "profile/draft.h"

/*
 * Which function an address is may change while sampling goes on, and be known only at the end, when
 * samples have been added up by address. Their times tell them apart again.
 */
struct change {
	struct builder *b;
	const struct builder_change *changes;
	size_t count;
	VEC(uint32_t) first_of; /* by frame: its first change + 1; 0: none */
	VEC(bool) affected;     /* by stack: it, or an outer one, has a frame that changes */
	VEC(uint32_t) frames;   /* of one stack, innermost first */
	struct time_log times;
};

static int compare_changes(const void *x, const void *y)
{
	const struct builder_change *a = x, *b = y;
	if (a->frame.v != b->frame.v)
		return a->frame.v < b->frame.v ? -1 : 1;
	return (a->from_ns > b->from_ns) - (a->from_ns < b->from_ns);
}

static bool index_changes(struct change *c)
{
	const struct builder *b = c->b;
	for (size_t i = 0; i < b->frames.count; i++)
		if (!vec_push(&c->first_of, 0))
			return false;
	for (size_t i = c->count; i-- > 0;)
		if (c->changes[i].frame.v < c->first_of.count)
			c->first_of.at[c->changes[i].frame.v] = (uint32_t)i + 1;
	for (size_t i = 0; i < b->stacks.count; i++) {
		const struct draft_stack *s = &b->stacks.at[i];
		bool affected = i && (c->affected.at[s->parent] || c->first_of.at[s->frame]);
		if (!vec_push(&c->affected, affected))
			return false;
	}
	return true;
}

static uint32_t frame_at(const struct change *c, uint32_t frame, uint64_t time_ns)
{
	uint32_t now = frame;
	uint32_t first = frame < c->first_of.count ? c->first_of.at[frame] : 0;
	for (size_t i = first; i && i <= c->count; i++) {
		const struct builder_change *change = &c->changes[i - 1];
		if (change->frame.v != frame || change->from_ns > time_ns)
			break;
		now = change->then.v;
	}
	return now;
}

/* @return the stack as it was at that time; 0 without memory */
static uint32_t stack_at(struct change *c, uint32_t stack, uint64_t time_ns)
{
	struct builder *b = c->b;
	c->frames.count = 0;
	for (; stack && c->affected.at[stack]; stack = b->stacks.at[stack].parent)
		if (!vec_push(&c->frames, b->stacks.at[stack].frame))
			return 0;
	stack_id now = { stack };
	for (size_t i = c->frames.count; i-- > 0;) {
		frame_id frame = { frame_at(c, c->frames.at[i], time_ns) };
		now = builder_stack(b, now, frame);
		if (!now.v)
			return 0;
	}
	return now.v;
}

/* @return the row that the samples of one moment belong to; 0 without memory */
static uint32_t move(struct change *c, const struct profile_time *t)
{
	struct builder *b = c->b;
	struct draft_sample *from = &b->samples.at[t->sample];
	if (from->stack >= c->affected.count || !c->affected.at[from->stack] ||
	    t->count > from->count)
		return t->sample;
	uint32_t stack = stack_at(c, from->stack, t->time_ns + b->start_ns);
	if (!stack || stack == from->stack)
		return stack ? t->sample : 0;
	uint64_t cpu_ns = (uint64_t)((unsigned __int128)from->cpu_ns * t->count /
				     (from->count ? from->count : 1));
	struct builder_row row = { .thread = { from->thread },
				   .leaf = { stack },
				   .truncated = from->truncated,
				   .completed = from->completed,
				   .count = t->count,
				   .cpu_ns = cpu_ns };
	from->count -= t->count;
	from->cpu_ns -= cpu_ns;
	from->moved = true;
	b->sample_count -= t->count;
	return builder_add_row(b, &row).v;
}

static int move_all(struct change *c)
{
	struct time_log *old = &c->b->times;
	struct time_log_reader r = time_log_read(old);
	struct profile_time t;
	c->times.budget_bytes = old->budget_bytes;
	if (time_log_coarsen(&c->times, old->cell_ns) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < old->count && time_log_next(&r, &t); i++) {
		uint32_t row = move(c, &t);
		if (!row || time_log_add(&c->times, t.time_ns, row, t.count) < 0)
			return -ENOMEM;
	}
	struct time_log swap = *old;
	*old = c->times;
	c->times = swap;
	return 0;
}

int builder_change_frames(struct builder *b, struct builder_change *changes, size_t count)
{
	struct change c = { .b = b, .changes = changes, .count = count };
	if (!count)
		return 0;
	qsort(changes, count, sizeof(*changes), compare_changes);
	int r = index_changes(&c) ? move_all(&c) : -ENOMEM;
	vec_free(&c.first_of);
	vec_free(&c.affected);
	vec_free(&c.frames);
	time_log_deinit(&c.times);
	return r;
}
