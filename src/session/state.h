/* SPDX-License-Identifier: MIT */
#ifndef SESSION_STATE_H
#define SESSION_STATE_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/vec.h"
#include "session/child.h"
#include "session/facts.h"
#include "session/keeping.h"
#include "session/overhead.h"
#include "session/recorded.h"
#include "session/session.h"
#include "session/signals.h"
#include "session/system_time.h"
#include "session/targets.h"

/*
 * A session's inside, which its files share: setup makes it, start begins to sample, intake takes what
 * the sampler recorded, loop goes on until the end, finish makes a profile of it; session has the order.
 */

enum {
	REPLAY_PATIENCE_MS = 30 * 1000,
	ROWS_PATIENCE_MOST_MS = 200, /* how long a sample waits in its ring for unwind rows */
	TICK_INTERVAL_MS = 500,
};

/* What the runs before this one have come to. */
struct runs_before {
	uint64_t duration_ns, system_ns, fixed_period_samples, kernel_cost_ns;
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
	struct jit *jit; /* NULL: of a file */
	struct publisher *publisher;
	uint32_t modules_progress; /* when rows were published last */
	struct targets targets;
	VEC(struct pollfd) fds; /* 0 signals, 1 modules, 2 names, then a pidfd a target */
	int news_fd;            /* an epoll of them all: one look at it is cheap */
	uint64_t start_ns, start_unix_ns, end_ns;
	uint64_t stop_ns; /* when -d is over; 0: until the end */
	uint64_t next_tick_ns, next_drain_ns;
	uint64_t waiting_since_ns;               /* 0: no sample waits for rows */
	uint64_t patience_ns, drain_interval_ns; /* before a ring overflows */
	uint64_t grace_ns;                       /* for rows, when we are late ourselves */
	uint64_t lost, throttled;
	struct overhead overhead;
	uint64_t taking_ns;  /* CPU time in which samples were taken in */
	uint32_t run;        /* 1 is the first */
	uint64_t run_cpu_ns; /* of this one */
	struct runs_before before;
	pid_t first_pid; /* CMD's in the first run */
	struct system_time system_time;
	struct recorded recorded;
	struct keeping keeping;
	int exec_errno;
	bool sampling, stopping, gave_up;
	uint32_t threads_sharing, turns; /* as in sampler_stats */
	bool hidden;                     /* CMD runs as another user */
	bool hurry;                      /* ^C: do not wait for names */
};

/** What there is so far, in all runs, if sampling ended at `now_ns` (CLOCK_MONOTONIC). */
struct facts_so_far state_so_far(const struct session *s, uint64_t now_ns);

/** The sampler's counts, with what those of the runs before had. */
void state_stats(const struct session *s, struct sampler_stats *out);

#endif
