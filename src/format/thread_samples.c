// SPDX-License-Identifier: MIT
#include "format/thread_samples.h"

#include <errno.h>
#include <stdlib.h>

static bool same_thread(const struct profile_thread *a, const struct profile_thread *b)
{
	return a->run == b->run && a->pid == b->pid && a->tid == b->tid && (a->pid || a->tid);
}

/* The profile's rows of one thread stand next to each other. @return false without memory */
static bool add_threads(const struct profile *p, struct thread_samples *t, uint32_t *row_of)
{
	uint64_t most = 0;
	uint64_t *count_of = calloc(p->thread_count, sizeof(*count_of));
	for (size_t i = 0; count_of && i < p->sample_count; i++)
		count_of[p->samples[i].thread.v] += p->samples[i].count;
	bool ok = count_of;
	for (size_t i = 0; ok && i < p->thread_count; i++) {
		const struct profile_thread *thread = &p->threads[i];
		bool same = i && t->threads.count && same_thread(&p->threads[i - 1], thread);
		if (!same) {
			most = 0;
			ok = vec_push(&t->threads, (struct sampled_thread){ .pid = thread->pid,
									    .tid = thread->tid });
		}
		if (!ok)
			break;
		struct sampled_thread *row = &t->threads.at[t->threads.count - 1];
		if (!same || count_of[i] > most) {
			row->comm = thread->comm;
			most = count_of[i];
		}
		row_of[i] = (uint32_t)(t->threads.count - 1);
	}
	free(count_of);
	return ok;
}

static bool add_sample(struct thread_samples *t, struct thread_sample row)
{
	t->threads.at[row.thread].count += row.count;
	t->threads.at[row.thread].cpu_ns += row.cpu_ns;
	return vec_push(&t->samples, row);
}

static bool add_samples(const struct profile *p, struct thread_samples *t, const uint32_t *row_of)
{
	for (size_t i = 0; i < p->sample_count; i++) {
		const struct profile_sample *s = &p->samples[i];
		if (!add_sample(t, (struct thread_sample){ .stack = s->stack,
							   .thread = row_of[s->thread.v],
							   .count = s->count,
							   .cpu_ns = s->cpu_ns }))
			return false;
	}
	return true;
}

bool thread_samples_have_times(const struct profile *p)
{
	uint64_t timed = 0;
	for (size_t i = 0; i < p->time_count; i++)
		timed += p->times[i].count;
	return timed && timed == profile_total_count(p);
}

/* What `seen` of `count` samples have of `cpu_ns`. */
static uint64_t share_of(uint64_t cpu_ns, uint64_t seen, uint64_t count)
{
	return (uint64_t)((unsigned __int128)cpu_ns * seen / count);
}

/* Each moment gets an even part of its stack's CPU time, such that all parts add up exactly. */
static bool add_moments(const struct profile *p, struct thread_samples *t, const uint32_t *row_of)
{
	uint64_t *seen = calloc(p->sample_count, sizeof(*seen));
	bool ok = seen;
	for (size_t i = 0; ok && i < p->time_count; i++) {
		const struct profile_time *moment = &p->times[i];
		const struct profile_sample *s = &p->samples[moment->sample];
		uint64_t before = share_of(s->cpu_ns, seen[moment->sample], s->count);
		seen[moment->sample] += moment->count;
		uint64_t behind = share_of(s->cpu_ns, seen[moment->sample], s->count);
		ok = add_sample(t, (struct thread_sample){ .stack = s->stack,
							   .thread = row_of[s->thread.v],
							   .count = moment->count,
							   .cpu_ns = behind - before,
							   .time_ns = moment->time_ns });
	}
	free(seen);
	return ok;
}

static int compare_threads(const void *x, const void *y, void *threads)
{
	const uint32_t *a = x, *b = y;
	const struct sampled_thread *t = threads;
	if (t[*a].count != t[*b].count)
		return t[*a].count < t[*b].count ? 1 : -1;
	return (*a > *b) - (*a < *b);
}

/* Puts the threads into their final order and gives the samples their new rows. */
static bool order_threads(struct thread_samples *t)
{
	size_t count = t->threads.count, kept = 0;
	uint32_t *order = calloc(count, sizeof(*order)), *rank = calloc(count, sizeof(*rank));
	struct sampled_thread *sorted = calloc(count, sizeof(*sorted));
	bool ok = order && rank && sorted;
	for (uint32_t i = 0; ok && i < count; i++)
		order[i] = i;
	if (ok)
		qsort_r(order, count, sizeof(*order), compare_threads, t->threads.at);
	for (size_t i = 0; ok && i < count; i++) {
		if (!t->threads.at[order[i]].count && !t->threads.at[order[i]].cpu_ns)
			continue;
		rank[order[i]] = (uint32_t)kept;
		sorted[kept++] = t->threads.at[order[i]];
	}
	for (size_t i = 0; ok && i < t->samples.count; i++)
		t->samples.at[i].thread = rank[t->samples.at[i].thread];
	if (ok) {
		free(t->threads.at);
		t->threads.at = sorted;
		t->threads.count = kept;
		t->threads.capacity = count;
		sorted = NULL;
	}
	free(order);
	free(rank);
	free(sorted);
	return ok;
}

/* Counting sort by thread: samples of one thread stay in their order. */
static bool order_samples(struct thread_samples *t)
{
	size_t count = t->samples.count, at = 0;
	struct thread_sample *sorted = calloc(count ? count : 1, sizeof(*sorted));
	if (!sorted)
		return false;
	for (size_t i = 0; i < count; i++)
		t->threads.at[t->samples.at[i].thread].limit++;
	for (size_t i = 0; i < t->threads.count; i++) {
		struct sampled_thread *thread = &t->threads.at[i];
		thread->first = at;
		at += thread->limit;
		thread->limit = thread->first;
	}
	for (size_t i = 0; i < count; i++)
		sorted[t->threads.at[t->samples.at[i].thread].limit++] = t->samples.at[i];
	free(t->samples.at);
	t->samples.at = sorted;
	t->samples.capacity = count ? count : 1;
	return true;
}

/* A row that weighs nothing belongs to no thread that is kept. */
static void drop_weightless(struct thread_samples *t)
{
	size_t kept = 0;
	for (size_t i = 0; i < t->samples.count; i++)
		if (t->samples.at[i].count || t->samples.at[i].cpu_ns)
			t->samples.at[kept++] = t->samples.at[i];
	t->samples.count = kept;
}

int thread_samples_init(const struct profile *p, bool timed, struct thread_samples *out,
			struct error *err)
{
	*out = (struct thread_samples){ .timed = timed };
	uint32_t *row_of = calloc(p->thread_count, sizeof(*row_of));
	bool ok = row_of && add_threads(p, out, row_of);
	if (ok)
		ok = timed ? add_moments(p, out, row_of) : add_samples(p, out, row_of);
	free(row_of);
	if (ok) {
		drop_weightless(out);
		ok = order_threads(out) && order_samples(out);
	}
	return ok ? 0 : fail(err, -ENOMEM, "out of memory");
}

void thread_samples_deinit(struct thread_samples *t)
{
	vec_free(&t->threads);
	vec_free(&t->samples);
}
