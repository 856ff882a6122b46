/* SPDX-License-Identifier: MIT */
#ifndef SESSION_OVERHEAD_H
#define SESSION_OVERHEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "sampler/sampler.h"

/*
 * Keeps what sampling costs within --max-overhead, by lowering the rate. What counts is what a lower rate
 * would lower: the kernel's work for our samples and the CPU time of taking them in. What costs the same at
 * any rate is shown, not governed: turns of the loop, changes of the periods, and reading modules and naming,
 * which is done once for each address.
 *
 * The rate only falls. The samples from before are thinned to the new one (profile/thin.h), so that all
 * weigh the same; a rate that rose again would bring samples that have to be thinned as well.
 */

/* A while of sampling, as it was seen. */
struct overhead_window {
	uint64_t elapsed_ns;
	uint64_t cost_ns; /* of the kernel, and of taking samples in */
	uint64_t samples; /* at `rate_hz` of CPU time each */
	uint32_t rate_hz;
};

/**
 * @param most_ppm of the CPU time of what is watched, or of one CPU if that is more: below, the loop alone
 *		   would count for much and could not be made less
 * @return the rate that keeps to it; `rate_hz` if that does
 */
uint32_t overhead_rate(const struct overhead_window *w, uint32_t most_ppm);

struct overhead {
	uint32_t rate_hz;      /* that it was lowered to; 0: it was not */
	uint32_t of_hz;        /* what it was before the last time */
	uint64_t lowered_ns;   /* when that was: samples from before may still come */
	uint64_t due_ns;       /* the end of the window at hand */
	uint32_t windows_over; /* in a row */
	uint64_t begin_ns, taking_ns, kernel_ns, samples; /* as they were at its begin */
	struct random random;
};

/** A run begins; what it costs to begin is not looked at. */
void overhead_begin(struct overhead *o, uint64_t now_ns);

/**
 * Looks what the window at hand has cost, if it is over.
 * @param taking_ns the CPU time so far in which samples were taken in
 * @param most_ppm 0: there is no limit
 * @return the rate that is to be set now; 0 if nothing is
 */
uint32_t overhead_look(struct overhead *o, uint64_t now_ns, const struct sampler_stats *stats,
		       uint64_t taking_ns, uint32_t most_ppm);

/** The rate was lowered from stats->rate_hz to `rate_hz`. */
void overhead_lowered(struct overhead *o, uint64_t now_ns, uint32_t from_hz, uint32_t rate_hz);

/** @return false for a sample from before that is one of those to be left out */
bool overhead_keeps(struct overhead *o, uint64_t time_ns);

#endif
