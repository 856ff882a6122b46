// SPDX-License-Identifier: MIT
#include "session/loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "profile/builder.h"
#include "profile/thin.h"
#include "session/intake.h"
#include "session/jit.h"
#include "session/publish.h"
#include "session/stacks.h"
#include "session/state.h"

/*
 * A set-user-ID program gets rid of events that its caller may not have (fs/exec.c, begin_new_exec,
 * perf_event_exit_task). /proc/PID belongs to its effective user, also when it has ended.
 */
static void look_for_rights(struct session *s)
{
	char path[32];
	struct stat st;
	const struct child_user *user = s->config->user;
	if (!s->config->command || s->hidden || s->child.exited || (!geteuid() && !user))
		return;
	if (user && (!s->sampling || s->sampler->ops->publish_rows))
		return; /* a CPU's own clock stays */
	snprintf(path, sizeof(path), "/proc/%d", (int)s->child.pid);
	s->hidden = stat(path, &st) == 0 && st.st_uid != (user ? user->uid : geteuid());
}

void loop_handle_signals(struct session *s)
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
	if (s->sampling && s->sampler->ops->last_look && !s->child.exited && s->child.pid &&
	    child_has_ended(&s->child))
		s->sampler->ops->last_look(s->sampler, s->child.pid);
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
	uint64_t until = s->next_drain_ns;
	if (due_ns && due_ns < until)
		until = due_ns;
	if (s->stop_ns && s->stop_ns < until)
		until = s->stop_ns;
	if (s->waiting_since_ns)
		until = now_ns + NSEC_PER_MSEC;
	return until <= now_ns ? 0 : (int)((until - now_ns + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC);
}

/* Nobody has to wait for it: the fragment of a second is small. */
void loop_keep_journal(struct session *s, uint64_t now_ns)
{
	if (!keeping_is_due(&s->keeping, now_ns))
		return;
	struct sampler_stats stats;
	struct facts_so_far so_far = state_so_far(s, now_ns);
	state_stats(s, &stats);
	facts_numbers(s->builder, &stats, &so_far);
	keeping_write(&s->keeping, now_ns);
}

/* Lowers the rate, if sampling costs more than it may. @return 0 or -ENOMEM */
static int keep_to_budget(struct session *s, uint64_t now_ns)
{
	struct sampler_stats stats;
	if (!s->sampler->ops->set_rate)
		return 0;
	s->sampler->ops->stats(s->sampler, &stats);
	uint32_t rate_hz = overhead_look(&s->overhead, now_ns, &stats, s->taking_ns,
					 s->config->max_overhead_ppm);
	if (!rate_hz)
		return 0;
	log_debug(s->config->log, LOG_SESSION,
		  "sampling costs more than %g %% of the CPU time: at %u Hz from now on, not %u",
		  s->config->max_overhead_ppm / 1e4, rate_hz, stats.rate_hz);
	s->sampler->ops->set_rate(s->sampler, rate_hz);
	overhead_lowered(&s->overhead, now_ns, stats.rate_hz, rate_hz);
	keeping_void(&s->keeping);
	int r = builder_thin(s->builder, rate_hz, stats.rate_hz, &s->overhead.random);
	keeping_begin_anew(&s->keeping);
	return r;
}

static int tick(struct session *s, uint64_t now_ns)
{
	loop_keep_journal(s, now_ns);
	if (now_ns < s->next_tick_ns)
		return 0;
	s->next_tick_ns = now_ns + TICK_INTERVAL_MS * NSEC_PER_MSEC;
	look_for_rights(s);
	system_time_read(&s->system_time);
	if (s->config->on_tick)
		s->config->on_tick(s->config->tick_context, builder_sample_count(s->builder),
				   now_ns - s->start_ns);
	return keep_to_budget(s, now_ns);
}

/* Sleeps until something has happened, or it is time. @return 1 if something has; negative errno */
static int wait_for_news(struct session *s, int wait_ms, struct error *err)
{
	struct epoll_event ignored;
	int count = epoll_wait(s->news_fd, &ignored, 1, wait_ms);
	if (count > 0) /* which of them it was */
		count = poll(s->fds.at, s->fds.count, 0);
	if (count < 0 && errno != EINTR)
		return fail_errno(err, "cannot poll");
	return count > 0;
}

/* A turn that only changes periods leaves the records where they are, unless they are nearly due. */
static int drain_when_due(struct session *s, bool news, uint64_t now_ns)
{
	if (!news && !s->waiting_since_ns && now_ns + s->drain_interval_ns / 4 < s->next_drain_ns)
		return 0;
	uint64_t before_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	int r = intake_drain(s);
	s->taking_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID) - before_ns;
	bool urgent = stacks_are_urgent(s->stacks, now_ns);
	s->next_drain_ns = now_ns + (urgent ? NSEC_PER_MSEC : s->drain_interval_ns);
	return r;
}

int loop_run(struct session *s, struct error *err)
{
	int news = 1;
	while (!s->stopping) {
		uint64_t now_ns = monotonic_ns();
		uint64_t due_ns = s->sampler->ops->rearm(s->sampler, now_ns);
		if (drain_when_due(s, news, now_ns) < 0 || (news && intake_collect(s) < 0))
			return fail(err, -ENOMEM, "out of memory");
		publisher_run(s->publisher);
		now_ns = monotonic_ns();
		if (jit_look(s->jit, now_ns) < 0 || tick(s, now_ns) < 0)
			return fail(err, -ENOMEM, "out of memory");
		if (s->stop_ns && now_ns >= s->stop_ns)
			break;
		news = wait_for_news(s, timeout_ms(s, now_ns, due_ns), err);
		if (news < 0)
			return news;
		if (news)
			loop_handle_signals(s);
		if (news || s->config->cgroup)
			watch_targets(s);
	}
	return 0;
}

/* Everything that was recorded until sampling stopped; samples may still wait for rows. */
int loop_drain_rest(struct session *s, struct error *err)
{
	for (;;) {
		if (intake_drain(s) < 0 || intake_collect(s) < 0)
			return fail(err, -ENOMEM, "out of memory");
		if (!s->waiting_since_ns)
			return 0;
		poll(&s->fds.at[1], 2, 1);
	}
}
