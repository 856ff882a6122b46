/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_JITTER_H
#define SAMPLER_JITTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"

/*
 * When and how far sampling periods are changed. A fixed period beats against periodic work and
 * reports 0-93 % for a true 25 %; so periods are random, and change at moments 5-15 ms apart that
 * are on no grid. Only arithmetic: no system calls, no clock.
 *
 * A change restarts the period that is running. What the thread has run since its last sample is
 * thereby lost, and how much that is must be made good, or threads that run in short bursts would
 * get fewer samples than others, and the ends of their bursts more than the beginnings:
 *
 * STEADY  The thread runs without a pause. A change comes at a moment that has nothing to do with
 *	   what it does, so it is enough that the periods which follow repay the loss bit by bit.
 * LEAD	   The thread sleeps in between, and a restarted period begins where it wakes up. The new
 *	   period is what is missing to a gap of (1 +- 0.5) periods since the last sample, so that
 *	   samples fall anywhere in a burst; it is changed again as soon as it has led to a sample.
 *	   What it brings until then is thinned.
 */
struct jitter {
	struct random random;
	uint64_t nominal_ns;
	uint64_t least_ns; /* no period is shorter */
	uint64_t next_ns;  /* the next moment of change */
	bool off;          /* all periods are the nominal one: to show what that does */
};

struct jitter_event {
	uint64_t period_ns;               /* as the kernel has it */
	uint64_t intended_ns;             /* as drawn, before the debt */
	uint64_t changed_ns, previous_ns; /* when it was changed last, and what it was before */
	uint64_t last_ns, before_ns;      /* times of the last two samples; 0: none */
	uint64_t count_ns;                /* the event's counter at the last change; 0: not known */
	int64_t debt_ns;                  /* CPU time that got no samples yet */
	uint32_t samples;                 /* since the last change */
	uint32_t since_kept;              /* ticks since the last sample that was kept */
	uint32_t expected;                /* samples until the next change, in STEADY */
	bool lead;
	bool begun; /* changed at least once */
};

void jitter_init(struct jitter *j, uint64_t nominal_ns, uint64_t least_ns, uint64_t seed);

/** @return the period to open an event with: a random part of one, so that phases are random */
uint64_t jitter_begin(struct jitter *j, struct jitter_event *e);

/**
 * The same for an event that counts a CPU's time (see jitter_change_of_cpu()). It ticks for some time
 * before its first tick counts, so its phase is random by then, if the period is.
 */
uint64_t jitter_begin_of_cpu(struct jitter *j, struct jitter_event *e, uint64_t now_ns);

/** Notes a sample. @return whether it counts; false for what a lead's short period brings too much
 */
bool jitter_sample(struct jitter *j, struct jitter_event *e, uint64_t time_ns);

/**
 * @return whether the event seems to have run without a pause since its last sample: the clock then
 *	   tells what a change loses, and the counter need not be read (an interrupt to the other
 *CPU)
 */
bool jitter_runs_through(const struct jitter_event *e, uint64_t now_ns);

/**
 * Draws the event's next period, after it has delivered.
 *
 * @param count_ns what the event has counted, as its ticks see it; 0: not known
 * @return the period to set
 */
uint64_t jitter_change(struct jitter *j, struct jitter_event *e, uint64_t now_ns,
		       uint64_t count_ns);

/**
 * The same for an event that counts a CPU's time and not a thread's: it never pauses, so it is always
 * STEADY. Most of its ticks may hit the idle task, which leaves no sample; so the clock says what it did.
 */
uint64_t jitter_change_of_cpu(struct jitter *j, struct jitter_event *e, uint64_t now_ns);

/** Draws the moment after `now_ns` at which periods are changed next. */
void jitter_schedule(struct jitter *j, uint64_t now_ns);

/** @return the period that a copy inherited at a moment which is not long ago */
static inline uint64_t jitter_inherited_period(const struct jitter_event *e, uint64_t time_ns)
{
	return time_ns < e->changed_ns ? e->previous_ns : e->period_ns;
}

/**
 * Thins the samples of an inherited copy.
 *
 * @param first whether it is the copy's first: half a period more has to count for it, since all
 *		copies begin with a whole one
 * @return whether this one counts
 */
bool jitter_keep_inherited(struct jitter *j, uint64_t period_ns, bool first);

#endif
