// SPDX-License-Identifier: MIT
#include "sampler/jitter.h"

#include <string.h>

#include "base/clock.h"

enum { SPREAD_PERCENT = 20, FIRST_PERCENT = 20, SHORTEST_PERCENT = 50, LONGEST_PERCENT = 160 };

static uint64_t percent_of(uint64_t value, uint64_t percent)
{
	return value * percent / 100;
}

void jitter_init(struct jitter *j, uint64_t nominal_ns, uint64_t least_ns, uint64_t seed)
{
	*j = (struct jitter){ .random = { seed }, .nominal_ns = nominal_ns, .least_ns = least_ns };
}

uint64_t jitter_begin(struct jitter *j, struct jitter_event *e)
{
	uint64_t low = percent_of(j->nominal_ns, FIRST_PERCENT);
	if (low < j->least_ns)
		low = j->least_ns;
	if (low > j->nominal_ns)
		low = j->nominal_ns;
	memset(e, 0, sizeof(*e));
	if (j->off)
		return e->first_ns = e->period_ns = e->intended_ns = j->nominal_ns;
	e->first_ns = random_between(&j->random, low, j->nominal_ns);
	e->period_ns = e->intended_ns = e->first_ns;
	e->settled_ns = UINT64_MAX;
	return e->first_ns;
}

bool jitter_sample(struct jitter_event *e, uint64_t time_ns)
{
	e->before_ns = e->last_ns;
	e->last_ns = time_ns;
	e->samples++;
	return e->settled_ns == UINT64_MAX;
}

bool jitter_runs_through(const struct jitter_event *e, uint64_t now_ns)
{
	if (!e->before_ns || now_ns < e->last_ns)
		return false;
	uint64_t slack_ns = e->period_ns / 16;
	return e->last_ns - e->before_ns <= e->period_ns + slack_ns &&
	       now_ns - e->last_ns <= e->period_ns;
}

static int64_t bounded(int64_t value, int64_t low, int64_t high)
{
	return value < low ? low : value > high ? high : value;
}

uint64_t jitter_change(struct jitter *j, struct jitter_event *e, uint64_t now_ns, uint64_t lost_ns,
		       uint64_t ticks)
{
	int64_t nominal_ns = (int64_t)j->nominal_ns, limit_ns = 4 * nominal_ns;
	bool first = e->settled_ns == UINT64_MAX;
	if (!first) {
		int64_t repaid_ns = ((int64_t)e->intended_ns - (int64_t)e->period_ns) *
				    bounded((int64_t)ticks, 0, 1000);
		e->debt_ns -= repaid_ns;
	}
	e->debt_ns = bounded(e->debt_ns + (int64_t)lost_ns, -limit_ns, limit_ns);
	e->expected = first ? 8 : (e->expected + e->samples + 1) / 2;
	if (!e->expected)
		e->expected = 1;
	e->intended_ns = random_between(&j->random, percent_of(j->nominal_ns, 100 - SPREAD_PERCENT),
					percent_of(j->nominal_ns, 100 + SPREAD_PERCENT));
	int64_t period_ns = (int64_t)e->intended_ns - e->debt_ns / (int64_t)e->expected;
	period_ns = bounded(period_ns, (int64_t)percent_of(j->nominal_ns, SHORTEST_PERCENT),
			    (int64_t)percent_of(j->nominal_ns, LONGEST_PERCENT));
	e->period_ns = (uint64_t)period_ns > j->least_ns ? (uint64_t)period_ns : j->least_ns;
	e->samples = 0;
	if (first)
		e->settled_ns = now_ns;
	return e->period_ns;
}

void jitter_schedule(struct jitter *j, uint64_t now_ns)
{
	j->next_ns = now_ns + random_between(&j->random, 5 * NSEC_PER_MSEC, 15 * NSEC_PER_MSEC);
}

bool jitter_keep(struct jitter *j, const struct jitter_event *e)
{
	return random_between(&j->random, 0, j->nominal_ns) < e->first_ns;
}
