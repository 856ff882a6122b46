// SPDX-License-Identifier: MIT
#include "sampler/perf.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/perf_limits.h"

/*
 * One event a CPU sees every thread that runs there. None is inherited and none overlaps another, so
 * that every sample counts. A thread's CPU time is by the scheduler's clock while it lives; of one that
 * has ended nobody can ask it any more, and its samples stand for it.
 */

static int refuse(const struct perf *p, int code, struct error *err)
{
	bool group = p->config.scope == SCOPE_CGROUP;
	const char *what = group ? "a control group" : "the whole system";
	const char *how = group ? "--cgroup PATH" : "-a";
	if (code != -EPERM && code != -EACCES)
		return fail(err, code, "cannot sample %s: perf_event_open: %s", what,
			    strerror(-code));
	return fail(
		err, code,
		"cannot sample %s: kernel.perf_event_paranoid is %d, which permits that to nobody "
		"without CAP_PERFMON; run 'sudo perfprof attach %s ...', or 'sudo sysctl "
		"kernel.perf_event_paranoid=0' (it opens to every user what all others execute); "
		"'perfprof check' says more",
		what, (int)perf_read_number("/proc/sys/kernel/perf_event_paranoid", -1), how);
}

int perf_wide_open(struct perf *p, struct error *err)
{
	int whom = p->config.scope == SCOPE_CGROUP ? p->config.cgroup_fd : -1;
	int family = perf_family_open(&p->families, &p->jitter, 0, whom, false);
	return family < 0 ? refuse(p, family, err) : 0;
}

static int add_thread(struct perf *p, pid_t pid, pid_t tid)
{
	struct perf_thread *thread = perf_threads_find(&p->threads, tid);
	if (thread)
		return 0;
	thread = perf_threads_add(&p->threads, pid, tid, 0);
	if (!thread)
		return -ENOMEM;
	perf_cpu_begin(thread);
	return 0;
}

int perf_wide_add_process(struct perf *p, pid_t pid, struct error *err)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *tasks = opendir(path);
	int r = 0;
	for (const struct dirent *e; tasks && r == 0 && (e = readdir(tasks));) {
		pid_t tid = (pid_t)strtol(e->d_name, NULL, 10);
		if (tid > 0)
			r = add_thread(p, pid, tid);
	}
	if (tasks)
		closedir(tasks);
	return r < 0 ? fail(err, r, "out of memory") : 0;
}

/* In a control group an event pauses with its threads, as one of a single thread does. */
static bool counts(struct perf *p, struct perf_sampling_event *event, uint64_t time_ns)
{
	if (p->config.scope == SCOPE_SYSTEM)
		return true;
	if (event->jitter.lead)
		p->lead_ns = time_ns;
	bool counted = jitter_sample(&p->jitter, &event->jitter, time_ns);
	p->urgent |= event->jitter.lead;
	if (!event->dirty)
		event->dirty = vec_push(&p->dirty, (uint32_t)(event - p->families.event.at));
	return counted;
}

static bool scan_sample(struct perf *p, const struct perf_meta *meta)
{
	struct perf_sampling_event *event = perf_families_event(&p->families, meta->id);
	if (!event || !counts(p, event, meta->time_ns))
		return false;
	struct perf_thread *thread = perf_threads_find(&p->threads, meta->tid);
	if (!thread) {
		thread = perf_threads_add(&p->threads, meta->pid, meta->tid, meta->time_ns);
		if (thread)
			thread->base_unknown = true;
	}
	if (thread)
		thread->samples++;
	return true;
}

static void scan_exit(struct perf *p, const struct perf_meta *meta)
{
	const struct perf_thread *thread = perf_threads_find(&p->threads, meta->tid);
	if (!thread)
		return;
	perf_cpu_emit_later(p, thread->pid, thread->tid, thread->samples * p->jitter.nominal_ns);
	perf_threads_remove(&p->threads, meta->tid);
}

bool perf_wide_scan(struct perf *p, const struct perf_meta *meta)
{
	switch (meta->type) {
	case PERF_RECORD_SAMPLE: return scan_sample(p, meta);
	case PERF_RECORD_FORK:
		if (!perf_threads_find(&p->threads, meta->tid))
			perf_threads_add(&p->threads, meta->pid, meta->tid, meta->time_ns);
		break;
	case PERF_RECORD_EXIT: scan_exit(p, meta); break;
	case PERF_RECORD_LOST:
	case PERF_RECORD_LOST_SAMPLES: p->stats.lost += meta->value; break;
	case PERF_RECORD_THROTTLE: p->stats.throttled++; break;
	}
	return true;
}
