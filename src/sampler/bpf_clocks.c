// SPDX-License-Identifier: MIT
#include "sampler/bpf.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "base/clock.h"
#include "sampler/perf_attr.h"
#include "sampler/perf_limits.h"
#include "sampler/refusal.h"

enum { QUIET_NS = 1000000000 };

static int open_clock(struct bpf *b, struct bpf_clock *clock)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = jitter_begin_of_cpu(&b->jitter, &clock->jitter, monotonic_ns()),
		.disabled = 1,
		.exclude_idle = 1,
	};
	clock->fd = perf_open(&attr, -1, clock->cpu);
	return clock->fd < 0 ? -errno : 0;
}

int bpf_clocks_open(struct bpf *b, struct error *err)
{
	b->clocks = calloc(b->cpu_count, sizeof(*b->clocks));
	if (!b->clocks)
		return fail(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < b->cpu_count; i++)
		b->clocks[i].fd = -1;
	for (uint32_t i = 0; i < b->cpu_count; i++) {
		b->clocks[i].cpu = b->cpus[i];
		int r = open_clock(b, &b->clocks[i]);
		if (r < 0)
			return refusal_of(0, r, err);
	}
	return 0;
}

void bpf_clocks_arm(struct bpf *b)
{
	uint64_t now_ns = monotonic_ns();
	for (uint32_t i = 0; i < b->cpu_count; i++)
		b->clocks[i].busy_ns = b->clocks[i].jitter.changed_ns = now_ns;
	jitter_schedule(&b->jitter, now_ns);
}

/*
 * A change must not depend on whether a sample was seen just now: it would come right behind the work of
 * a thread that runs in bursts, and its next samples too (27.9 % for a true 25 % in a simulation).
 */
static void change(struct bpf *b, struct bpf_clock *clock, uint64_t now_ns)
{
	uint64_t samples = __atomic_load_n(&b->counters[clock->cpu].samples, __ATOMIC_RELAXED);
	if (samples != clock->samples)
		clock->busy_ns = now_ns;
	clock->samples = samples;
	if (now_ns - clock->busy_ns >
	    QUIET_NS) /* nobody whom we follow: an interrupt for nothing */
		return;
	uint64_t period_ns = jitter_change_of_cpu(&b->jitter, &clock->jitter, now_ns);
	ioctl(clock->fd, PERF_EVENT_IOC_PERIOD, &period_ns);
	b->stats.jitter_ioctls++;
}

uint64_t bpf_clocks_change(struct bpf *b, uint64_t now_ns)
{
	if (now_ns < b->jitter.next_ns || !b->config.jitter)
		return b->jitter.next_ns;
	for (uint32_t i = 0; i < b->cpu_count; i++)
		if ((uint32_t)b->clocks[i].cpu < b->counter_count)
			change(b, &b->clocks[i], monotonic_ns());
	jitter_schedule(&b->jitter, now_ns);
	return b->jitter.next_ns;
}

void bpf_clocks_stop(struct bpf *b)
{
	for (uint32_t i = 0; b->clocks && i < b->cpu_count; i++)
		if (b->clocks[i].fd >= 0)
			ioctl(b->clocks[i].fd, PERF_EVENT_IOC_DISABLE, 0);
}

void bpf_clocks_close(struct bpf *b)
{
	for (uint32_t i = 0; b->clocks && i < b->cpu_count; i++) {
		if (b->clocks[i].link) /* libbpf closes the event with its link */
			bpf_link__destroy(b->clocks[i].link);
		else if (b->clocks[i].fd >= 0)
			close(b->clocks[i].fd);
	}
	free(b->clocks);
	b->clocks = NULL;
}
