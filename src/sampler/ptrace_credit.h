/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_PTRACE_CREDIT_H
#define SAMPLER_PTRACE_CREDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"

/*
 * When ptrace looks at a CPU, and which of the threads that it finds running it samples. Only arithmetic.
 *
 * Looks at one CPU are as far apart as chance has it, one period on average, whatever has happened: a
 * thread that hops from CPU to CPU is then found as often as one that stays. Whoever is running is sampled
 * where it is, so positions are true, in short bursts too. How many samples a thread has is what chance gives,
 * within bounds: its CPU clock tells how many it should have, and beyond a few too many a look passes it
 * over; with a few too few, looks come sooner.
 */
struct ptrace_credit {
	int64_t due_ns;     /* CPU time that got no sample yet; below 0 it got too many */
	uint64_t cpu_ns;    /* its CPU clock, as read last */
	uint64_t read_ns;   /* when that was */
	uint64_t missed_ns; /* CPU time for which it is too late to sample */
	uint32_t share;     /* of wall time that it got lately, in 1/1024 */
};

/** Begins at a moment when its CPU clock was read. */
void ptrace_credit_begin(struct ptrace_credit *c, uint64_t cpu_ns, uint64_t now_ns);

/** Takes a reading of its CPU clock. */
void ptrace_credit_read(struct ptrace_credit *c, uint64_t period_ns, uint64_t cpu_ns,
			uint64_t now_ns);

/** Notes a sample. */
void ptrace_credit_sampled(struct ptrace_credit *c, uint64_t period_ns);

/** @return whether a thread that seems to run may be sampled */
bool ptrace_credit_accepts(const struct ptrace_credit *c, uint64_t period_ns, uint64_t now_ns);

/** @return how many samples it should have and will not have */
uint64_t ptrace_credit_missed(const struct ptrace_credit *c, uint64_t period_ns);

/** @return whether it has too few samples, so that looks should come closer together */
bool ptrace_credit_lags(const struct ptrace_credit *c, uint64_t period_ns);

/** @return the time from one look at a CPU to the next */
uint64_t ptrace_credit_pause(struct random *random, uint64_t period_ns, bool lags);

#endif
