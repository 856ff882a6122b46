/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_PERF_THREADS_H
#define SAMPLER_PERF_THREADS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/map.h"
#include "base/vec.h"

/*
 * Which family's samples count for a thread, and from when. While families overlap (a new set is
 * open and the old one not yet closed, a thread inherited copies and has events of its own) each
 * moment of a thread belongs to exactly one, so that no CPU time is counted twice or missed.
 */
enum { THREAD_OWNERS = 4 }; /* assignments that can be in flight between kernel and decoder */
#define COPY_FRESH (UINT32_C(1) << 31) /* it has not brought a sample yet */

struct perf_owner {
	uint64_t from_ns;
	uint32_t family;
};

struct perf_thread {
	pid_t pid, tid; /* tid 0: the row is free */
	bool pending;   /* covered by inherited copies only */
	bool exited;
	bool waits;           /* for events, which others have: perf_turns.c */
	uint64_t cpu_seen_ns; /* its CPU time when it was looked at last, while it waits */
	uint64_t born_ns;     /* time of its FORK; 0: it was there before us */
	uint64_t cpu_base_ns; /* its CPU time when the window began */
	bool base_unknown;    /* it came to be covered later, nobody knows when */
	uint64_t samples;     /* in wider scopes */
	uint32_t owner_count;
	struct perf_owner owners[THREAD_OWNERS]; /* ascending */
};

struct perf_threads {
	VEC(struct perf_thread) row; /* row 0 is none */
	VEC(uint32_t)
	period_ns; /* of inherited copies: row * cpu_count + CPU; COPY_FRESH in the first */
	uint32_t cpu_count;
	struct map64 by_tid;
	uint32_t pending_count;
};

/** @return 0 or -ENOMEM */
int perf_threads_init(struct perf_threads *t, uint32_t cpu_count);
void perf_threads_deinit(struct perf_threads *t);

/** @return the thread, or NULL; valid until the next perf_threads_add() */
struct perf_thread *perf_threads_find(const struct perf_threads *t, pid_t tid);

/** Adds a thread that is not in the table. @return NULL without memory */
struct perf_thread *perf_threads_add(struct perf_threads *t, pid_t pid, pid_t tid,
				     uint64_t born_ns);

void perf_threads_remove(struct perf_threads *t, pid_t tid);

/** @return the periods of the copies that the thread inherited, one a CPU; 0: not known */
static inline uint32_t *perf_thread_periods(const struct perf_threads *t,
					    const struct perf_thread *thread)
{
	return &t->period_ns.at[(size_t)(thread - t->row.at) * t->cpu_count];
}

/** @return the family that counts at a time; 0 if there is none yet */
uint32_t perf_thread_owner(const struct perf_thread *thread, uint64_t time_ns);

/** @return the family that was assigned last; 0 if there is none */
uint32_t perf_thread_latest(const struct perf_thread *thread);

/** From `from_ns` on `family` counts. The oldest assignment is forgotten if there are too many. */
void perf_thread_assign(struct perf_thread *thread, uint64_t from_ns, uint32_t family);

void perf_threads_set_pending(struct perf_threads *t, struct perf_thread *thread, bool pending);

#endif
