/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_PERF_PERMITS_H
#define SAMPLER_PERF_PERMITS_H

#include <stdint.h>

/* What perf_event_open(2) answers when it is asked: 0 or negative errno. */
struct perf_permits {
	int own_user;   /* our processes in user mode, with registers and stack copies */
	int own_kernel; /* and in kernel mode, with its call chain */
	int everybody;  /* a CPU, whoever runs on it */
	int cycles;     /* the hardware's counter of cycles */
	uint32_t cpus;  /* online; 0: not known */
};

/** Opens one event of each kind and closes it; nothing is sampled. */
void perf_permits_try(struct perf_permits *out);

#endif
