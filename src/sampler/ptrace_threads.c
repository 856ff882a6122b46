// SPDX-License-Identifier: MIT
#include "sampler/ptrace.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>

#include "base/clock.h"
#include "sampler/ptrace_refusal.h"

enum { SCANS_MAX = 1000 }; /* of a task folder, until no new thread appears */

struct ptrace_thread *ptrace_thread_find(struct ptrace_sampler *p, pid_t tid)
{
	uint32_t row = map64_get(&p->thread_rows, (uint64_t)tid);
	return row ? &p->threads.at[row] : NULL;
}

struct ptrace_process *ptrace_process_find(struct ptrace_sampler *p, pid_t pid)
{
	uint32_t row = map64_get(&p->process_rows, (uint64_t)pid);
	return row ? &p->processes.at[row] : NULL;
}

static struct ptrace_process *add_process(struct ptrace_sampler *p, pid_t pid)
{
	struct ptrace_process *known = ptrace_process_find(p, pid);
	if (known)
		return known;
	size_t row = 1;
	while (row < p->processes.count && p->processes.at[row].pid)
		row++;
	while (p->processes.count <= row)
		if (!vec_push(&p->processes,
			      (struct ptrace_process){ .maps_fd = -1, .size_fd = -1 }))
			return NULL;
	if (!map64_put(&p->process_rows, (uint64_t)pid, (uint32_t)row))
		return NULL;
	p->processes.at[row] = (struct ptrace_process){ .pid = pid, .maps_fd = -1, .size_fd = -1 };
	return &p->processes.at[row];
}

static void remove_process(struct ptrace_sampler *p, struct ptrace_process *process)
{
	map64_remove(&p->process_rows, (uint64_t)process->pid);
	ptrace_maps_forget(process);
	vec_free(&process->ranges);
	process->pid = 0;
}

struct ptrace_thread *ptrace_thread_add(struct ptrace_sampler *p, pid_t pid, pid_t tid)
{
	struct ptrace_thread *known = ptrace_thread_find(p, tid);
	if (known)
		return known;
	struct ptrace_process *process = add_process(p, pid);
	size_t row = 1;
	while (row < p->threads.count && p->threads.at[row].tid)
		row++;
	while (process && p->threads.count <= row)
		if (!vec_push(&p->threads, (struct ptrace_thread){ 0 }))
			return NULL;
	if (!process || !map64_put(&p->thread_rows, (uint64_t)tid, (uint32_t)row))
		return NULL;
	process->threads++;
	p->threads.at[row] =
		(struct ptrace_thread){ .tid = tid, .pid = pid, .stat_fd = -1, .clock_fd = -1 };
	ptrace_credit_begin(&p->threads.at[row].credit, 0, monotonic_ns());
	atomic_fetch_add_explicit(&p->thread_count, 1, memory_order_relaxed);
	return &p->threads.at[row];
}

void ptrace_thread_remove(struct ptrace_sampler *p, struct ptrace_thread *t)
{
	struct ptrace_process *process = ptrace_process_find(p, t->pid);
	map64_remove(&p->thread_rows, (uint64_t)t->tid);
	ptrace_proc_close(t);
	t->tid = 0;
	atomic_fetch_sub_explicit(&p->thread_count, 1, memory_order_relaxed);
	if (process && !--process->threads)
		remove_process(p, process);
}

static long options_of(const struct ptrace_sampler *p)
{
	long options = PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
	return p->config.children ? options | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK : options;
}

/* @return 1 if it is new; 0; negative errno */
static int seize(struct ptrace_sampler *p, pid_t pid, pid_t tid)
{
	if (ptrace_thread_find(p, tid))
		return 0;
	if (ptrace(PTRACE_SEIZE, tid, NULL, options_of(p)) < 0)
		return -errno;
	struct ptrace_thread *t = ptrace_thread_add(p, pid, tid);
	if (!t)
		return -ENOMEM;
	uint64_t cpu_ns = ptrace_proc_cpu_ns(t);
	t->cpu_base_ns = cpu_ns;
	ptrace_credit_begin(&t->credit, cpu_ns, monotonic_ns());
	return 1;
}

/* @return how many threads were not known; negative errno of the first that could not be seized */
static int seize_all(struct ptrace_sampler *p, pid_t pid)
{
	char path[64];
	int found = 0, failed = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *dir = opendir(path);
	if (!dir)
		return -ESRCH;
	for (struct dirent *e; (e = readdir(dir));) {
		pid_t tid = (pid_t)strtol(e->d_name, NULL, 10);
		int r = tid > 0 ? seize(p, pid, tid) : 0;
		found += r > 0;
		/* One that ends meanwhile has nothing to do with our rights. */
		if (r < 0 && r != -ESRCH && !failed && ptrace_proc_is_thread_of(pid, tid))
			failed = r;
	}
	closedir(dir);
	return failed ? failed : found;
}

int ptrace_seize_process(struct ptrace_sampler *p, pid_t pid, struct error *err)
{
	int r = 1;
	for (int scans = 0; r > 0 && scans < SCANS_MAX; scans++)
		r = seize_all(p, pid);
	struct ptrace_process *process = ptrace_process_find(p, pid);
	if (r == 0 && !process)
		r = -ESRCH;
	if (r < 0)
		return ptrace_refusal_of(pid, r, err);
	if (!process->maps_read_ns)
		ptrace_maps_read(p, process, monotonic_ns(), false);
	return 0;
}

int ptrace_seize_on_exec(struct ptrace_sampler *p, pid_t pid, struct error *err)
{
	int r = seize(p, pid, pid);
	if (r < 0)
		return ptrace_refusal_of(pid, r, err);
	ptrace_thread_find(p, pid)->state = PTRACE_WAITS_FOR_EXEC;
	atomic_store(&p->child, pid);
	return 0;
}

void ptrace_begin_window(struct ptrace_sampler *p)
{
	p->armed = true;
	for (size_t i = 1; i < p->threads.count; i++) {
		struct ptrace_thread *t = &p->threads.at[i];
		if (!t->tid)
			continue;
		t->cpu_base_ns = ptrace_proc_cpu_ns(t);
		ptrace_credit_begin(&t->credit, t->cpu_base_ns, monotonic_ns());
	}
}

void ptrace_tell_cpu(struct ptrace_sampler *p, const struct ptrace_thread *t, uint64_t cpu_ns)
{
	if (!p->armed || t->state == PTRACE_WAITS_FOR_EXEC || cpu_ns <= t->cpu_base_ns)
		return;
	atomic_fetch_add_explicit(&p->lost, ptrace_credit_missed(&t->credit, p->period_ns),
				  memory_order_relaxed);
	struct record record = { .kind = RECORD_CPU,
				 .time_ns = monotonic_ns(),
				 .pid = t->pid,
				 .tid = t->tid,
				 .cpu = { cpu_ns - t->cpu_base_ns } };
	ptrace_tell(p, &record, NULL, 0);
}

void ptrace_end_window(struct ptrace_sampler *p)
{
	for (size_t i = 1; i < p->threads.count; i++) {
		struct ptrace_thread *t = &p->threads.at[i];
		if (!t->tid || t->state == PTRACE_ENDED)
			continue;
		uint64_t cpu_ns = ptrace_proc_cpu_ns(t);
		if (!cpu_ns && t->tid == atomic_load(&p->child))
			cpu_ns = atomic_load(&p->child_cpu_ns);
		ptrace_tell_cpu(p, t, cpu_ns ? cpu_ns : t->credit.cpu_ns);
	}
	p->armed = false;
}

void ptrace_threads_deinit(struct ptrace_sampler *p)
{
	for (size_t i = 1; i < p->threads.count; i++)
		if (p->threads.at[i].tid)
			ptrace_proc_close(&p->threads.at[i]);
	for (size_t i = 1; i < p->processes.count; i++) {
		if (!p->processes.at[i].pid)
			continue;
		ptrace_maps_forget(&p->processes.at[i]);
		vec_free(&p->processes.at[i].ranges);
	}
	vec_free(&p->threads);
	vec_free(&p->processes);
	vec_free(&p->cpus);
	map64_deinit(&p->thread_rows);
	map64_deinit(&p->process_rows);
}
