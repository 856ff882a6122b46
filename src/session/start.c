// SPDX-License-Identifier: MIT
#include "session/start.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "profile/builder.h"
#include "process/process.h"
#include "session/intake.h"
#include "session/modules.h"
#include "session/publish.h"
#include "session/state.h"

enum { ROWS_BEFORE_MS = 400 }; /* how long sampling waits for them at the start */

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
	overhead_begin(&s->overhead, s->start_ns);
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
	s->exec_errno = s->child.exec_errno;
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

int start_command(struct session *s, struct error *err)
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

/* A sampler that walks stacks shall know all that is mapped before the first sample counts. */
static int await_rows(struct session *s)
{
	uint64_t until_ns = monotonic_ns() + ROWS_BEFORE_MS * NSEC_PER_MSEC;
	int r = publisher_touch_live(s->publisher);
	while (r == 0 && publisher_run(s->publisher) && monotonic_ns() < until_ns) {
		poll(&s->fds.at[1], 1, 10);
		r = intake_collect(s);
		publisher_touch_all(s->publisher);
	}
	return r;
}

static void ask_for_all_rows(struct session *s)
{
	for (uint32_t i = 1; i < process_mapped_count(s->processes); i++)
		modules_code(s->modules, (mapped_id){ i }, true);
}

/*
 * Ordinary users' rings are small: on a busy machine what waits there for rows would wait in vain. So
 * what is mapped by now has its rows before.
 */
static int prepare_rows(struct session *s)
{
	uint64_t until_ns = monotonic_ns() + ROWS_BEFORE_MS * NSEC_PER_MSEC;
	struct error why = { 0 };
	int r = 0;
	for (size_t i = 0; i < s->targets.pids.count; i++)
		process_add_live(s->processes, s->targets.pids.at[i], &why); /* it is read again */
	ask_for_all_rows(s);
	while (r == 0 && modules_waiting(s->modules) && monotonic_ns() < until_ns) {
		poll(&s->fds.at[1], 1, 10);
		r = intake_collect(s);
		ask_for_all_rows(s);
	}
	return r;
}

static int read_targets(struct session *s, struct error *err)
{
	int r = targets_read(&s->targets, err);
	if (r < 0)
		return r;
	intake_main_binary(s, session_target(s));
	if (facts_targets(s->builder, s->processes, &s->targets) < 0 ||
	    modules_open_new(s->modules) < 0 || await_rows(s) < 0)
		return fail(err, -ENOMEM, "out of memory");
	return 0;
}

int start_targets(struct session *s, struct error *err)
{
	const struct session_config *c = s->config;
	bool walks = s->sampler->ops->publish_rows;
	int r = targets_cover(&s->targets, s->processes, err);
	if (r == 0 && walks)
		r = read_targets(s, err);
	else if (r == 0 && s->patience_ns < ROWS_PATIENCE_MOST_MS * NSEC_PER_MSEC &&
		 prepare_rows(s) < 0)
		r = fail(err, -ENOMEM, "out of memory");
	if (r == 0)
		r = s->sampler->ops->arm(s->sampler, err);
	if (r == 0)
		r = begin_clock(s, err);
	if (r == 0 && !walks) /* now later mappings come as records: none is missed */
		r = read_targets(s, err);
	return r < 0 ? r : c->until ? release_child(s, c->until[0], err) : 0;
}
