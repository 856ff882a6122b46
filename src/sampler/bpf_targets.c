// SPDX-License-Identifier: MIT
#include "sampler/bpf.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/layout.h"
#include "process/stat_file.h"

static void for_each_thread(struct bpf *b, pid_t pid,
			    void (*visit)(struct bpf *b, pid_t pid, pid_t tid))
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	DIR *folder = opendir(path);
	struct dirent *entry;
	while (folder && (entry = readdir(folder))) {
		pid_t tid = atoi(entry->d_name);
		if (tid > 0)
			visit(b, pid, tid);
	}
	if (folder)
		closedir(folder);
}

int bpf_targets_follow(struct bpf *b, pid_t pid, uint32_t state, struct error *err)
{
	int key = pid;
	if (!map64_put(&b->followed, (uint64_t)pid, 1))
		return fail(err, -ENOMEM, "out of memory");
	if (bpf_map_update_elem(bpf_map__fd(b->programs->maps.targets), &key, &state, BPF_ANY) < 0)
		return fail_errno(err, "cannot follow process %d", (int)pid);
	return 0;
}

static void for_each_followed(struct bpf *b, void (*visit)(struct bpf *b, pid_t pid, pid_t tid))
{
	for (size_t i = 0; i < b->followed.capacity; i++)
		if (b->followed.rows[i])
			for_each_thread(b, (pid_t)b->followed.keys[i], visit);
}

static void note_base(struct bpf *b, pid_t pid, pid_t tid)
{
	bpf_targets_base(b, pid, tid, stat_file_thread_cpu_ns(pid, tid), 0);
}

void bpf_targets_begin(struct bpf *b)
{
	for_each_followed(b, note_base);
}

bool bpf_targets_concern(struct bpf *b, const struct record *r)
{
	bool wide = b->config.scope != SCOPE_PROCESSES;
	if (r->kind == RECORD_LOST)
		return true;
	if (r->kind != RECORD_FORK || r->pid == r->fork.parent_pid)
		return wide || map64_get(&b->followed, (uint64_t)r->pid);
	if (b->config.children && map64_get(&b->followed, (uint64_t)r->fork.parent_pid))
		return map64_put(&b->followed, (uint64_t)r->pid, 1);
	map64_remove(&b->followed, (uint64_t)r->pid); /* its number is used again */
	return wide;
}

static struct bpf_thread_time *thread_of(struct bpf *b, pid_t tid)
{
	uint32_t row = map64_get(&b->thread_by_tid, (uint64_t)tid);
	return row ? &b->threads.at[row] : NULL;
}

void bpf_targets_base(struct bpf *b, pid_t pid, pid_t tid, uint64_t cpu_ns, uint64_t exec_ns)
{
	struct bpf_thread_time base = { pid, tid, cpu_ns, exec_ns }, *known = thread_of(b, tid);
	if (known)
		*known = base;
	else if (vec_push(&b->threads, base))
		map64_put(&b->thread_by_tid, (uint64_t)tid, (uint32_t)b->threads.count - 1);
}

/*
 * The scheduler keeps its figure up to date at switches and ticks only. A program that ends before the
 * first of them has run without a pause since its exec.
 */
uint64_t bpf_targets_end(struct bpf *b, pid_t tid, uint64_t cpu_ns, uint64_t end_ns)
{
	struct bpf_thread_time *known = thread_of(b, tid);
	uint64_t base_ns = known ? known->base_ns : 0;
	uint64_t exec_ns = known ? known->exec_ns : 0;
	if (known)
		known->base_ns = known->exec_ns = 0; /* the number may come again */
	if (exec_ns && cpu_ns == base_ns && end_ns > exec_ns)
		return end_ns - exec_ns;
	return cpu_ns > base_ns ? cpu_ns - base_ns : 0;
}

static void note_ended(struct bpf *b, pid_t pid, pid_t tid, uint64_t cpu_ns, uint64_t end_ns)
{
	cpu_ns = bpf_targets_end(b, tid, cpu_ns, end_ns);
	if (cpu_ns && !vec_push(&b->ended, (struct bpf_thread_time){ pid, tid, cpu_ns, 0 }))
		log_debug(b->config.log, LOG_SAMPLER, "no memory for the CPU time of %d", tid);
}

static void note_end(struct bpf *b, pid_t pid, pid_t tid)
{
	if (!map64_get(&b->taken, (uint64_t)tid))
		note_ended(b, pid, tid, stat_file_thread_cpu_ns(pid, tid), 0);
}

static bool is_in_proc(struct bpf *b, const struct layout_ending *e)
{
	(void)b;
	return stat_file_thread_cpu_ns(e->pid, e->tid);
}

/* /proc has the whole time of those that nobody has waited for yet. */
static bool take(struct bpf *b, const struct layout_ending *e)
{
	uint64_t cpu_ns = stat_file_thread_cpu_ns(e->pid, e->tid);
	note_ended(b, e->pid, e->tid, cpu_ns ? cpu_ns : e->cpu_ns, 0);
	return map64_put(&b->taken, (uint64_t)e->tid, 1);
}

/* @return how many of the threads that have begun to exit, and are not freed, are not `done` */
static uint32_t each_ending(struct bpf *b, bool (*done)(struct bpf *, const struct layout_ending *),
			    bool remove)
{
	int fd = bpf_map__fd(b->programs->maps.endings);
	uint64_t address = 0, next;
	uint32_t count = 0;
	struct layout_ending e;
	bool more = bpf_map_get_next_key(fd, NULL, &next) == 0;
	while (more) {
		address = next;
		more = bpf_map_get_next_key(fd, &address, &next) == 0;
		/* What cannot be deleted has been freed meanwhile, and told by its program. */
		if (bpf_map_lookup_elem(fd, &address, &e) == 0 &&
		    (!remove || bpf_map_delete_elem(fd, &address) == 0))
			count += !done(b, &e);
	}
	return count;
}

void bpf_targets_await(struct bpf *b)
{
	enum { PATIENCE_MS = 40 };
	for (int i = 0; i < PATIENCE_MS && each_ending(b, is_in_proc, false); i++)
		poll(NULL, 0, 1);
	each_ending(b, take, true);
}

void bpf_targets_finish(struct bpf *b)
{
	for_each_followed(b, note_end);
}
