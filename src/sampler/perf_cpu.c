// SPDX-License-Identifier: MIT
#include "sampler/perf.h"

#include <unistd.h>

#include "base/clock.h"
#include "process/stat_file.h"

/*
 * CPU time of each thread inside the window. Of a live thread the scheduler's own clock tells. Of
 * one that has ended: inherited copies leave a READ record behind, and events that we opened for
 * the thread itself can still be read; both count what the scheduler does, but for the switches.
 */

void perf_cpu_begin(struct perf_thread *thread)
{
	thread->cpu_base_ns = stat_file_thread_cpu_ns(thread->pid, thread->tid);
}

void perf_cpu_cover(const struct perf_thread *thread, struct perf_family *family)
{
	uint64_t now_ns = stat_file_thread_cpu_ns(thread->pid, thread->tid);
	family->cpu_before_ns = now_ns > thread->cpu_base_ns ? now_ns - thread->cpu_base_ns : 0;
}

void perf_cpu_emit_later(struct perf *p, pid_t pid, pid_t tid, uint64_t cpu_ns)
{
	struct perf_cpu_time cpu = { .pid = pid, .tid = tid, .cpu_ns = cpu_ns };
	if (cpu_ns && !vec_push(&p->cpu_times, cpu))
		log_debug(p->config.log, LOG_SAMPLER, "no memory for the CPU time of %d", tid);
}

void perf_cpu_family_ends(struct perf *p, uint32_t number)
{
	const struct perf_family *family = &p->families.family.at[number];
	const struct perf_sampling_event *events = perf_family_events(&p->families, number);
	if (!family->ended)
		return;
	uint64_t own_ns = 0, count_ns;
	for (uint32_t i = 0; i < p->families.cpu_count; i++)
		if (events[i].fd >= 0 &&
		    read(events[i].fd, &count_ns, sizeof(count_ns)) == (ssize_t)sizeof(count_ns))
			own_ns += count_ns;
	own_ns = own_ns > family->copies_ns ? own_ns - family->copies_ns : 0;
	/* Copies that are still running, in threads that have events of their own by now, are in
	 * it. */
	if (family->disowned)
		own_ns = family->own_samples * p->jitter.nominal_ns;
	perf_cpu_emit_later(p, family->pid, family->tid, family->cpu_before_ns + own_ns);
}

static void end_thread(struct perf *p, const struct perf_thread *thread)
{
	uint64_t now_ns = stat_file_thread_cpu_ns(thread->pid, thread->tid);
	struct perf_family *family = &p->families.family.at[perf_thread_latest(thread)];
	if (thread->base_unknown)
		perf_cpu_emit_later(p, thread->pid, thread->tid,
				    thread->samples * p->jitter.nominal_ns);
	else if (!now_ns && thread->cpu_seen_ns > thread->cpu_base_ns &&
		 !perf_thread_latest(thread))
		perf_cpu_emit_later(p, thread->pid, thread->tid,
				    thread->cpu_seen_ns - thread->cpu_base_ns);
	else if (now_ns > thread->cpu_base_ns)
		perf_cpu_emit_later(p, thread->pid, thread->tid, now_ns - thread->cpu_base_ns);
	else if (!now_ns && family->tid == thread->tid)
		family->ended = true; /* the record of its end was lost, or did not arrive yet */
}

void perf_cpu_end(struct perf *p)
{
	for (size_t i = 1; i < p->threads.row.count; i++)
		if (p->threads.row.at[i].tid && !p->threads.row.at[i].exited)
			end_thread(p, &p->threads.row.at[i]);
	for (uint32_t i = 1; i < p->families.family.count; i++)
		if (p->families.family.at[i].state == FAMILY_OPEN)
			perf_cpu_family_ends(p, i);
}
