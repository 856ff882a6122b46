// SPDX-License-Identifier: MIT
#include "session/session.h"

#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "profile/builder.h"
#include "sampler/replay.h"
#include "session/finish.h"
#include "session/intake.h"
#include "session/loop.h"
#include "session/modules.h"
#include "session/publish.h"
#include "session/setup.h"
#include "session/stacks.h"
#include "session/start.h"
#include "session/state.h"

/* Where nothing had to wait for a file, it may still be on its way when the last record is done. */
static int await_files(struct session *s)
{
	uint64_t until_ns = monotonic_ns() + REPLAY_PATIENCE_MS * NSEC_PER_MSEC;
	while (modules_waiting(s->modules) && monotonic_ns() < until_ns) {
		poll(&s->fds.at[1], 1, REPLAY_PATIENCE_MS);
		if (intake_collect(s) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* A file's records come as fast as they are worked on. */
static int run_replay(struct session *s, struct error *err)
{
	int r = loop_drain_rest(s, err);
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
	r = loop_run(s, err);
	s->sampling = false;
	s->end_ns = monotonic_ns();
	s->sampler->ops->disarm(s->sampler);
	system_time_read(&s->system_time);
	if (r == 0)
		r = loop_drain_rest(s, err);
	if (r == 0 && s->config->runs > 1 && builder_end_run(s->builder, s->run_cpu_ns) < 0)
		r = fail(err, -ENOMEM, "out of memory");
	keeping_hurry(&s->keeping);
	loop_keep_journal(s, s->end_ns);
	int ended = finish_sampling(s, err);
	return r < 0 ? r : ended;
}

static bool has_another_run(struct session *s)
{
	if (s->run >= s->config->runs || !s->child.exited || s->child.wait_status)
		return false;
	loop_handle_signals(s); /* one that came when CMD had ended */
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
		r = setup_sampler(s, err);
	if (r < 0)
		return r;
	setup_pace(s);
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

void session_wait(struct session *s, struct session_outcome *out)
{
	*out = (struct session_outcome){ 0 };
	s->stopping = false;
	while (s->child.pid && !s->gave_up && !child_reap(&s->child)) {
		poll(s->fds.at, 1, -1);
		loop_handle_signals(s);
	}
	out->exec_errno = s->exec_errno;
	out->exited = s->child.exited;
	out->wait_status = s->child.wait_status;
	out->gave_up = s->gave_up && !s->child.exited;
	out->hidden = s->hidden;
	out->threads_sharing = s->threads_sharing;
	out->turns = s->turns;
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
