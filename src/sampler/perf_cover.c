// SPDX-License-Identifier: MIT
#include "sampler/perf.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sampler/perf_limits.h"
#include "sampler/refusal.h"

enum {
	SCANS_MAX = 1000,   /* of a task folder, until no new thread appears */
	GRACE_NS = 3000000, /* a fork's record arrives this long after the fork, at the latest */
	PATIENCE_LEAST_NS = 10000000,
	PATIENCE_MOST_NS = 100000000,
	COST_FACTOR = 50, /* a generation may cost a fiftieth of our time */
};

int perf_cover_thread(struct perf *p, pid_t pid, pid_t tid, bool on_exec)
{
	if (p->families.open_count >= p->families_most)
		return -EMFILE;
	int family = perf_family_open(&p->families, &p->jitter, pid, tid, on_exec);
	if (family < 0)
		return family;
	if (p->armed && !on_exec) {
		int r = perf_family_enable(&p->families, (uint32_t)family);
		if (r < 0) {
			perf_family_close(&p->families, (uint32_t)family, 0);
			return r;
		}
	}
	uint64_t from_ns = p->armed ? monotonic_ns() : 0;
	struct perf_thread *thread = perf_threads_find(&p->threads, tid);
	if (!thread)
		thread = perf_threads_add(&p->threads, pid, tid, 0);
	if (thread && !thread->born_ns && !thread->owner_count)
		perf_cpu_begin(thread);
	if (!thread) {
		perf_family_close(&p->families, (uint32_t)family, 0);
		return -ENOMEM;
	}
	struct perf_family *old = &p->families.family.at[perf_thread_latest(thread)];
	if (old->owned && !--old->owned)
		old->idle_ns = from_ns;
	old->disowned |= old->tid != tid;
	if (p->armed || on_exec)
		perf_cpu_cover(thread, &p->families.family.at[family]);
	perf_thread_assign(thread, from_ns, (uint32_t)family);
	p->families.family.at[family].owned = 1;
	perf_threads_set_pending(&p->threads, thread, false);
	return family;
}

static bool has_own_family(const struct perf *p, pid_t tid)
{
	const struct perf_thread *thread = perf_threads_find(&p->threads, tid);
	if (!thread || thread->exited)
		return false;
	const struct perf_family *family = &p->families.family.at[perf_thread_latest(thread)];
	return family->state == FAMILY_OPEN && family->tid == tid;
}

static bool waits(const struct perf *p, pid_t tid)
{
	const struct perf_thread *thread = perf_threads_find(&p->threads, tid);
	return thread && thread->waits;
}

/* One pass over /proc/PID/task. @return how many threads were new; negative errno */
static int cover_tasks(struct perf *p, pid_t pid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	DIR *tasks = opendir(path);
	if (!tasks)
		return errno == ENOENT ? -ESRCH : -errno;
	int added = 0, r = 0;
	const struct dirent *entry;
	while (r >= 0 && (entry = readdir(tasks))) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
		if (tid <= 0 || has_own_family(p, tid) || waits(p, tid))
			continue;
		r = perf_cover_thread(p, pid, tid, false);
		if (r == -EMFILE && p->families.open_count)
			r = perf_turns_wait(p, pid, tid) < 0 ? -ENOMEM : 0;
		added += r >= 0;
		if (r == -ESRCH)
			r = 0;
	}
	closedir(tasks);
	return r < 0 ? r : added;
}

static uint32_t count_tasks(pid_t pid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	DIR *tasks = opendir(path);
	uint32_t count = 0;
	while (tasks && readdir(tasks))
		count++;
	if (tasks)
		closedir(tasks);
	return count > 2 ? count - 2 : 0; /* without "." and ".." */
}

/* The soft limit is at the hard one already, so that only root can help. */
static int too_many_threads(struct perf *p, pid_t pid, int code, struct error *err)
{
	/* What was opened for it is of no use any more, and counting wants a descriptor. */
	for (uint32_t i = 1; i < p->families.family.count; i++)
		if (p->families.family.at[i].state == FAMILY_OPEN &&
		    p->families.family.at[i].pid == pid)
			perf_family_close(&p->families, i, 0);
	uint32_t threads = count_tasks(pid);
	unsigned long long wanted =
		perf_descriptors_for(threads + p->families.open_count, p->cpu_count);
	if (code == -ENFILE)
		return fail(err, code,
			    "cannot sample process %d: all file descriptors of this machine are in "
			    "use (sysctl fs.file-max)",
			    pid);
	return fail(
		err, code,
		"cannot sample the %u threads of process %d: with %u CPUs that takes about %llu "
		"file descriptors, more than 'ulimit -Hn' allows; run 'sudo prlimit --pid $$ "
		"--nofile=%llu' in this shell, then again",
		threads, pid, p->cpu_count, wanted, wanted);
}

int perf_cover_process(struct perf *p, pid_t pid, struct error *err)
{
	/* A thread that appears while we look is found by the next pass, or was made by one
	 * covered. */
	int added = 1, total = 0;
	for (int scans = 0; added > 0 && scans < SCANS_MAX; scans++) {
		added = cover_tasks(p, pid);
		if (added > 0)
			total += added;
	}
	if (added == -EMFILE || added == -ENFILE)
		return too_many_threads(p, pid, added, err);
	if (added < 0)
		return refusal_of(pid, added, err);
	if (!total && !has_own_family(p, pid))
		return fail(err, -ESRCH, "no process %d", pid);
	return 0;
}

/*
 * The tids to cover: those that live by copies, and the owners of the families which these were
 * copied from, for a copy ends only when its whole family is closed.
 */
static size_t collect(const struct perf *p, pid_t *tids, pid_t *pids, size_t limit)
{
	size_t count = 0;
	for (size_t i = 1; i < p->threads.row.count && count + 2 <= limit; i++) {
		const struct perf_thread *thread = &p->threads.row.at[i];
		if (!thread->tid || thread->exited)
			continue;
		const struct perf_family *family =
			&p->families.family.at[perf_thread_latest(thread)];
		bool copied_from = family->branched && family->owned > 1;
		if (!thread->pending && !copied_from)
			continue;
		pids[count] = thread->pid;
		tids[count++] = thread->tid;
	}
	return count;
}

static void cover_all(struct perf *p, const pid_t *tids, const pid_t *pids, size_t count)
{
	for (size_t i = 0; i < count && !p->crowded; i++) {
		int r = perf_cover_thread(p, pids[i], tids[i], false);
		struct perf_thread *thread = perf_threads_find(&p->threads, tids[i]);
		if (r == -EMFILE || r == -ENFILE)
			p->crowded = true;
		else if (r < 0 &&
			 thread) /* it has ended, or changed its user: what it had goes on */
			perf_threads_set_pending(&p->threads, thread, false);
	}
}

static void new_generation(struct perf *p)
{
	uint64_t begin_ns = monotonic_ns();
	size_t limit = p->threads.row.count + 2;
	pid_t *tids = calloc(limit, sizeof(*tids)), *pids = calloc(limit, sizeof(*pids));
	if (tids && pids) {
		size_t count = collect(p, tids, pids, limit);
		cover_all(p, tids, pids, count);
		p->stats.generations++;
	}
	free(tids);
	free(pids);
	uint64_t cost_ns = (monotonic_ns() - begin_ns) * COST_FACTOR;
	p->patience_ns = cost_ns < PATIENCE_LEAST_NS  ? PATIENCE_LEAST_NS
			 : cost_ns > PATIENCE_MOST_NS ? PATIENCE_MOST_NS
						      : cost_ns;
	p->pending_since_ns = 0;
}

static void close_idle(struct perf *p, uint64_t now_ns)
{
	for (uint32_t i = 1; i < p->families.family.count; i++) {
		const struct perf_family *family = &p->families.family.at[i];
		if (family->state == FAMILY_OPEN && family->idle_ns && !family->owned &&
		    now_ns > family->idle_ns + GRACE_NS) {
			perf_cpu_family_ends(p, i);
			perf_family_close(&p->families, i, now_ns);
			p->crowded = false;
		}
	}
	perf_families_reap(&p->families, p->emitted_ns);
}

void perf_cover_pending(struct perf *p, uint64_t now_ns)
{
	if (p->pending_since_ns && !p->threads.pending_count)
		p->pending_since_ns = 0;
	if (p->pending_since_ns && !p->crowded && now_ns > p->pending_since_ns + p->patience_ns)
		new_generation(p);
	if (now_ns < p->next_close_ns)
		return;
	p->next_close_ns = now_ns + GRACE_NS;
	close_idle(p, now_ns);
	if (p->armed)
		perf_turns_pass(p, now_ns);
}
