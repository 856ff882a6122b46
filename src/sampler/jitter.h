/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_JITTER_H
#define SAMPLER_JITTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"

/*
 * When and how far sampling periods are changed. A fixed period beats against periodic work and
 * reports 0-93 % for a true 25 %; so each event gets a random period (+-20 %) at random moments
 * 5-15 ms apart, never on a grid. Only arithmetic: no system calls, no clock.
 *
 * A change restarts the period that is running, so the CPU time since the last sample would never
 * be sampled. That loss is a debt of the event, repaid by shortening the periods that follow: each
 * thread then gets its samples per CPU time, whether it runs all the time or in short bursts.
 */
struct jitter {
	struct random random;
	uint64_t nominal_ns;
	uint64_t least_ns; /* no period is shorter: the kernel's limit of samples per second */
	uint64_t next_ns; /* the next moment of change */
	bool off; /* all periods are the nominal one: to show what that does */
};

struct jitter_event {
	uint64_t period_ns; /* as the kernel has it */
	uint64_t intended_ns; /* as drawn, before the debt */
	uint64_t first_ns; /* the period it began with: a random part of one, so that phases are random */
	uint64_t settled_ns; /* when that was changed; UINT64_MAX: not yet */
	uint64_t last_ns, before_ns; /* times of the last two samples; 0: none */
	int64_t debt_ns;
	uint32_t samples; /* since the last change */
	uint32_t expected; /* until the next change */
};

void jitter_init(struct jitter *j, uint64_t nominal_ns, uint64_t least_ns, uint64_t seed);

/** @return the period to open an event with */
uint64_t jitter_begin(struct jitter *j, struct jitter_event *e);

/** Notes a sample. @return true if the period should be changed at once (the first sample) */
bool jitter_sample(struct jitter_event *e, uint64_t time_ns);

/** @return whether the event seems to have counted without a pause since its last sample */
bool jitter_runs_through(const struct jitter_event *e, uint64_t now_ns);

/**
 * Draws the event's next period.
 *
 * @param lost_ns CPU time since the last tick, which the change throws away
 * @param ticks   full periods since the last change
 * @return the period to set
 */
uint64_t jitter_change(struct jitter *j, struct jitter_event *e, uint64_t now_ns, uint64_t lost_ns,
		       uint64_t ticks);

/** Draws the moment after `now_ns` at which periods are changed next. */
void jitter_schedule(struct jitter *j, uint64_t now_ns);

/**
 * Thins what an event delivers too much while it runs with its first, short period: that one
 * sample of `nominal` is kept for each nominal period.
 */
bool jitter_keep(struct jitter *j, const struct jitter_event *e);

#endif
