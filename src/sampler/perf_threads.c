// SPDX-License-Identifier: MIT
#include "sampler/perf_threads.h"

#include <errno.h>
#include <string.h>

static bool append_row(struct perf_threads *t)
{
	if (!vec_reserve(&t->period_ns, (t->row.count + 1) * t->cpu_count) ||
	    !vec_push(&t->row, (struct perf_thread){ 0 }))
		return false;
	t->period_ns.count = t->row.count * t->cpu_count;
	return true;
}

int perf_threads_init(struct perf_threads *t, uint32_t cpu_count)
{
	memset(t, 0, sizeof(*t));
	t->cpu_count = cpu_count;
	return append_row(t) ? 0 : -ENOMEM;
}

void perf_threads_deinit(struct perf_threads *t)
{
	vec_free(&t->row);
	vec_free(&t->period_ns);
	map64_deinit(&t->by_tid);
}

struct perf_thread *perf_threads_find(const struct perf_threads *t, pid_t tid)
{
	uint32_t row = map64_get(&t->by_tid, (uint64_t)(uint32_t)tid);
	return row ? &t->row.at[row] : NULL;
}

static uint32_t free_row(struct perf_threads *t)
{
	if (t->by_tid.count + 1 < t->row.count)
		for (uint32_t i = 1; i < t->row.count; i++)
			if (!t->row.at[i].tid)
				return i;
	return append_row(t) ? (uint32_t)t->row.count - 1 : 0;
}

struct perf_thread *perf_threads_add(struct perf_threads *t, pid_t pid, pid_t tid, uint64_t born_ns)
{
	uint32_t row = free_row(t);
	if (!row || !map64_put(&t->by_tid, (uint64_t)(uint32_t)tid, row))
		return NULL;
	t->row.at[row] = (struct perf_thread){ .pid = pid, .tid = tid, .born_ns = born_ns };
	memset(perf_thread_periods(t, &t->row.at[row]), 0, t->cpu_count * sizeof(uint32_t));
	return &t->row.at[row];
}

void perf_threads_remove(struct perf_threads *t, pid_t tid)
{
	struct perf_thread *thread = perf_threads_find(t, tid);
	if (!thread)
		return;
	perf_threads_set_pending(t, thread, false);
	map64_remove(&t->by_tid, (uint64_t)(uint32_t)tid);
	*thread = (struct perf_thread){ 0 };
}

uint32_t perf_thread_owner(const struct perf_thread *thread, uint64_t time_ns)
{
	for (uint32_t i = thread->owner_count; i-- > 0;)
		if (thread->owners[i].from_ns <= time_ns || i == 0)
			return thread->owners[i].family;
	return 0;
}

uint32_t perf_thread_latest(const struct perf_thread *thread)
{
	return thread->owner_count ? thread->owners[thread->owner_count - 1].family : 0;
}

void perf_thread_assign(struct perf_thread *thread, uint64_t from_ns, uint32_t family)
{
	if (thread->owner_count == THREAD_OWNERS) {
		thread->owner_count--;
		memmove(thread->owners, thread->owners + 1,
			thread->owner_count * sizeof(thread->owners[0]));
	}
	thread->owners[thread->owner_count++] = (struct perf_owner){ from_ns, family };
}

void perf_threads_set_pending(struct perf_threads *t, struct perf_thread *thread, bool pending)
{
	if (thread->pending == pending)
		return;
	thread->pending = pending;
	t->pending_count += pending ? 1 : UINT32_MAX;
}
