// SPDX-License-Identifier: MIT
#include "sampler/perf.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"

/* With copies the counter is a sum over all of them and tells nothing. */
static uint64_t read_count(const struct perf_sampling_event *event, bool branched, uint64_t now_ns)
{
	uint64_t count_ns;
	if (branched || jitter_runs_through(&event->jitter, now_ns) ||
	    read(event->fd, &count_ns, sizeof(count_ns)) != (ssize_t)sizeof(count_ns))
		return 0;
	return count_ns;
}

static void change(struct perf *p, struct perf_sampling_event *event, uint64_t now_ns)
{
	bool branched = p->families.family.at[event->family].branched;
	uint64_t count_ns = read_count(event, branched, now_ns);
	uint64_t period_ns = jitter_change(&p->jitter, &event->jitter, now_ns, count_ns);
	ioctl(event->fd, PERF_EVENT_IOC_PERIOD, &period_ns);
	p->stats.jitter_ioctls++;
}

static void change_cpus(struct perf *p, uint64_t now_ns)
{
	struct perf_sampling_event *events = perf_family_events(&p->families, PERF_WIDE_FAMILY);
	if (now_ns < p->jitter.next_ns)
		return;
	for (uint32_t i = 0; i < p->cpu_count; i++) {
		uint64_t period_ns =
			jitter_change_of_cpu(&p->jitter, &events[i].jitter, monotonic_ns());
		ioctl(events[i].fd, PERF_EVENT_IOC_PERIOD, &period_ns);
		p->stats.jitter_ioctls++;
	}
	jitter_schedule(&p->jitter, now_ns);
}

void perf_change_periods(struct perf *p, uint64_t now_ns)
{
	if (p->config.scope == SCOPE_SYSTEM) {
		change_cpus(p, now_ns);
		return;
	}
	bool all = now_ns >= p->jitter.next_ns;
	if (!all && !p->urgent)
		return;
	size_t kept = 0;
	for (size_t i = 0; i < p->dirty.count; i++) {
		uint32_t index = p->dirty.at[i];
		struct perf_sampling_event *event = &p->families.event.at[index];
		if (event->fd >= 0 && !all && !event->jitter.lead) {
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
