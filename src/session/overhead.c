// SPDX-License-Identifier: MIT
#include "session/overhead.h"

#include <sys/random.h>

#include "base/clock.h"

enum {
	PPM = 1000000,
	START_MS = 1000, /* in which much is done for the first time */
	WINDOW_MS = 1000,
	WINDOWS_OVER = 3,    /* in a row: naming much at once is no reason */
	SLACK_PERCENT = 110, /* what a window may cost before anything is done */
	AIM_PERCENT = 95,
	STEP_MOST = 4,           /* one window is not all */
	STEP_LEAST_PERCENT = 80, /* each time it is lowered samples are left out */
	RATE_LEAST_HZ = 10,
};

uint32_t overhead_rate(const struct overhead_window *w, uint32_t most_ppm)
{
	if (!w->rate_hz || !w->elapsed_ns)
		return w->rate_hz;
	double watched_ns = (double)w->samples * 1e9 / w->rate_hz;
	if (watched_ns < (double)w->elapsed_ns)
		watched_ns = (double)w->elapsed_ns;
	double most_ns = watched_ns * most_ppm / PPM;
	if ((double)w->cost_ns * 100 <= most_ns * SLACK_PERCENT || w->rate_hz <= RATE_LEAST_HZ)
		return w->rate_hz;
	double rate_hz = w->rate_hz * most_ns / (double)w->cost_ns * AIM_PERCENT / 100;
	if (rate_hz < (double)w->rate_hz / STEP_MOST)
		rate_hz = (double)w->rate_hz / STEP_MOST;
	if (rate_hz > (double)w->rate_hz * STEP_LEAST_PERCENT / 100)
		rate_hz = (double)w->rate_hz * STEP_LEAST_PERCENT / 100;
	return rate_hz < RATE_LEAST_HZ ? RATE_LEAST_HZ : (uint32_t)rate_hz;
}

void overhead_begin(struct overhead *o, uint64_t now_ns)
{
	o->begin_ns = 0;
	o->windows_over = 0;
	o->due_ns = now_ns + START_MS * NSEC_PER_MSEC;
}

static void begin_window(struct overhead *o, uint64_t now_ns, const struct sampler_stats *stats,
			 uint64_t taking_ns)
{
	o->begin_ns = now_ns;
	o->due_ns = now_ns + WINDOW_MS * NSEC_PER_MSEC;
	o->taking_ns = taking_ns;
	o->kernel_ns = stats->kernel_cost_ns;
	o->samples = stats->samples;
}

uint32_t overhead_look(struct overhead *o, uint64_t now_ns, const struct sampler_stats *stats,
		       uint64_t taking_ns, uint32_t most_ppm)
{
	if (!most_ppm || now_ns < o->due_ns)
		return 0;
	struct overhead_window w = {
		.elapsed_ns = o->begin_ns ? now_ns - o->begin_ns : 0,
		.cost_ns = taking_ns - o->taking_ns + stats->kernel_cost_ns - o->kernel_ns,
		.samples = stats->samples - o->samples,
		.rate_hz = stats->rate_hz,
	};
	begin_window(o, now_ns, stats, taking_ns);
	uint32_t rate_hz = overhead_rate(&w, most_ppm);
	o->windows_over = rate_hz < stats->rate_hz ? o->windows_over + 1 : 0;
	return o->windows_over >= WINDOWS_OVER ? rate_hz : 0;
}

void overhead_lowered(struct overhead *o, uint64_t now_ns, uint32_t from_hz, uint32_t rate_hz)
{
	if (!o->rate_hz && getrandom(&o->random.state, sizeof(o->random.state), 0) < 0)
		o->random.state = now_ns;
	o->windows_over = 0;
	o->lowered_ns = now_ns;
	o->of_hz = from_hz;
	o->rate_hz = rate_hz;
}

bool overhead_keeps(struct overhead *o, uint64_t time_ns)
{
	if (time_ns >= o->lowered_ns)
		return true;
	return random_between(&o->random, 0, o->of_hz - 1) < o->rate_hz;
}
