// SPDX-License-Identifier: MIT
#include "session/intake.h"

#include <errno.h>

#include "base/clock.h"
#include "process/process.h"
#include "profile/builder.h"
#include "session/jit.h"
#include "session/modules.h"
#include "session/names.h"
#include "session/publish.h"
#include "session/stacks.h"
#include "session/state.h"

/* The first image that CMD, or the first target, runs: its binary becomes module 1. */
void intake_main_binary(struct session *s, pid_t pid)
{
	const struct session_config *c = s->config;
	pid_t first = c->replay ? s->recorded.main_pid : session_target(s);
	if (c->system || c->cgroup || pid != first)
		return;
	mapped_id mapped = process_binary(s->processes, process_find(s->processes, pid));
	if (mapped.v)
		modules_set_main(s->modules, mapped);
}

static bool is_end(const struct record *r)
{
	return (r->kind == RECORD_EXIT && r->tid == r->pid) ||
	       (r->kind == RECORD_COMM && r->comm.is_exec);
}

static int apply(struct session *s, const struct record *r)
{
	switch (r->kind) {
	case RECORD_LOST: s->lost += r->lost.count; return 0;
	case RECORD_THROTTLE: s->throttled++; return 0;
	case RECORD_CPU:
		s->run_cpu_ns += r->cpu.cpu_ns;
		return builder_thread_cpu(s->builder, (uint32_t)r->pid, (uint32_t)r->tid,
					  r->cpu.cpu_ns);
	default: break;
	}
	if (is_end(r) && s->jit && jit_ended(s->jit, r->pid, monotonic_ns()) < 0)
		return -ENOMEM;
	bool changed = process_apply(s->processes, r);
	process_id p = changed ? process_find(s->processes, r->pid) : (process_id){ 0 };
	if (changed) {
		stacks_forget(s->stacks, p);
		if (publisher_touch(s->publisher, p) < 0)
			return -ENOMEM;
	}
	if (r->kind != RECORD_MMAP)
		return 0;
	intake_main_binary(s, r->pid);
	int status = modules_open_new(s->modules);
	return status == 0 && changed ? modules_seen_again(s->modules, p, &r->mmap) : status;
}

/* While sampling, the age of what is read next says how full its ring may be. */
static bool may_wait(const struct session *s, const struct record *r, uint64_t now_ns)
{
	uint64_t most_ms = s->config->replay ? REPLAY_PATIENCE_MS : ROWS_PATIENCE_MOST_MS;
	if (!s->sampling)
		return !s->waiting_since_ns ||
		       now_ns - s->waiting_since_ns < most_ms * NSEC_PER_MSEC;
	uint64_t waited_ns = s->waiting_since_ns ? now_ns - s->waiting_since_ns : 0;
	return now_ns < r->time_ns + s->patience_ns || waited_ns < s->grace_ns;
}

/* What a walk by the sampler shows of what it should know. */
static int tell_publisher(struct session *s, const struct record *r)
{
	if (r->sample.user_half != USER_HALF_WALKED)
		return 0;
	process_id p = process_find(s->processes, r->pid);
	if (r->sample.walk_in_doubt)
		return publisher_touch(s->publisher, p);
	return r->sample.walked_whole ? 0 : publisher_missed(s->publisher, p);
}

/* @return 1 when the sample is done; 0 when it waits for rows; negative errno */
static int take_sample(struct session *s, const struct record *r, uint64_t now_ns)
{
	if (!overhead_keeps(&s->overhead, r->time_ns))
		return 1;
	int status = stacks_add(s->stacks, r, may_wait(s, r, now_ns));
	if (status > 0 && tell_publisher(s, r) < 0)
		return -ENOMEM;
	if (status == 0 && !s->waiting_since_ns)
		s->waiting_since_ns = now_ns;
	if (status != 0)
		s->waiting_since_ns = 0;
	return status;
}

int intake_drain(struct session *s)
{
	const struct record *r;
	uint64_t now_ns = monotonic_ns();
	while (s->sampler->ops->peek(s->sampler, &r)) {
		if (s->config->replay)
			recorded_look(&s->recorded, r);
		int status = r->kind == RECORD_SAMPLE ? take_sample(s, r, now_ns) : apply(s, r);
		if (r->kind == RECORD_SAMPLE && status == 0)
			return 0;
		if (status < 0)
			return status;
		s->sampler->ops->consume(s->sampler);
	}
	return 0;
}

int intake_collect(struct session *s)
{
	if (modules_collect(s->modules))
		stacks_forget_all(s->stacks);
	if (s->modules_progress != modules_progress(s->modules))
		publisher_touch_all(s->publisher);
	s->modules_progress = modules_progress(s->modules);
	return names_collect(s->names);
}
