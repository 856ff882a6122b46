/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_PERF_COST_H
#define SAMPLER_PERF_COST_H

#include <stdint.h>

/*
 * What a sample of perf's costs its target in the kernel, beyond the tick itself. The kernel's events have
 * no clock of their own, so it is a figure by size: measured once, by perf_cost_measure().
 */
struct perf_cost {
	uint32_t sample_ns; /* registers, times, the record */
	uint32_t kib_ns;    /* each KiB of stack that is copied */
};

/* Measured on a virtual machine (AMD EPYC, Linux 6.18); elsewhere it is of the same order. */
#define PERF_COST_USUAL                           \
	(struct perf_cost)                        \
	{                                         \
		.sample_ns = 1500, .kib_ns = 103, \
	}

static inline uint64_t perf_cost_of(const struct perf_cost *cost, uint64_t stack_bytes)
{
	return cost->sample_ns + stack_bytes * cost->kib_ns / 1024;
}

#endif
