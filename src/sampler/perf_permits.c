// SPDX-License-Identifier: MIT
#include "sampler/perf_permits.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "sampler/perf_attr.h"
#include "sampler/perf_limits.h"

enum { STACK_TRIED_BYTES = 8192, PERIOD_NS = 1000000 };

static int try_open(struct perf_event_attr *attr, pid_t pid, int cpu)
{
	_cleanup_close_ int fd = perf_open(attr, pid, cpu);
	return fd < 0 ? -errno : 0;
}

static int try_sampling(bool kernel, pid_t pid, int cpu)
{
	struct perf_shape shape = { .features.kernel = kernel, .stack_bytes = STACK_TRIED_BYTES };
	struct perf_event_attr attr;
	perf_attr_sampling(&shape, PERIOD_NS, false, &attr);
	return try_open(&attr, pid, cpu);
}

static int try_cycles(void)
{
	struct perf_event_attr attr = { .size = sizeof(attr),
					.type = PERF_TYPE_HARDWARE,
					.config = PERF_COUNT_HW_CPU_CYCLES,
					.disabled = 1,
					.exclude_kernel = 1,
					.exclude_hv = 1 };
	return try_open(&attr, 0, -1);
}

void perf_permits_try(struct perf_permits *out)
{
	int *cpus = NULL;
	*out = (struct perf_permits){ .own_user = try_sampling(false, 0, -1),
				      .own_kernel = try_sampling(true, 0, -1),
				      .cycles = try_cycles() };
	int first = perf_online_cpus(&cpus, &out->cpus, NULL) == 0 ? cpus[0] : 0;
	out->everybody = try_sampling(false, -1, first);
	free(cpus);
}
