// SPDX-License-Identifier: MIT
#include "sampler/perf.h"

#include "base/clock.h"
#include "process/stat_file.h"
#include "sampler/perf_limits.h"

/*
 * More threads than descriptors: a family takes one a CPU and one more. An event for all CPUs would take
 * a single one, but no ring can be mapped for it if it is inherited, and one on another thread may not
 * write into its ring (kernel/events/core.c, perf_mmap, perf_event_set_output), so that each thread would
 * want locked memory of its own, of which ordinary users have less than descriptors. So threads take turns:
 * every 100 ms some give their events to those that wait and have run meanwhile. All CPU time stays known,
 * by the scheduler's clock, and is spread over the samples that a thread got in its turns.
 */
enum {
	TURN_NS = 100000000,
	PASS_MOST_NS = 2000000, /* for passing on, in each turn */
};

int perf_turns_wait(struct perf *p, pid_t pid, pid_t tid)
{
	struct perf_thread *thread = perf_threads_add(&p->threads, pid, tid, 0);
	if (!thread)
		return -1;
	perf_cpu_begin(thread);
	perf_thread_assign(thread, 0, 0);
	thread->waits = true;
	thread->cpu_seen_ns = thread->cpu_base_ns;
	p->turns.waiting++;
	p->stats.threads_sharing = p->turns.waiting + p->families.open_count;
	p->stats.turns = p->families.open_count;
	p->stats.descriptors_wanted = perf_descriptors_for(p->stats.threads_sharing, p->cpu_count);
	return 0;
}

/* @return whether it has run since it was seen last */
static bool has_run(struct perf_thread *thread)
{
	uint64_t now_ns = stat_file_thread_cpu_ns(thread->pid, thread->tid);
	bool run = now_ns > thread->cpu_seen_ns;
	if (run)
		thread->cpu_seen_ns = now_ns;
	return run;
}

/* @return the row of one that waits and has run, the next in order; 0 if there is none */
static uint32_t next_waiting(struct perf *p, uint64_t until_ns)
{
	uint32_t rows = (uint32_t)p->threads.row.count;
	for (uint32_t i = 1; i < rows && monotonic_ns() < until_ns; i++) {
		p->turns.waiting_at = p->turns.waiting_at % (rows - 1) + 1;
		struct perf_thread *thread = &p->threads.row.at[p->turns.waiting_at];
		if (thread->waits && has_run(thread))
			return p->turns.waiting_at;
	}
	return 0;
}

/* Copies of its events serve its children: those stay. */
static bool may_give(const struct perf *p, const struct perf_thread *thread, uint64_t now_ns)
{
	if (!thread->tid || thread->exited || thread->waits || !thread->owner_count)
		return false;
	const struct perf_owner *owner = &thread->owners[thread->owner_count - 1];
	const struct perf_family *family = &p->families.family.at[owner->family];
	return family->state == FAMILY_OPEN && family->tid == thread->tid && family->owned == 1 &&
	       !family->on_exec && now_ns - owner->from_ns >= TURN_NS;
}

static struct perf_thread *next_giving(struct perf *p, uint64_t now_ns)
{
	uint32_t rows = (uint32_t)p->threads.row.count;
	for (uint32_t i = 1; i < rows; i++) {
		p->turns.giving_at = p->turns.giving_at % (rows - 1) + 1;
		if (may_give(p, &p->threads.row.at[p->turns.giving_at], now_ns))
			return &p->threads.row.at[p->turns.giving_at];
	}
	return NULL;
}

static void give(struct perf *p, struct perf_thread *thread)
{
	uint32_t family = perf_thread_latest(thread);
	perf_family_disable(&p->families, family);
	uint64_t now_ns = monotonic_ns(); /* samples that lie in the rings are still its own */
	p->families.family.at[family].owned = 0;
	perf_family_close(&p->families, family, now_ns);
	perf_thread_assign(thread, now_ns, 0);
	thread->cpu_seen_ns = stat_file_thread_cpu_ns(thread->pid, thread->tid);
	thread->waits = true;
	p->turns.waiting++;
}

static void take(struct perf *p, uint32_t row)
{
	struct perf_thread *thread = &p->threads.row.at[row];
	thread->waits = false;
	p->turns.waiting--;
	/* One that has just ended gets none; what it used is known. */
	perf_cover_thread(p, thread->pid, thread->tid, false);
}

void perf_turns_pass(struct perf *p, uint64_t now_ns)
{
	if (!p->turns.waiting || now_ns < p->turns.next_ns)
		return;
	uint64_t until_ns = now_ns + PASS_MOST_NS;
	/* Half of the events go on at a time. */
	for (uint32_t i = 0; i < (p->families_most + 1) / 2; i++) {
		uint32_t row = next_waiting(p, until_ns);
		bool full = p->families.open_count >= p->families_most;
		struct perf_thread *giving = row && full ? next_giving(p, now_ns) : NULL;
		if (!row || (full && !giving))
			break;
		if (giving)
			give(p, giving);
		take(p, row);
	}
	p->turns.next_ns = monotonic_ns() + TURN_NS;
}
