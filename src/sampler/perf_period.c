// SPDX-License-Identifier: MIT
#include "sampler/perf.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"

/*
 * The CPU time that the event has counted since its last tick, and its ticks since the last change.
 * While it runs without a pause the clock tells; else the counter, which costs nothing when the
 * thread is not running. With copies the counter is a sum over all of them and tells nothing.
 */
static uint64_t lost_time(struct perf_sampling_event *event, bool branched, uint64_t now_ns,
			  uint64_t *ticks)
{
	const struct jitter_event *j = &event->jitter;
	uint64_t count_ns = 0, before_ns = event->count_ns;
	event->count_ns = 0;
	*ticks = j->samples;
	if (jitter_runs_through(j, now_ns))
		return now_ns - j->last_ns;
	if (!branched && read(event->fd, &count_ns, sizeof(count_ns)) == (ssize_t)sizeof(count_ns))
		event->count_ns = count_ns;
	if (event->count_ns && (before_ns || j->settled_ns == UINT64_MAX)) {
		uint64_t counted_ns = count_ns - before_ns;
		*ticks = counted_ns / j->period_ns;
		return counted_ns % j->period_ns;
	}
	uint64_t since_ns = now_ns > j->last_ns ? now_ns - j->last_ns : 0;
	return since_ns < j->period_ns / 2 ? since_ns : j->period_ns / 2;
}

static void change(struct perf *p, struct perf_sampling_event *event, uint64_t now_ns)
{
	bool branched = p->families.family.at[event->family].branched;
	uint64_t ticks, lost_ns = lost_time(event, branched, now_ns, &ticks);
	uint64_t period_ns = jitter_change(&p->jitter, &event->jitter, now_ns, lost_ns, ticks);
	ioctl(event->fd, PERF_EVENT_IOC_PERIOD, &period_ns);
	p->stats.jitter_ioctls++;
}

void perf_change_periods(struct perf *p, uint64_t now_ns)
{
	bool all = now_ns >= p->jitter.next_ns;
	if (!all && !p->urgent)
		return;
	size_t kept = 0;
	for (size_t i = 0; i < p->dirty.count; i++) {
		uint32_t index = p->dirty.at[i];
		struct perf_sampling_event *event = &p->families.event.at[index];
		if (event->fd >= 0 && !all && event->jitter.settled_ns != UINT64_MAX) {
			p->dirty.at[kept++] = index;
			continue;
		}
		event->dirty = false;
		if (event->fd >= 0)
			change(p, event, monotonic_ns());
	}
	p->dirty.count = kept;
	p->urgent = false;
	if (all)
		jitter_schedule(&p->jitter, now_ns);
}
