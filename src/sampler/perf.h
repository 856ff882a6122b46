/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_PERF_H
#define SAMPLER_PERF_H

#include <sys/resource.h>

#include "base/vec.h"
#include "record/merge.h"
#include "sampler/jitter.h"
#include "sampler/perf_attr.h"
#include "sampler/perf_cost.h"
#include "sampler/perf_decode.h"
#include "sampler/perf_families.h"
#include "sampler/perf_ring.h"
#include "sampler/perf_threads.h"
#include "sampler/sampler.h"

struct perf_cpu_time {
	pid_t pid, tid;
	uint64_t cpu_ns;
};

/*
 * The inside of sampler_perf, shared by its files:
 *	perf.c          the ops
 *	perf_scan.c     looks at records as soon as they arrive: who was born, which event delivered
 *	perf_cover.c    opens and closes families: attach, new threads, generations
 *	perf_turns.c    passes events on where threads are more than descriptors
 *	perf_emit.c     shows records in time order
 *	perf_period.c   changes periods
 *	perf_cpu.c	CPU time of threads
 *	perf_wide.c	events that belong to CPUs: the whole system, control groups
 */
enum { PERF_WIDE_FAMILY = 1 }; /* in wider scopes there is no other */

struct perf {
	struct sampler base;
	struct sampler_config config;
	struct sampler_stats stats;
	struct perf_shape shape;
	struct perf_layout layout; /* of what the sampling events write */
	struct perf_cost cost;
	int *cpus;
	struct perf_ring *rings;
	uint32_t cpu_count;
	struct perf_families families;
	struct perf_threads threads;
	struct jitter jitter;
	VEC(uint32_t) dirty; /* events that delivered since their last change */
	bool urgent;         /* one of them still has its first period */
	bool armed, disarmed;
	uint64_t lead_ns; /* when a lead brought a sample last */

	/* Generations. */
	uint64_t pending_since_ns; /* oldest thread without events of its own; 0: none */
	uint64_t patience_ns;      /* how long it may wait: grows with what a generation costs */
	uint32_t families_most;    /* open ones: descriptors are scarce */
	bool crowded;              /* no more families, until one is closed */
	uint64_t next_close_ns;
	struct {
		uint32_t waiting;               /* threads without events */
		uint32_t waiting_at, giving_at; /* rows of the latest ones that took, that gave */
		uint64_t next_ns;
	} turns;

	/* Emission. */
	struct merge merge;
	uint64_t safe_ns;    /* every record older than this has arrived */
	uint64_t emitted_ns; /* time of the last record that went out */
	bool shown;
	uint32_t shown_ring, shown_bytes;
	struct record record;
	uint8_t *scratch;
	VEC(struct perf_cpu_time) cpu_times; /* to be shown, from cpu_times_at on */
	size_t cpu_times_at;
};

/** Takes over what the rings hold by now and looks at what is new. */
void perf_scan(struct perf *p);

/** Opens a family for a thread that has none of its own; enabled at once if sampling runs. */
int perf_cover_thread(struct perf *p, pid_t pid, pid_t tid, bool on_exec);
/** Covers all threads of a process, also those that appear meanwhile. */
int perf_cover_process(struct perf *p, pid_t pid, struct error *err);
/** Covers threads that live by inherited copies, and closes families that nobody needs. */
void perf_cover_pending(struct perf *p, uint64_t now_ns);

/** Notes a thread for which there is no family: it waits for its turn. @return 0; -1 without memory */
int perf_turns_wait(struct perf *p, pid_t pid, pid_t tid);
/** Passes events on to threads that wait, if it is time. */
void perf_turns_pass(struct perf *p, uint64_t now_ns);

/** Notes a thread's CPU time as that before the window. */
void perf_cpu_begin(struct perf_thread *thread);
/** A family was opened for the thread: from here on it counts. */
void perf_cpu_cover(const struct perf_thread *thread, struct perf_family *family);
/** Shows the CPU time of a family's thread, if that has ended, before the family is closed. */
void perf_cpu_family_ends(struct perf *p, uint32_t family);
/** The window ends: shows the CPU time of all threads that were not shown yet. */
void perf_cpu_end(struct perf *p);

/** Reports the CPU time of a thread later on, when records are out. */
void perf_cpu_emit_later(struct perf *p, pid_t pid, pid_t tid, uint64_t cpu_ns);

static inline bool perf_is_wide(const struct perf *p)
{
	return p->config.scope != SCOPE_PROCESSES;
}

/** Opens the events of a wider scope. @return 0; negative errno (`err` names right and command) */
int perf_wide_open(struct perf *p, struct error *err);
/** Notes the CPU time of a process's threads. @return 0 or -ENOMEM */
int perf_wide_add_process(struct perf *p, pid_t pid, struct error *err);
/** As the scan of narrow scopes. @return whether the record shall be shown */
bool perf_wide_scan(struct perf *p, const struct perf_meta *meta);

/** Changes the periods that are due. */
void perf_change_periods(struct perf *p, uint64_t now_ns);

/** @return the time of the record at `position`, which must be whole */
uint64_t perf_record_time(const struct perf_ring *ring, uint64_t position);

bool perf_emit(struct perf *p, const struct record **out);
void perf_emit_consume(struct perf *p);

#endif
