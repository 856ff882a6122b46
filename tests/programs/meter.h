/* SPDX-License-Identifier: MIT */
#ifndef METER_H
#define METER_H

/*
 * For programs that know the truth about themselves: work is done in units of a fixed number of
 * steps inside one function, and the thread's own CPU clock is read between units. The clock is a
 * system call, so it is never read inside a measured function.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef __clang__
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noinline, noclone))
#endif

static inline uint64_t meter_clock_ns(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t meter_thread_ns(void)
{
	return meter_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* Some 1 ns a step at 3 GHz; nothing in it is called and nothing can be left out. */
#define METER_SPIN(steps)                                            \
	do {                                                         \
		uint64_t x_ = (steps);                               \
		for (uint64_t i_ = 0, n_ = (steps); i_ < n_; i_++) { \
			x_ = x_ * 3 + 1;                             \
			__asm__ volatile("" : "+r"(x_));             \
		}                                                    \
	} while (0)

/* A function that is the leaf of all that it costs. */
#define METER_LEAF(name)                   \
	void name(uint64_t steps);         \
	NOINLINE void name(uint64_t steps) \
	{                                  \
		METER_SPIN(steps);         \
	}

static inline double meter_argument(int argc, char **argv, int i, double otherwise)
{
	return argc > i ? atof(argv[i]) : otherwise;
}

/* Steps for `ns` of CPU time on this machine now: rough, and needs no more. */
static inline uint64_t meter_steps(double ns)
{
	uint64_t best = UINT64_MAX;
	for (int i = 0; i < 5; i++) {
		uint64_t begin = meter_thread_ns();
		METER_SPIN(200000);
		uint64_t took = meter_thread_ns() - begin;
		if (took < best)
			best = took;
	}
	return (uint64_t)(ns * 200000 / (double)(best ? best : 1)) + 1;
}

#endif
