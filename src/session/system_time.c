// SPDX-License-Identifier: MIT
#include "session/system_time.h"

#include <errno.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "process/stat_file.h"

static uint64_t reaped_ns(void)
{
	struct rusage usage;
	if (getrusage(RUSAGE_CHILDREN, &usage) < 0)
		return 0;
	return (uint64_t)usage.ru_stime.tv_sec * NSEC_PER_SEC +
	       (uint64_t)usage.ru_stime.tv_usec * 1000;
}

int system_time_begin(struct system_time *t, const pid_t *pids, size_t count, bool children)
{
	*t = (struct system_time){ .children = children, .reaped_begin_ns = reaped_ns() };
	for (size_t i = 0; i < count; i++) {
		struct target_time target = { .pid = pids[i] };
		struct stat_file stat;
		if (stat_file_read(pids[i], &stat))
			target.begin_ns = target.last_ns = stat_file_system_ns(&stat, t->children);
		if (!vec_push(&t->targets, target))
			return -ENOMEM;
	}
	return 0;
}

void system_time_read(struct system_time *t)
{
	uint64_t reaped = reaped_ns() - t->reaped_begin_ns;
	for (size_t i = 0; i < t->targets.count; i++) {
		struct target_time *target = &t->targets.at[i];
		struct stat_file stat;
		if (stat_file_read(target->pid, &stat))
			target->last_ns = stat_file_system_ns(&stat, t->children);
		else if (reaped > t->reaped_ns) /* CMD: from now on it is among the reaped */
			target->last_ns = target->begin_ns;
	}
	t->reaped_ns = reaped;
}

uint64_t system_time_ns(const struct system_time *t)
{
	uint64_t sum_ns = t->reaped_ns;
	for (size_t i = 0; i < t->targets.count; i++) {
		const struct target_time *target = &t->targets.at[i];
		if (target->last_ns > target->begin_ns)
			sum_ns += target->last_ns - target->begin_ns;
	}
	return sum_ns;
}

void system_time_deinit(struct system_time *t)
{
	vec_free(&t->targets);
}
