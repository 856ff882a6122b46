// SPDX-License-Identifier: MIT
#include "session/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/vec.h"
#include "process/namespaces.h"
#include "process/process.h"
#include "profile/builder.h"
#include "sampler/replay.h"
#include "session/child.h"
#include "session/facts.h"
#include "session/keeping.h"
#include "session/modules.h"
#include "session/names.h"
#include "session/recorded.h"
#include "session/publish.h"
#include "session/signals.h"
#include "session/sources.h"
#include "session/stacks.h"
#include "session/system_time.h"
#include "session/targets.h"

enum {
	REPLAY_PATIENCE_MS = 30 * 1000,
	ROWS_BEFORE_MS = 400,        /* how long sampling waits for them at the start */
	ROWS_PATIENCE_MOST_MS = 200, /* how long a sample waits in its ring for unwind rows */
	GRACE_MS = 100,
	DRAIN_INTERVAL_MOST_MS = 10,
	TICK_INTERVAL_MS = 500,
	NAMES_PATIENCE_MS = 60 * 1000,
};

/* What the runs before this one have come to. */
struct runs_before {
	uint64_t duration_ns, system_ns, fixed_period_samples;
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
	struct publisher *publisher;
	uint32_t modules_progress; /* when rows were published last */
	struct targets targets;
	VEC(struct pollfd) fds; /* 0 signals, 1 modules, 2 names, then a pidfd a target */
	uint64_t start_ns, start_unix_ns, end_ns;
	uint64_t stop_ns; /* when -d is over; 0: until the end */
	uint64_t next_tick_ns;
	uint64_t waiting_since_ns;               /* 0: no sample waits for rows */
	uint64_t patience_ns, drain_interval_ns; /* before a ring overflows */
	uint64_t grace_ns;                       /* for rows, when we are late ourselves */
	uint64_t lost, throttled;
	uint32_t run;        /* 1 is the first */
	uint64_t run_cpu_ns; /* of this one */
	struct runs_before before;
	pid_t first_pid; /* CMD's in the first run */
	struct system_time system_time;
	struct recorded recorded;
	struct keeping keeping;
	int exec_errno;
	bool sampling, stopping, gave_up;
	bool hidden; /* CMD runs as another user */
	bool hurry;  /* ^C: do not wait for names */
};

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
	if (r == 0)
		builder_set_time_budget(s->builder, c->time_budget_bytes ? c->time_budget_bytes
									 : TIME_BUDGET_BYTES);
	if (!c->replay)
		take_precedence();
	if (r == 0 && c->replay)
		process_table_set_recorded(s->processes);
	if (r == 0)
		r = modules_create(s->processes, s->builder, c->log, &s->modules, err);
	if (r == 0)
		r = stacks_create(s->processes, s->modules, s->names, s->builder, c, &s->stacks,
				  err);
	if (r == 0)
		stacks_set_completion(s->stacks, c->complete);
	if (r == 0 && c->replay)
		names_hold_kernel(s->names);
	if (r == 0)
		r = publisher_create(s->processes, s->modules, s->sampler, !s->targets.wide, c->log,
				     &s->publisher, err);
	if (r == 0 && facts_begin(s->builder, c, s->sampler->ops->name) < 0)
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
	return targets_open_sampler(&s->targets, c, &sampler, &s->sampler, err);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Ordinary users have small rings: what waits in one must not cost those that come behind it. */
static void set_pace(struct session *s)
{
	struct sampler_stats stats;
	s->sampler->ops->stats(s->sampler, &stats);
	uint64_t full_ns = UINT64_MAX; /* the time in which a ring fills */
	if (stats.ring_samples && stats.rate_hz)
		full_ns = stats.ring_samples * NSEC_PER_SEC / stats.rate_hz;
	s->patience_ns = least(full_ns / 4 * 3, ROWS_PATIENCE_MOST_MS * NSEC_PER_MSEC);
	/* Late already, say after a stall of the machine: a large ring has room for more, a small one not. */
	s->grace_ns =
		full_ns > 2 * GRACE_MS * NSEC_PER_MSEC ? GRACE_MS * NSEC_PER_MSEC : full_ns / 8;
	s->drain_interval_ns = least(full_ns / 8, DRAIN_INTERVAL_MOST_MS * NSEC_PER_MSEC);
	if (s->drain_interval_ns < NSEC_PER_MSEC)
		s->drain_interval_ns = NSEC_PER_MSEC;
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
		if (fd < 0) /* EINVAL, since 6.9 ENOENT: a thread that leads no process */
			return fail(err, -errno, "%d is a thread; name its process",
				    (int)s->config->pids[i]);
		ok = watch(s, fd);
	}
	return ok ? 0 : fail(err, -ENOMEM, "out of memory");
}

static int create_live(struct session *s, struct error *err)
{
	const struct session_config *config = s->config;
	int r = process_folder_is_ours(err);
	if (r == 0)
		r = targets_check(config->pids, config->pid_count, err);
	if (r == 0)
		r = caller_state_capture(&s->caller, err);
	if (r == 0)
		r = signals_init(&s->signals, err);
	char **argv = config->command ? config->command : config->until;
	if (r == 0 && argv)
		r = child_spawn(argv, &s->caller, &s->child, err);
	s->first_pid = s->child.pid;
	if (r == 0)
		r = create_sampler(s, err);
	if (r == 0) {
		set_pace(s);
		r = create_rooms(s, err);
	}
	return r;
}

static int create_replay(struct session *s, struct error *err)
{
	s->sampler = s->config->replay;
	int r = create_rooms(s, err);
	s->recorded = (struct recorded){ .sampler = s->sampler,
					 .builder = s->builder,
					 .modules = s->modules,
					 .build_id_dir = s->config->build_id_dir };
	return r;
}

int session_create(const struct session_config *config, struct session **out, struct error *err)
{
	struct session *s = calloc(1, sizeof(*s));
	if (!s)
		return fail(err, -ENOMEM, "out of memory");
	s->config = config;
	s->run = 1;
	s->signals.fd = -1;
	s->child.go_fd = s->child.errno_fd = -1;
	int r = config->replay ? create_replay(s, err) : create_live(s, err);
	if (r == 0)
		r = watch_all(s, err);
	if (r < 0) {
		session_destroy(s);
		return r;
	}
	*out = s;
	return 0;
}
static int begin_clock(struct session *s, struct error *err)
{
	const struct session_config *c = s->config;
	const pid_list *pids = &s->targets.pids;
	size_t count = s->targets.wide ? 0 : pids->count; /* there the kernel is sampled */
	system_time_deinit(&s->system_time);
	if (system_time_begin(&s->system_time, c->command ? &s->child.pid : pids->at,
			      c->command ? 1 : count, c->children) < 0)
		return fail(err, -ENOMEM, "out of memory");
	s->start_ns = monotonic_ns();
	builder_set_start(s->builder, s->start_ns - s->before.duration_ns);
	s->next_tick_ns = s->start_ns + TICK_INTERVAL_MS * NSEC_PER_MSEC;
	if (s->run > 1)
		return 0;
	s->start_unix_ns = clock_ns(CLOCK_REALTIME);
	if (s->config->duration_ns)
		s->stop_ns = s->start_ns + s->config->duration_ns;
	return 0;
}

static int release_child(struct session *s, const char *name, struct error *err)
{
	int r = child_release(&s->child, err);
	if (r < 0 && s->child.go_fd < 0)
		s->exec_errno = -r;
	return r < 0 ? fail_in(err, r, "'%s'", name) : 0;
}

/* Samples inside exec come before its record: they bear the name that CMD will have. */
static void announce_command(struct session *s)
{
	const char *path = s->config->command[0], *slash = strrchr(path, '/');
	char comm[16]; /* TASK_COMM_LEN */
	snprintf(comm, sizeof(comm), "%s", slash ? slash + 1 : path);
	struct record exec = { .kind = RECORD_COMM,
			       .pid = s->child.pid,
			       .tid = s->child.pid,
			       .comm = { comm, true } };
	process_apply(s->processes, &exec);
}

static int start_command(struct session *s, struct error *err)
{
	announce_command(s);
	int r = s->sampler->ops->add_on_exec(s->sampler, s->child.pid, err);
	if (r == 0)
		r = s->sampler->ops->arm(s->sampler, err);
	if (r == 0)
		r = begin_clock(s, err);
	if (r < 0)
		return r;
	builder_target_pid(s->builder, (uint32_t)s->child.pid);
	return release_child(s, s->config->command[0], err);
}

/* The first image that CMD, or the first target, runs: its binary becomes module 1. */
static void note_main_binary(struct session *s, pid_t pid)
{
	const struct session_config *c = s->config;
	pid_t first = c->replay ? s->recorded.main_pid : session_target(s);
	if (c->system || c->cgroup || pid != first)
		return;
	mapped_id mapped = process_binary(s->processes, process_find(s->processes, pid));
	if (mapped.v)
		modules_set_main(s->modules, mapped);
}

static int collect(struct session *s);

/* A sampler that walks stacks shall know all that is mapped before the first sample counts. */
static int await_rows(struct session *s)
{
	uint64_t until_ns = monotonic_ns() + ROWS_BEFORE_MS * NSEC_PER_MSEC;
	int r = publisher_touch_live(s->publisher);
	while (r == 0 && publisher_run(s->publisher) && monotonic_ns() < until_ns) {
		poll(&s->fds.at[1], 1, 10);
		r = collect(s);
		publisher_touch_all(s->publisher);
	}
	return r;
}

static int read_targets(struct session *s, struct error *err)
{
	int r = targets_read(&s->targets, err);
	if (r < 0)
		return r;
	note_main_binary(s, session_target(s));
	if (facts_targets(s->builder, s->processes, &s->targets) < 0 ||
	    modules_open_new(s->modules) < 0 || await_rows(s) < 0)
		return fail(err, -ENOMEM, "out of memory");
	return 0;
}

static int start_targets(struct session *s, struct error *err)
{
	const struct session_config *c = s->config;
	bool walks = s->sampler->ops->publish_rows;
	int r = targets_cover(&s->targets, s->processes, err);
	if (r == 0 && walks)
		r = read_targets(s, err);
	if (r == 0)
		r = s->sampler->ops->arm(s->sampler, err);
	if (r == 0)
		r = begin_clock(s, err);
	if (r == 0 && !walks) /* now later mappings come as records: none is missed */
		r = read_targets(s, err);
	return r < 0 ? r : c->until ? release_child(s, c->until[0], err) : 0;
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
	bool changed = process_apply(s->processes, r);
	process_id p = changed ? process_find(s->processes, r->pid) : (process_id){ 0 };
	if (changed) {
		stacks_forget(s->stacks, p);
		if (publisher_touch(s->publisher, p) < 0)
			return -ENOMEM;
	}
	if (r->kind != RECORD_MMAP)
		return 0;
	note_main_binary(s, r->pid);
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
	int status = stacks_add(s->stacks, r, may_wait(s, r, now_ns));
	if (status > 0 && tell_publisher(s, r) < 0)
		return -ENOMEM;
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

static int collect(struct session *s)
{
	if (modules_collect(s->modules))
		stacks_forget_all(s->stacks);
	if (s->modules_progress != modules_progress(s->modules))
		publisher_touch_all(s->publisher);
	s->modules_progress = modules_progress(s->modules);
	return names_collect(s->names);
}

/*
 * A set-user-ID program gets rid of events that its caller may not have (fs/exec.c, begin_new_exec,
 * perf_event_exit_task). /proc/PID belongs to its effective user, also when it has ended.
 */
static void look_for_rights(struct session *s)
{
	char path[32];
	struct stat st;
	if (!s->config->command || s->hidden || s->child.exited || !geteuid())
		return;
	snprintf(path, sizeof(path), "/proc/%d", (int)s->child.pid);
	s->hidden = stat(path, &st) == 0 && st.st_uid != geteuid();
}

static void handle_signals(struct session *s)
{
	look_for_rights(s);
	enum signal_action action;
	pid_t child = s->config->command && !s->child.exited ? s->child.pid : 0;
	while (signals_take(&s->signals, child, &action)) {
		if (action == SIGNAL_STOP || action == SIGNAL_GIVE_UP)
			s->stopping = s->hurry = true;
		if (action == SIGNAL_GIVE_UP)
			s->gave_up = true;
		if (action == SIGNAL_STOP && s->child.pid && !s->child.exited)
			kill(s->child.pid, SIGTERM); /* it has nothing to time any more */
	}
	if (s->child.pid && child_reap(&s->child))
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
	if (s->config->pid_count && !alive)
		s->stopping = true;
	if (s->config->cgroup && !targets_look_again(&s->targets, monotonic_ns()))
		s->stopping = true;
}

static int timeout_ms(const struct session *s, uint64_t now_ns, uint64_t due_ns)
{
	bool urgent = stacks_are_urgent(s->stacks, now_ns);
	uint64_t until = now_ns + (urgent ? NSEC_PER_MSEC : s->drain_interval_ns);
	if (due_ns && due_ns < until)
		until = due_ns;
	if (s->stop_ns && s->stop_ns < until)
		until = s->stop_ns;
	if (s->waiting_since_ns)
		until = now_ns + NSEC_PER_MSEC;
	return until <= now_ns ? 0 : (int)((until - now_ns + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC);
}

static struct facts_so_far so_far_until(const struct session *s, uint64_t now_ns)
{
	return (struct facts_so_far){
		.start_unix_ns = s->start_unix_ns,
		.duration_ns = s->before.duration_ns + now_ns - s->start_ns,
		.system_ns = s->before.system_ns + system_time_ns(&s->system_time),
		.lost = s->lost,
		.throttled = s->throttled,
		.wanted_rate_hz = s->config->rate_hz,
	};
}

static void read_stats(const struct session *s, struct sampler_stats *out)
{
	s->sampler->ops->stats(s->sampler, out);
	out->fixed_period_samples += s->before.fixed_period_samples;
}

/* Nobody has to wait for it: the fragment of a second is small. */
static void keep_journal(struct session *s, uint64_t now_ns)
{
	if (!keeping_is_due(&s->keeping, now_ns))
		return;
	struct sampler_stats stats;
	struct facts_so_far so_far = so_far_until(s, now_ns);
	read_stats(s, &stats);
	facts_numbers(s->builder, &stats, &so_far);
	keeping_write(&s->keeping, now_ns);
}

static void tick(struct session *s, uint64_t now_ns)
{
	keep_journal(s, now_ns);
	if (now_ns < s->next_tick_ns)
		return;
	s->next_tick_ns = now_ns + TICK_INTERVAL_MS * NSEC_PER_MSEC;
	system_time_read(&s->system_time);
	if (s->config->on_tick)
		s->config->on_tick(s->config->tick_context, builder_sample_count(s->builder),
				   now_ns - s->start_ns);
}

static int loop(struct session *s, struct error *err)
{
	while (!s->stopping) {
		uint64_t due_ns = s->sampler->ops->rearm(s->sampler, monotonic_ns());
		if (drain(s) < 0 || collect(s) < 0)
			return fail(err, -ENOMEM, "out of memory");
		publisher_run(s->publisher);
		uint64_t now_ns = monotonic_ns();
		tick(s, now_ns);
		if (s->stop_ns && now_ns >= s->stop_ns)
			break;
		if (poll(s->fds.at, s->fds.count, timeout_ms(s, now_ns, due_ns)) < 0 &&
		    errno != EINTR)
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

/* Then nothing of ours is left at the targets, which may go on for long. */
static int end_sampling(struct session *s, struct error *err)
{
	struct sampler_stats stats;
	struct facts_so_far so_far = so_far_until(s, s->end_ns);
	read_stats(s, &stats);
	log_debug(s->config->log, LOG_SESSION,
		  "%llu samples, %llu finished in user space, %.1f us of each in the kernel",
		  (unsigned long long)stats.samples, (unsigned long long)stats.handed_over,
		  stats.samples ? (double)stats.kernel_cost_ns / 1e3 / (double)stats.samples : 0);
	s->sampler->ops->destroy(s->sampler);
	s->sampler = NULL;
	s->before = (struct runs_before){ so_far.duration_ns, so_far.system_ns,
					  stats.fixed_period_samples };
	if (s->run > 1) { /* what there is to say was said after the first */
		facts_numbers(s->builder, &stats, &so_far);
		return 0;
	}
	return facts_end(s->builder, &stats, &so_far) < 0 ? fail(err, -ENOMEM, "out of memory") : 0;
}

/* Where nothing had to wait for a file, it may still be on its way when the last record is done. */
static int await_files(struct session *s)
{
	uint64_t until_ns = monotonic_ns() + REPLAY_PATIENCE_MS * NSEC_PER_MSEC;
	while (modules_waiting(s->modules) && monotonic_ns() < until_ns) {
		poll(&s->fds.at[1], 1, REPLAY_PATIENCE_MS);
		if (collect(s) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* A file's records come as fast as they are worked on. */
static int run_replay(struct session *s, struct error *err)
{
	int r = drain_rest(s, err);
	if (r == 0 && await_files(s) < 0)
		r = fail(err, -ENOMEM, "out of memory");
	if (r == 0)
		r = replay_status(s->sampler, err);
	if (r == 0 && recorded_finish(&s->recorded, s->names) < 0)
		r = fail(err, -ENOMEM, "out of memory");
	return r;
}

static int run_once(struct session *s, struct error *err)
{
	int r = s->config->command ? start_command(s, err) : start_targets(s, err);
	if (r < 0) {
		child_deinit(&s->child); /* CMD never runs unless it is profiled */
		return r;
	}
	if (s->run == 1)
		keeping_begin(&s->keeping, s->config, s->builder);
	s->sampling = true;
	r = loop(s, err);
	s->sampling = false;
	s->sampler->ops->disarm(s->sampler);
	s->end_ns = monotonic_ns();
	system_time_read(&s->system_time);
	if (r == 0)
		r = drain_rest(s, err);
	if (r == 0 && s->config->runs > 1 && builder_end_run(s->builder, s->run_cpu_ns) < 0)
		r = fail(err, -ENOMEM, "out of memory");
	keeping_hurry(&s->keeping);
	keep_journal(s, s->end_ns);
	int ended = end_sampling(s, err);
	return r < 0 ? r : ended;
}

static bool has_another_run(struct session *s)
{
	if (s->run >= s->config->runs || !s->child.exited || s->child.wait_status)
		return false;
	handle_signals(s); /* one that came when CMD had ended */
	return !s->hurry && !s->signals.end_asked && (!s->stop_ns || monotonic_ns() < s->stop_ns);
}

/*
 * Each run has a sampler of its own, which ends with it: what outlives a CMD is left alone and not in
 * the next run. Names and unwind rows of the runs before stay.
 */
static int begin_next_run(struct session *s, struct error *err)
{
	s->run++;
	s->run_cpu_ns = 0;
	s->stopping = false;
	builder_set_run(s->builder, s->run);
	stacks_begin_run(s->stacks);
	publisher_destroy(s->publisher);
	s->publisher = NULL;
	int r = child_spawn(s->config->command, &s->caller, &s->child, err);
	if (r == 0)
		r = create_sampler(s, err);
	if (r < 0)
		return r;
	set_pace(s);
	return publisher_create(s->processes, s->modules, s->sampler, !s->targets.wide,
				s->config->log, &s->publisher, err);
}

int session_run(struct session *s, struct error *err)
{
	if (s->config->replay)
		return run_replay(s, err);
	if (s->config->runs > 1)
		builder_set_run(s->builder, s->run);
	int r = run_once(s, err);
	while (r == 0 && has_another_run(s)) {
		r = begin_next_run(s, err);
		if (r == 0)
			r = run_once(s, err);
	}
	return r;
}

/* Names come while sampling runs; what is left then is awaited, unless somebody is in a hurry. */
static int await_names(struct session *s)
{
	uint64_t until_ns = monotonic_ns() + NAMES_PATIENCE_MS * NSEC_PER_MSEC;
	s->hurry = false;
	int r = names_ask_late(s->names);
	while (r == 0 && names_waiting(s->names) && !s->hurry) {
		struct pollfd fds[] = { s->fds.at[0], s->fds.at[2] };
		uint64_t now_ns = monotonic_ns();
		if (now_ns >= until_ns)
			break;
		poll(fds, 2, (int)((until_ns - now_ns) / NSEC_PER_MSEC) + 1);
		handle_signals(s);
		r = names_collect(s->names);
	}
	names_finish(s->names);
	return r;
}

int session_profile(struct session *s, struct profile **out, struct error *err)
{
	if (await_names(s) < 0 ||
	    facts_closed_files(s->builder, modules_without_descriptor(s->modules)) < 0 ||
	    (s->config->command && s->child.exited &&
	     facts_survivors(s->builder, s->processes, s->child.pid) < 0))
		return fail(err, -ENOMEM, "out of memory");
	if (s->hidden &&
	    builder_note(s->builder,
			 "the command runs with another user's rights (set-user-ID): the kernel "
			 "removes our events then, and what it does is not in this profile") < 0)
		return fail(err, -ENOMEM, "out of memory");
	struct profile_meta *meta = builder_meta(s->builder);
	meta->lost_samples = s->lost;
	meta->throttled = s->throttled;
	if (!s->config->replay)
		meta->profiler_cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	int r = builder_freeze(s->builder, out, err);
	if (r < 0 || s->config->replay)
		return r;
	r = sources_collect(*out, err);
	if (r < 0)
		profile_destroy(*out);
	return r;
}

void session_wait(struct session *s, struct session_outcome *out)
{
	*out = (struct session_outcome){ 0 };
	s->stopping = false;
	while (s->child.pid && !s->gave_up && !child_reap(&s->child)) {
		poll(s->fds.at, 1, -1);
		handle_signals(s);
	}
	out->exec_errno = s->exec_errno;
	out->exited = s->child.exited;
	out->wait_status = s->child.wait_status;
	out->gave_up = s->gave_up && !s->child.exited;
	out->hidden = s->hidden;
}

bool session_runs_command(const struct session *s)
{
	return s->config->command;
}

pid_t session_target(const struct session *s)
{
	if (s->config->command)
		return s->first_pid;
	return s->targets.pids.count && !s->config->system ? s->targets.pids.at[0] : 0;
}

void session_destroy(struct session *s)
{
	if (!s)
		return;
	publisher_destroy(s->publisher);
	stacks_destroy(s->stacks);
	keeping_end(&s->keeping);
	names_destroy(s->names);
	modules_destroy(s->modules);
	builder_destroy(s->builder);
	process_table_destroy(s->processes);
	if (s->sampler && !s->config->replay)
		s->sampler->ops->destroy(s->sampler);
	for (size_t i = 3; i < s->fds.count; i++)
		if (s->fds.at[i].fd >= 0)
			close(s->fds.at[i].fd);
	vec_free(&s->fds);
	system_time_deinit(&s->system_time);
	targets_deinit(&s->targets);
	signals_deinit(&s->signals);
	child_deinit(&s->child);
	free(s);
}
