/* SPDX-License-Identifier: MIT */
#ifndef SESSION_SYSTEM_TIME_H
#define SESSION_SYSTEM_TIME_H

#include <sys/types.h>

#include "base/vec.h"

/*
 * Time in kernel mode of the targets and of the children that they have waited for: its own figure
 * where kernel mode may not be sampled (design, promise 1). To the kernel's tick, 10 ms.
 */
struct target_time {
	pid_t pid;
	uint64_t begin_ns, last_ns;
};

struct system_time {
	VEC(struct target_time) targets;
	bool children;                       /* with those that targets have waited for */
	uint64_t reaped_begin_ns, reaped_ns; /* children of our own that have ended */
};

/** Begins to count here. @return 0 or -ENOMEM */
int system_time_begin(struct system_time *t, const pid_t *pids, size_t count, bool children);
/** Call now and then: of a target that has ended, the last reading stands. */
void system_time_read(struct system_time *t);
/** @return since the beginning, at the last reading, in ns */
uint64_t system_time_ns(const struct system_time *t);
void system_time_deinit(struct system_time *t);

#endif
