// SPDX-License-Identifier: MIT
#include "profile/freeze.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_empty(const struct draft_sample *s)
{
	return s->moved && !s->count;
}

/* From the samples backward, children before parents: what nothing refers to is left out. */
static bool mark_used(struct freeze *f)
{
	const struct builder *b = f->b;
	f->stack_used = freeze_alloc(f, b->stacks.count, sizeof(bool));
	f->frame_used = freeze_alloc(f, b->frames.count, sizeof(bool));
	f->module_used = freeze_alloc(f, b->modules.count, sizeof(bool));
	f->thread_used = freeze_alloc(f, b->threads.count, sizeof(bool));
	if (!f->stack_used || !f->frame_used || !f->module_used || !f->thread_used)
		return false;
	for (size_t i = 1; i < b->samples.count; i++) {
		if (is_empty(&b->samples.at[i]))
			continue;
		f->stack_used[b->samples.at[i].stack] = true;
		f->thread_used[b->samples.at[i].thread] = true;
	}
	for (size_t i = b->stacks.count; i-- > 1;) {
		if (!f->stack_used[i])
			continue;
		f->stack_used[b->stacks.at[i].parent] = true;
		f->frame_used[b->stacks.at[i].frame] = true;
	}
	for (size_t i = 1; i < b->frames.count; i++)
		if (f->frame_used[i] && b->frames.at[i].module < b->modules.count)
			f->module_used[b->frames.at[i].module] = true;
	return true;
}

static int compare_threads(const void *x, const void *y, void *threads)
{
	const struct draft_thread *t = threads;
	const struct draft_thread *a = &t[*(const uint32_t *)x], *b = &t[*(const uint32_t *)y];
	int r = compare_u64(a->run, b->run);
	if (!r)
		r = compare_u64(a->pid, b->pid);
	if (!r)
		r = compare_u64(a->tid, b->tid);
	return r ? r : strcmp(a->comm, b->comm);
}

static bool freeze_threads(struct freeze *f)
{
	size_t count = f->b->threads.count;
	uint32_t *order = freeze_alloc(f, count, sizeof(*order));
	f->thread_of = freeze_alloc(f, count, sizeof(*f->thread_of));
	f->threads = freeze_alloc(f, count, sizeof(*f->threads));
	if (!order || !f->thread_of || !f->threads)
		return false;
	f->thread_count = 1;
	f->threads[0] = f->b->threads.at[0];
	for (uint32_t i = 1; i < count; i++)
		if (f->thread_used[i])
			order[f->thread_count++] = i;
	qsort_r(order + 1, f->thread_count - 1, sizeof(*order), compare_threads, f->b->threads.at);
	for (uint32_t i = 1; i < f->thread_count; i++) {
		f->threads[i] = f->b->threads.at[order[i]];
		f->thread_of[order[i]] = i;
	}
	return true;
}

struct stack_key {
	uint64_t key; /* canonical parent, canonical frame */
	uint32_t draft_row;
};

static int compare_stack_keys(const void *x, const void *y)
{
	const struct stack_key *a = x, *b = y;
	return compare_u64(a->key, b->key);
}

/* The used stacks by depth: those of depth d are at rows[level[d]] to rows[level[d + 1]]. */
struct levels {
	uint32_t *rows;
	size_t *level;
	size_t depths, widest;
};

static void levels_deinit(struct levels *l)
{
	free(l->rows);
	free(l->level);
}

/* @return the depth of the deepest; depths go to `depth`, 0 for stacks that are not used */
static uint32_t measure_depths(const struct freeze *f, uint32_t *depth)
{
	uint32_t deepest = 0;
	for (size_t i = 1; i < f->b->stacks.count; i++) {
		if (!f->stack_used[i])
			continue;
		depth[i] = depth[f->b->stacks.at[i].parent] + 1;
		if (depth[i] > deepest)
			deepest = depth[i];
	}
	return deepest;
}

static bool levels_init(struct levels *l, const uint32_t *depth, size_t count, uint32_t deepest)
{
	l->depths = (size_t)deepest + 1;
	l->level = calloc(l->depths + 2, sizeof(*l->level));
	if (!l->level)
		return false;
	for (size_t i = 1; i < count; i++)
		if (depth[i])
			l->level[depth[i] + 2]++;
	for (size_t d = 2; d < l->depths + 2; d++) {
		if (l->level[d] > l->widest)
			l->widest = l->level[d];
		l->level[d] += l->level[d - 1];
	}
	l->rows = malloc((l->level[l->depths + 1] + 1) * sizeof(*l->rows));
	if (!l->rows)
		return false;
	for (uint32_t i = 1; i < count; i++)
		if (depth[i])
			l->rows[l->level[depth[i] + 1]++] = i;
	return true;
}

static void freeze_level(struct freeze *f, const uint32_t *rows, size_t n, struct stack_key *keys)
{
	for (size_t i = 0; i < n; i++) {
		struct draft_stack s = f->b->stacks.at[rows[i]];
		keys[i].key = (uint64_t)f->stack_of[s.parent] << 32 | f->frame_of[s.frame];
		keys[i].draft_row = rows[i];
	}
	qsort(keys, n, sizeof(*keys), compare_stack_keys);
	for (size_t i = 0; i < n; i++) {
		if (!i || keys[i].key != keys[i - 1].key) {
			f->stack_parent[f->stack_count].v = (uint32_t)(keys[i].key >> 32);
			f->stack_frame[f->stack_count++].v = (uint32_t)keys[i].key;
		}
		f->stack_of[keys[i].draft_row] = (uint32_t)(f->stack_count - 1);
	}
}

/*
 * Level by level, each in the order of (parent, frame): the order depends on content only. Stacks are the
 * largest table by far, so the list of depths becomes that of the canonical rows.
 */
static bool freeze_stacks(struct freeze *f)
{
	size_t count = f->b->stacks.count;
	struct levels l = { 0 };
	struct stack_key *keys = NULL;
	f->stack_of = freeze_alloc(f, count, sizeof(*f->stack_of));
	bool ok =
		f->stack_of && levels_init(&l, f->stack_of, count, measure_depths(f, f->stack_of));
	if (ok) {
		size_t used = l.level[l.depths] + 1;
		keys = malloc((l.widest + 1) * sizeof(*keys));
		f->stack_parent = calloc(used, sizeof(*f->stack_parent));
		f->stack_frame = calloc(used, sizeof(*f->stack_frame));
		ok = keys && f->stack_parent && f->stack_frame;
	}
	f->stack_count = 1;
	for (size_t d = 1; ok && d < l.depths; d++)
		freeze_level(f, l.rows + l.level[d], l.level[d + 1] - l.level[d], keys);
	free(keys);
	levels_deinit(&l);
	return ok;
}

static int compare_samples(const void *x, const void *y)
{
	const struct draft_sample *a = x, *b = y;
	int r = compare_u64(a->stack, b->stack);
	if (!r)
		r = compare_u64(a->thread, b->thread);
	if (!r)
		r = a->completed - b->completed;
	return r || a->truncated == b->truncated ? r : strcmp(a->truncated, b->truncated);
}

static bool freeze_samples(struct freeze *f)
{
	size_t rows = f->b->samples.count, count = 0;
	f->samples = freeze_alloc(f, rows, sizeof(*f->samples));
	f->sample_of = freeze_alloc(f, rows, sizeof(*f->sample_of));
	if (!f->samples || !f->sample_of)
		return false;
	for (size_t i = 1; i < rows; i++) {
		if (is_empty(&f->b->samples.at[i]))
			continue;
		struct draft_sample *s = &f->samples[count++];
		*s = f->b->samples.at[i];
		s->stack = f->stack_of[s->stack];
		s->thread = f->thread_of[s->thread];
	}
	qsort(f->samples, count, sizeof(*f->samples), compare_samples);
	for (size_t i = 0; i < count; i++) {
		size_t n = f->sample_count;
		uint32_t row = f->samples[i].row;
		if (n && !compare_samples(&f->samples[n - 1], &f->samples[i])) {
			f->samples[n - 1].count += f->samples[i].count;
			f->samples[n - 1].cpu_ns += f->samples[i].cpu_ns;
		} else {
			f->samples[f->sample_count++] = f->samples[i];
		}
		f->sample_of[row] = (uint32_t)f->sample_count - 1;
	}
	return true;
}

static int compare_reasons(const void *x, const void *y)
{
	return strcmp(((const struct freeze_reason *)x)->id, ((const struct freeze_reason *)y)->id);
}

/* Counts the samples of each reason; `rows` is keyed by the interned id. */
static bool count_reasons(struct freeze *f, struct map64 *rows)
{
	for (size_t i = 0; i < f->sample_count; i++) {
		const struct draft_sample *s = &f->samples[i];
		if (!*s->truncated)
			continue;
		uint32_t row = map64_get(rows, (uintptr_t)s->truncated);
		if (!row) {
			f->reasons[f->reason_count++].id = s->truncated;
			row = (uint32_t)f->reason_count;
			if (!map64_put(rows, (uintptr_t)s->truncated, row))
				return false;
		}
		f->reasons[row - 1].samples += s->count;
	}
	return true;
}

/* The reasons that occur; one that nobody put into words is its own sentence. */
static bool freeze_reasons(struct freeze *f)
{
	struct map64 rows = { 0 };
	f->reasons = freeze_alloc(f, f->sample_count, sizeof(*f->reasons));
	if (!f->reasons || !count_reasons(f, &rows)) {
		map64_deinit(&rows);
		return false;
	}
	for (size_t i = 0; i < f->reason_count; i++)
		f->reasons[i].sentence = f->reasons[i].id;
	for (size_t i = 0; i < f->b->reasons.count; i++) {
		const struct draft_reason *r = &f->b->reasons.at[i];
		uint32_t row = map64_get(&rows, (uintptr_t)r->id);
		if (row && *r->sentence)
			f->reasons[row - 1].sentence = r->sentence;
	}
	map64_deinit(&rows);
	qsort(f->reasons, f->reason_count, sizeof(*f->reasons), compare_reasons);
	return true;
}

struct cpu_share {
	uint64_t cpu_ns, samples, seen;
};

/* Gives each sample its part of `share`, such that the parts of all add up exactly. */
static uint64_t take_share(struct cpu_share *share, uint64_t count)
{
	unsigned __int128 before = (unsigned __int128)share->cpu_ns * share->seen / share->samples;
	share->seen += count;
	return (uint64_t)((unsigned __int128)share->cpu_ns * share->seen / share->samples - before);
}

static int compare_cpus(const struct draft_thread *t, const struct draft_cpu *cpu)
{
	int r = compare_u64(t->run, cpu->run);
	if (!r)
		r = compare_u64(t->pid, cpu->pid);
	return r ? r : compare_u64(t->tid, cpu->tid);
}

/* @return the row of the first label set of a thread; 0 if it has none */
static uint32_t group_of(const struct freeze *f, const struct draft_cpu *cpu)
{
	size_t low = 1, high = f->thread_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare_cpus(&f->threads[middle], cpu) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	bool found = low < f->thread_count && !compare_cpus(&f->threads[low], cpu);
	return found ? (uint32_t)low : 0;
}

/* Label sets of one thread stand next to each other; the first one's row names the group. */
static uint32_t *group_threads(struct freeze *f)
{
	uint32_t *group = freeze_alloc(f, f->thread_count, sizeof(*group));
	if (!group)
		return NULL;
	for (uint32_t i = 1; i < f->thread_count; i++) {
		const struct draft_thread *t = &f->threads[i];
		bool same =
			i > 1 && t[-1].run == t->run && t[-1].pid == t->pid && t[-1].tid == t->tid;
		group[i] = same ? group[i - 1] : i;
	}
	return group;
}

static bool spread_cpu(struct freeze *f)
{
	uint32_t *group = group_threads(f);
	struct cpu_share *shares = freeze_alloc(f, f->thread_count, sizeof(*shares));
	if (!shares || !group)
		return false;
	for (size_t i = 0; i < f->sample_count; i++)
		shares[group[f->samples[i].thread]].samples += f->samples[i].count;
	for (size_t i = 1; i < f->b->cpus.count; i++) {
		const struct draft_cpu *cpu = &f->b->cpus.at[i];
		uint32_t row = group_of(f, cpu);
		if (row && shares[row].samples)
			shares[row].cpu_ns += cpu->cpu_ns;
		else
			f->unsampled_cpu_ns += cpu->cpu_ns;
	}
	for (size_t i = 0; i < f->sample_count; i++) {
		struct cpu_share *share = &shares[group[f->samples[i].thread]];
		if (share->cpu_ns)
			f->samples[i].cpu_ns += take_share(share, f->samples[i].count);
	}
	return true;
}

int builder_freeze(const struct builder *b, struct profile **out, struct error *err)
{
	struct freeze f = { .b = b };
	bool done = mark_used(&f) && freeze_modules(&f) && freeze_frames(&f) &&
		    freeze_functions(&f) && freeze_threads(&f) && freeze_stacks(&f) &&
		    freeze_samples(&f) && freeze_reasons(&f) && spread_cpu(&f) &&
		    freeze_times(&f) && freeze_publish(&f);
	arena_deinit(&f.arena);
	free(f.times);
	free(f.stack_parent);
	free(f.stack_frame);
	if (!done) {
		profile_destroy(f.p);
		return fail(err, -ENOMEM, "out of memory");
	}
	*out = f.p;
	return 0;
}
