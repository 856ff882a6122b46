// SPDX-License-Identifier: MIT
#include "session/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/vec.h"
#include "process/descendants.h"
#include "process/process.h"
#include "process/stat_file.h"
#include "profile/builder.h"
#include "session/child.h"
#include "session/facts.h"
#include "session/modules.h"
#include "session/names.h"
#include "session/signals.h"
#include "session/stacks.h"

enum {
	ROWS_PATIENCE_MS = 200, /* how long a sample waits in its ring for unwind rows */
	DRAIN_INTERVAL_MS = 10,
	TICK_INTERVAL_MS = 500,
	NAMES_PATIENCE_MS = 60 * 1000,
};

struct session {
	const struct session_config *config;
	struct caller_state caller;
	struct signals signals;
	struct child child;
	struct sampler *sampler;
	struct process_table *processes;
	struct builder *builder;
	struct modules *modules;
	struct names *names;
	struct stacks *stacks;
	VEC(struct pollfd) fds; /* 0 signals, 1 modules, 2 names, then a pidfd a target */
	uint64_t start_ns, start_unix_ns, end_ns;
	uint64_t stop_ns; /* when -d is over; 0: until the end */
	uint64_t next_tick_ns;
	uint64_t waiting_since_ns; /* 0: no sample waits for rows */
	uint64_t lost, throttled;
	uint64_t system_begin_ns, system_ns; /* kernel mode of all targets: at the start, since then */
	int exec_errno;
	bool stopping, gave_up;
};

static int check_targets(const struct session_config *config, struct error *err)
{
	for (size_t i = 0; i < config->pid_count; i++)
		if (kill(config->pids[i], 0) < 0 && errno == ESRCH)
			return fail(err, -ESRCH, "no process %d", (int)config->pids[i]);
	return 0;
}

/*
 * On a machine that the target keeps busy, rings overflow and samples wait in vain for rows unless
 * the loop and the loader get their turn at once; they use little. Where that is not permitted, things
 * go on as they are. Only this thread and those that it starts later are meant (setpriority(2)).
 */
static void take_precedence(void)
{
	enum { NICE = -10 };
	if (getpriority(PRIO_PROCESS, 0) > NICE)
		setpriority(PRIO_PROCESS, 0, NICE);
}

static int create_rooms(struct session *s, struct error *err)
{
	const struct session_config *c = s->config;
	struct symbol_config symbols = { .inlines = c->inlines, .log = c->log };
	int r = process_table_create(&s->processes, err);
	if (r == 0)
		r = builder_create(&s->builder, err);
	if (r == 0)
		r = names_create(&symbols, s->builder, &s->names, err); /* names can wait */
	take_precedence();
	if (r == 0)
		r = modules_create(s->processes, s->builder, c->log, &s->modules, err);
	if (r == 0)
		r = stacks_create(s->processes, s->modules, s->names, s->builder, c->kernel, &s->stacks,
				  err);
	if (r == 0 && facts_begin(s->builder, c) < 0)
		r = fail(err, -ENOMEM, "out of memory");
	return r;
}

static int create_sampler(struct session *s, struct error *err)
{
	const struct session_config *c = s->config;
	struct sampler_config sampler = {
		.rate_hz = c->rate_hz,
		.kernel = true, /* --no-kernel leaves out frames, not samples */
		.children = c->children,
		.jitter = true,
		.log = c->log,
	};
	return c->sampler->open(&sampler, &s->sampler, err);
}

static bool watch(struct session *s, int fd)
{
	return vec_push(&s->fds, (struct pollfd){ .fd = fd, .events = POLLIN });
}

static int watch_all(struct session *s, struct error *err)
{
	bool ok = watch(s, s->signals.fd) && watch(s, modules_fd(s->modules)) &&
		  watch(s, names_fd(s->names));
	for (size_t i = 0; ok && i < s->config->pid_count; i++) {
		int fd = (int)syscall(SYS_pidfd_open, s->config->pids[i], 0);
		if (fd < 0 && errno == ESRCH)
			return fail(err, -ESRCH, "no process %d", (int)s->config->pids[i]);
		if (fd < 0)
			return fail_errno(err, "cannot watch process %d", (int)s->config->pids[i]);
		ok = watch(s, fd);
	}
	return ok ? 0 : fail(err, -ENOMEM, "out of memory");
}

int session_create(const struct session_config *config, struct session **out, struct error *err)
{
	struct session *s = calloc(1, sizeof(*s));
	if (!s)
		return fail(err, -ENOMEM, "out of memory");
	s->config = config;
	s->signals.fd = -1;
	s->child.go_fd = s->child.errno_fd = -1;
	int r = check_targets(config, err);
	if (r == 0)
		r = caller_state_capture(&s->caller, err);
	if (r == 0)
		r = signals_init(&s->signals, err);
	if (r == 0 && config->command)
		r = child_spawn(config->command, &s->caller, &s->child, err);
	if (r == 0)
		r = create_sampler(s, err);
	if (r == 0)
		r = create_rooms(s, err);
	if (r == 0)
		r = watch_all(s, err);
	if (r < 0) {
		session_destroy(s);
		return r;
	}
	*out = s;
	return 0;
}

/* Time in kernel mode: its own figure where kernel mode may not be sampled (design, promise 1). */
static uint64_t targets_system_ns(const struct session *s)
{
	uint64_t sum_ns = 0;
	struct rusage usage;
	if (s->config->command)
		return getrusage(RUSAGE_CHILDREN, &usage) < 0 ?
			       0 :
			       (uint64_t)usage.ru_stime.tv_sec * NSEC_PER_SEC +
				       (uint64_t)usage.ru_stime.tv_usec * 1000;
	for (size_t i = 0; i < s->config->pid_count; i++) {
		struct stat_file stat;
		if (stat_file_read(s->config->pids[i], &stat))
			sum_ns += stat_file_system_ns(&stat);
	}
	return sum_ns;
}

static void read_system_time(struct session *s)
{
	uint64_t now_ns = targets_system_ns(s);
	/* A target that has ended is no longer in the sum: its last reading stands. */
	if (now_ns > s->system_begin_ns && now_ns - s->system_begin_ns > s->system_ns)
		s->system_ns = now_ns - s->system_begin_ns;
}

static void begin_clock(struct session *s)
{
	s->system_begin_ns = targets_system_ns(s);
	s->start_ns = monotonic_ns();
	s->start_unix_ns = clock_ns(CLOCK_REALTIME);
	if (s->config->duration_ns)
		s->stop_ns = s->start_ns + s->config->duration_ns;
	s->next_tick_ns = s->start_ns + TICK_INTERVAL_MS * NSEC_PER_MSEC;
}

static int start_command(struct session *s, struct error *err)
{
	int r = process_add_live(s->processes, s->child.pid, err);
	if (r == 0)
		r = s->config->sampler->add_on_exec(s->sampler, s->child.pid, err);
	if (r == 0)
		r = s->config->sampler->arm(s->sampler, err);
	if (r < 0)
		return r;
	builder_target_pid(s->builder, (uint32_t)s->child.pid);
	begin_clock(s);
	r = child_release(&s->child, err);
	if (r < 0 && s->child.go_fd < 0)
		s->exec_errno = -r;
	return r < 0 ? fail_in(err, r, "'%s'", s->config->command[0]) : 0;
}

/*
 * Covers children that were there before us. Those that come later are announced by records; those
 * that came while we looked are found by looking again.
 */
static int add_descendants(struct session *s)
{
	const struct session_config *c = s->config;
	pid_list pids = { 0 };
	int r = 0;
	for (size_t i = 0; r == 0 && i < c->pid_count; i++)
		r = vec_push(&pids, c->pids[i]) ? 0 : -ENOMEM;
	for (size_t done = c->pid_count; r == 0; done = pids.count) {
		r = process_add_descendants(&pids);
		if (r < 0 || pids.count == done)
			break;
		for (size_t i = done; i < pids.count; i++) {
			struct error why = { 0 };
			if (c->sampler->add_process(s->sampler, pids.at[i], &why) < 0 ||
			    process_add_live(s->processes, pids.at[i], &why) < 0)
				log_debug(c->log, LOG_SESSION, "child %d: %s", (int)pids.at[i], why.text);
		}
	}
	vec_free(&pids);
	return r;
}

static int start_targets(struct session *s, struct error *err)
{
	const struct session_config *c = s->config;
	for (size_t i = 0; i < c->pid_count; i++) {
		int r = c->sampler->add_process(s->sampler, c->pids[i], err);
		if (r < 0)
			return r;
	}
	int r = c->sampler->arm(s->sampler, err);
	begin_clock(s);
	/* Mappings are read when later ones already come as records: none is missed. */
	for (size_t i = 0; r == 0 && i < c->pid_count; i++)
		r = process_add_live(s->processes, c->pids[i], err);
	if (r == 0 && (facts_targets(s->builder, s->processes, c->pids, c->pid_count) < 0 ||
		       (c->children && add_descendants(s) < 0) || modules_open_new(s->modules) < 0))
		r = fail(err, -ENOMEM, "out of memory");
	return r;
}

/* The first image that CMD, or the first target, runs: its binary becomes module 1. */
static void note_main_binary(struct session *s, pid_t pid)
{
	pid_t first = s->config->command ? s->child.pid : s->config->pids[0];
	if (pid != first)
		return;
	mapped_id mapped = process_binary(s->processes, process_find(s->processes, pid));
	if (mapped.v)
		modules_set_main(s->modules, mapped);
}

static int apply(struct session *s, const struct record *r)
{
	switch (r->kind) {
	case RECORD_LOST: s->lost += r->lost.count; return 0;
	case RECORD_THROTTLE: s->throttled++; return 0;
	case RECORD_CPU:
		return builder_thread_cpu(s->builder, (uint32_t)r->pid, (uint32_t)r->tid, r->cpu.cpu_ns);
	default: break;
	}
	bool changed = process_apply(s->processes, r);
	process_id p = changed ? process_find(s->processes, r->pid) : (process_id){ 0 };
	if (changed)
		stacks_forget(s->stacks, p);
	if (r->kind != RECORD_MMAP)
		return 0;
	int status = modules_open_new(s->modules);
	return status == 0 && changed ? modules_seen_again(s->modules, p, &r->mmap) : status;
}

/* @return 1 when the sample is done; 0 when it waits for rows; negative errno */
static int take_sample(struct session *s, const struct record *r, uint64_t now_ns)
{
	if (!s->waiting_since_ns)
		note_main_binary(s, r->pid);
	bool may_wait = !s->waiting_since_ns ||
			now_ns - s->waiting_since_ns < ROWS_PATIENCE_MS * NSEC_PER_MSEC;
	int status = stacks_add(s->stacks, r, may_wait);
	if (status == 0 && !s->waiting_since_ns)
		s->waiting_since_ns = now_ns;
	if (status != 0)
		s->waiting_since_ns = 0;
	return status;
}

static int drain(struct session *s)
{
	const struct record *r;
	uint64_t now_ns = monotonic_ns();
	while (s->config->sampler->peek(s->sampler, &r)) {
		int status = r->kind == RECORD_SAMPLE ? take_sample(s, r, now_ns) : apply(s, r);
		if (r->kind == RECORD_SAMPLE && status == 0)
			return 0;
		if (status < 0)
			return status;
		s->config->sampler->consume(s->sampler);
	}
	return 0;
}

static int collect(struct session *s)
{
	if (modules_collect(s->modules))
		stacks_forget_all(s->stacks);
	return names_collect(s->names);
}

static void handle_signals(struct session *s)
{
	enum signal_action action;
	pid_t child = s->config->command && !s->child.exited ? s->child.pid : 0;
	while (signals_take(&s->signals, child, &action)) {
		if (action == SIGNAL_STOP || action == SIGNAL_GIVE_UP)
			s->stopping = true;
		if (action == SIGNAL_GIVE_UP)
			s->gave_up = true;
	}
	if (s->config->command && child_reap(&s->child))
		s->stopping = true;
}

static void watch_targets(struct session *s)
{
	size_t alive = 0;
	for (size_t i = 3; i < s->fds.count; i++) {
		struct pollfd *p = &s->fds.at[i];
		if (p->fd >= 0 && p->revents) {
			close(p->fd);
			p->fd = -1;
		}
		alive += p->fd >= 0;
	}
	if (!s->config->command && !alive)
		s->stopping = true;
}

static int timeout_ms(const struct session *s, uint64_t now_ns, uint64_t due_ns)
{
	uint64_t until = now_ns + DRAIN_INTERVAL_MS * NSEC_PER_MSEC;
	if (due_ns && due_ns < until)
		until = due_ns;
	if (s->stop_ns && s->stop_ns < until)
		until = s->stop_ns;
	if (s->waiting_since_ns)
		until = now_ns + NSEC_PER_MSEC;
	return until <= now_ns ? 0 : (int)((until - now_ns + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC);
}

static void tick(struct session *s, uint64_t now_ns)
{
	if (now_ns < s->next_tick_ns)
		return;
	s->next_tick_ns = now_ns + TICK_INTERVAL_MS * NSEC_PER_MSEC;
	read_system_time(s);
	if (s->config->on_tick)
		s->config->on_tick(s->config->tick_context, builder_sample_count(s->builder),
			   now_ns - s->start_ns);
}

static int loop(struct session *s, struct error *err)
{
	while (!s->stopping) {
		uint64_t due_ns = s->config->sampler->rearm(s->sampler, monotonic_ns());
		if (drain(s) < 0 || collect(s) < 0)
			return fail(err, -ENOMEM, "out of memory");
		uint64_t now_ns = monotonic_ns();
		tick(s, now_ns);
		if (s->stop_ns && now_ns >= s->stop_ns)
			break;
		if (poll(s->fds.at, s->fds.count, timeout_ms(s, now_ns, due_ns)) < 0 && errno != EINTR)
			return fail_errno(err, "cannot poll");
		handle_signals(s);
		watch_targets(s);
	}
	return 0;
}

/* Everything that was recorded until sampling stopped; samples may still wait for rows. */
static int drain_rest(struct session *s, struct error *err)
{
	for (;;) {
		if (drain(s) < 0 || collect(s) < 0)
			return fail(err, -ENOMEM, "out of memory");
		if (!s->waiting_since_ns)
			return 0;
		poll(&s->fds.at[1], 2, 1);
	}
}

static void end_facts(struct session *s)
{
	struct sampler_stats stats;
	s->config->sampler->stats(s->sampler, &stats);
	struct facts_end end = {
		.start_unix_ns = s->start_unix_ns,
		.duration_ns = s->end_ns - s->start_ns,
		.system_ns = s->system_ns,
	};
	facts_end(s->builder, &stats, &end);
}

int session_run(struct session *s, struct error *err)
{
	int r = s->config->command ? start_command(s, err) : start_targets(s, err);
	if (r < 0) {
		child_deinit(&s->child); /* CMD never runs unless it is profiled */
		return r;
	}
	r = loop(s, err);
	s->config->sampler->disarm(s->sampler);
	s->end_ns = monotonic_ns();
	read_system_time(s);
	if (r == 0)
		r = drain_rest(s, err);
	end_facts(s);
	return r;
}

/* Daemons that CMD has started: left alone, but named. */
static int note_survivors(struct session *s)
{
	enum { SURVIVORS_SHOWN = 8 };
	unsigned shown = 0, more = 0;
	char text[256];
	for (uint32_t i = 1; i < process_count(s->processes); i++) {
		const struct process_info *p = process_info(s->processes, (process_id){ i });
		if (p->exited || p->pid == s->child.pid || (kill(p->pid, 0) < 0 && errno == ESRCH))
			continue;
		if (shown++ >= SURVIVORS_SHOWN) {
			more++;
			continue;
		}
		snprintf(text, sizeof(text), "%s (pid %d) outlived the command and was left alone",
			 strings_text(process_strings(s->processes), p->comm), (int)p->pid);
		if (builder_note(s->builder, text) < 0)
			return -ENOMEM;
	}
	snprintf(text, sizeof(text), "%u more children outlived the command", more);
	return more ? builder_note(s->builder, text) : 0;
}

int session_profile(struct session *s, struct profile **out, struct error *err)
{
	if (names_finish(s->names, NAMES_PATIENCE_MS) < 0 ||
	    (s->child.exited && note_survivors(s) < 0))
		return fail(err, -ENOMEM, "out of memory");
	struct profile_meta *meta = builder_meta(s->builder);
	meta->lost_samples = s->lost;
	meta->throttled = s->throttled;
	meta->profiler_cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	return builder_freeze(s->builder, out, err);
}

void session_wait(struct session *s, struct session_outcome *out)
{
	*out = (struct session_outcome){ 0 };
	s->stopping = false;
	while (s->config->command && !s->gave_up && !child_reap(&s->child)) {
		poll(s->fds.at, 1, -1);
		handle_signals(s);
	}
	out->exec_errno = s->exec_errno;
	out->exited = s->child.exited;
	out->wait_status = s->child.wait_status;
	out->gave_up = s->gave_up && !s->child.exited;
}

pid_t session_child(const struct session *s)
{
	return s->child.pid;
}

void session_destroy(struct session *s)
{
	if (!s)
		return;
	stacks_destroy(s->stacks);
	names_destroy(s->names);
	modules_destroy(s->modules);
	builder_destroy(s->builder);
	process_table_destroy(s->processes);
	if (s->sampler)
		s->config->sampler->destroy(s->sampler);
	for (size_t i = 3; i < s->fds.count; i++)
		if (s->fds.at[i].fd >= 0)
			close(s->fds.at[i].fd);
	vec_free(&s->fds);
	signals_deinit(&s->signals);
	child_deinit(&s->child);
	free(s);
}
