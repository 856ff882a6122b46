// SPDX-License-Identifier: MIT
#include "session/setup.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/vec.h"
#include "process/namespaces.h"
#include "process/process.h"
#include "profile/builder.h"
#include "session/jit.h"
#include "session/modules.h"
#include "session/names.h"
#include "session/publish.h"
#include "session/stacks.h"
#include "session/state.h"

enum {
	GRACE_MS = 100,
	DRAIN_INTERVAL_MOST_MS = 10,
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
	if (r == 0 && !c->replay)
		r = jit_create(s->processes, s->builder, &s->jit, err);
	if (r == 0)
		stacks_set_jit(s->stacks, s->jit);
	if (r == 0 && c->replay)
		names_hold_kernel(s->names);
	if (r == 0)
		r = publisher_create(s->processes, s->modules, s->sampler, !s->targets.wide, c->log,
				     &s->publisher, err);
	if (r == 0 && facts_begin(s->builder, c, s->sampler->ops->name) < 0)
		r = fail(err, -ENOMEM, "out of memory");
	return r;
}

int setup_sampler(struct session *s, struct error *err)
{
	const struct session_config *c = s->config;
	struct sampler_config sampler = {
		.rate_hz = s->overhead.rate_hz ? s->overhead.rate_hz : c->rate_hz,
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
void setup_pace(struct session *s)
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
	struct epoll_event event = { .events = EPOLLIN };
	if (fd >= 0 && epoll_ctl(s->news_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return false;
	return vec_push(&s->fds, (struct pollfd){ .fd = fd, .events = POLLIN });
}

static int watch_all(struct session *s, struct error *err)
{
	s->news_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->news_fd < 0)
		return fail_errno(err, "cannot wait for events");
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
	s->caller.user = config->user;
	char **argv = config->command ? config->command : config->until;
	if (r == 0 && argv)
		r = child_spawn(argv, &s->caller, &s->child, err);
	s->first_pid = s->child.pid;
	if (r == 0)
		r = setup_sampler(s, err);
	if (r == 0) {
		setup_pace(s);
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
	s->signals.fd = s->news_fd = -1;
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

void session_destroy(struct session *s)
{
	if (!s)
		return;
	publisher_destroy(s->publisher);
	stacks_destroy(s->stacks);
	jit_destroy(s->jit);
	keeping_end(&s->keeping);
	names_destroy(s->names);
	modules_destroy(s->modules);
	builder_destroy(s->builder);
	process_table_destroy(s->processes);
	if (s->sampler && !s->config->replay)
		s->sampler->ops->destroy(s->sampler);
	cleanup_close(&s->news_fd);
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
