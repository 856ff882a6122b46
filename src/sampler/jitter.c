// SPDX-License-Identifier: MIT
#include "sampler/jitter.h"

#include <string.h>

#include "base/clock.h"

enum {
	SPREAD_PERCENT = 35,
	SHORTEST_PERCENT = 50,
	LONGEST_PERCENT = 165,
	/* The mean of 1/x is 4.4 % above 1 / the mean of x, and the debt spreads periods a little more. In the
	 * simulation rates are then 0.2 % too high at 999 Hz and 0.7 % too low at 4,000. */
	CONVEXITY_PART = 20,
	TICKS_A_CHANGE = 8, /* of an event that never pauses: see jitter_schedule() */
	LEAD_SHORTEST_PERCENT = 15,
	GAP_LEAST_PERCENT = 45,
	GAP_MOST_PERCENT = 155,
	STEADY_FROM_PERCENT = 75,
	/* After the least gap, surplus ticks are kept at such a rate that gaps are one period on average:
	 * 55 but for ticks that come late. Measured with bursts of 1 ms, true share of the end 25.0 %: 23.7 at
	 * 100, 26.1 at 68. */
	SURPLUS_PERCENT = 82,
	COPY_PERCENT =
		107, /* measured: 300 children of 5 ms, by copies and by events of their own */
};

static uint64_t percent_of(const struct jitter *j, uint64_t percent)
{
	return j->nominal_ns * percent / 100;
}

/* A fifth of the least time between changes. */
static uint64_t change_unit(const struct jitter *j)
{
	return j->nominal_ns > NSEC_PER_MSEC ? j->nominal_ns : NSEC_PER_MSEC;
}

static int64_t bounded(int64_t value, int64_t low, int64_t high)
{
	return value < low ? low : value > high ? high : value;
}

void jitter_init(struct jitter *j, uint64_t nominal_ns, uint64_t least_ns, uint64_t seed)
{
	*j = (struct jitter){ .random = { seed }, .nominal_ns = nominal_ns, .least_ns = least_ns };
}

/* Sets a period, which the kernel's limit may lengthen. */
static uint64_t set_period(const struct jitter *j, struct jitter_event *e, int64_t period_ns,
			   uint64_t shortest_percent)
{
	period_ns = bounded(period_ns, (int64_t)percent_of(j, shortest_percent),
			    (int64_t)percent_of(j, LONGEST_PERCENT));
	e->period_ns = (uint64_t)period_ns > j->least_ns ? (uint64_t)period_ns : j->least_ns;
	return e->period_ns;
}

uint64_t jitter_begin(struct jitter *j, struct jitter_event *e)
{
	memset(e, 0, sizeof(*e));
	if (j->off)
		return e->period_ns = e->intended_ns = j->nominal_ns;
	e->lead = true;
	e->intended_ns = random_between(&j->random, 0, j->nominal_ns);
	return set_period(j, e, (int64_t)e->intended_ns, LEAD_SHORTEST_PERCENT);
}

uint64_t jitter_begin_of_cpu(struct jitter *j, struct jitter_event *e, uint64_t now_ns)
{
	memset(e, 0, sizeof(*e));
	e->intended_ns = j->nominal_ns;
	e->begun = true;
	e->expected = (uint32_t)(change_unit(j) * TICKS_A_CHANGE / j->nominal_ns);
	e->changed_ns = now_ns;
	if (j->off)
		return e->period_ns = j->nominal_ns;
	/* Uniform between 0.55 and 1.65 periods: 1/x is 1 on average. */
	return set_period(
		j, e, (int64_t)random_between(&j->random, percent_of(j, 55), percent_of(j, 165)),
		SHORTEST_PERCENT);
}

static bool chance(struct jitter *j, uint64_t part_ns)
{
	return random_between(&j->random, 0, j->nominal_ns - 1) < part_ns;
}

bool jitter_sample(struct jitter *j, struct jitter_event *e, uint64_t time_ns)
{
	e->before_ns = e->last_ns;
	e->last_ns = time_ns;
	e->since_kept++;
	bool surplus = e->samples++ > 0 && e->lead;
	if (surplus && (e->since_kept * e->period_ns < percent_of(j, GAP_LEAST_PERCENT) ||
			!chance(j, e->period_ns * 100 / SURPLUS_PERCENT)))
		return false;
	e->since_kept = 0;
	return true;
}

bool jitter_runs_through(const struct jitter_event *e, uint64_t now_ns)
{
	if (!e->before_ns || now_ns < e->last_ns)
		return false;
	uint64_t slack_ns = e->period_ns / 16;
	return e->last_ns - e->before_ns <= e->period_ns + slack_ns &&
	       now_ns - e->last_ns <= e->period_ns;
}

/* CPU time since the last tick, which a change throws away, and the ticks since the last change. */
static uint64_t lost_time(const struct jitter_event *e, uint64_t now_ns, uint64_t count_ns,
			  uint64_t *ticks)
{
	bool steady = jitter_runs_through(e, now_ns);
	if (!steady && count_ns && (e->count_ns || !e->begun)) {
		uint64_t counted_ns = count_ns > e->count_ns ? count_ns - e->count_ns : 0;
		*ticks = counted_ns / e->period_ns;
		return counted_ns % e->period_ns;
	}
	*ticks = e->samples;
	uint64_t since_ns = now_ns > e->last_ns ? now_ns - e->last_ns : 0;
	uint64_t most_ns = steady ? e->period_ns : e->period_ns / 2;
	return since_ns < most_ns ? since_ns : most_ns;
}

/* What the ticks of a period took too little or too much, by what had been drawn. */
static void repay(struct jitter_event *e, uint64_t ticks, uint64_t samples)
{
	enum { MOST = 1000 };
	ticks = ticks < MOST ? ticks : MOST;
	samples = samples < MOST ? samples : MOST;
	e->debt_ns -= ((int64_t)e->intended_ns - (int64_t)e->period_ns) * (int64_t)ticks;
	e->expected = (e->expected + (uint32_t)samples + 1) / 2;
}

static uint64_t change_steady(struct jitter *j, struct jitter_event *e)
{
	e->intended_ns = random_between(&j->random, percent_of(j, 100 - SPREAD_PERCENT),
					percent_of(j, 100 + SPREAD_PERCENT));
	/* A short period brings more samples until the next change than a long one: 1/x is convex.
	 */
	e->intended_ns += j->nominal_ns * (e->expected - 1) / e->expected / CONVEXITY_PART;
	int64_t shift_ns =
		(int64_t)random_between(&j->random, 0, j->nominal_ns) - (int64_t)j->nominal_ns / 2;
	return set_period(j, e,
			  (int64_t)e->intended_ns - (e->debt_ns + shift_ns) / (int64_t)e->expected,
			  SHORTEST_PERCENT);
}

static uint64_t change_lead(struct jitter *j, struct jitter_event *e, uint64_t lost_ns, bool steady)
{
	uint64_t least_ns = percent_of(j, GAP_LEAST_PERCENT),
		 most_ns = percent_of(j, GAP_MOST_PERCENT);
	int64_t repaid_ns = bounded(e->debt_ns, -(int64_t)least_ns / 2, (int64_t)least_ns / 2);
	if (lost_ns > least_ns)
		least_ns = lost_ns < most_ns ? lost_ns : most_ns;
	int64_t wanted_ns =
		(int64_t)(random_between(&j->random, least_ns, most_ns) - lost_ns) - repaid_ns;
	e->debt_ns -= repaid_ns;
	set_period(j, e, wanted_ns, LEAD_SHORTEST_PERCENT);
	e->debt_ns += (int64_t)e->period_ns - wanted_ns;
	e->lead = !steady || e->period_ns < percent_of(j, STEADY_FROM_PERCENT);
	e->intended_ns = e->period_ns;
	return e->period_ns;
}

uint64_t jitter_change(struct jitter *j, struct jitter_event *e, uint64_t now_ns, uint64_t count_ns)
{
	int64_t limit_ns = 4 * (int64_t)j->nominal_ns;
	bool steady = jitter_runs_through(e, now_ns), was_lead = e->lead;
	uint64_t ticks, lost_ns = lost_time(e, now_ns, count_ns, &ticks);
	if (!was_lead)
		repay(e, ticks, e->samples);
	e->debt_ns = bounded(e->debt_ns, -limit_ns, limit_ns);
	if (!e->expected)
		e->expected = 1;
	e->count_ns = count_ns;
	e->begun = true;
	e->changed_ns = now_ns;
	e->previous_ns = e->period_ns;
	e->samples = 0;
	if (was_lead || !steady)
		return change_lead(j, e, lost_ns + e->since_kept * (was_lead ? e->period_ns : 0),
				   steady);
	e->debt_ns += (int64_t)lost_ns;
	e->since_kept = 0;
	return change_steady(j, e);
}

/* `lost_ns` went by since the last tick. */
static uint64_t change_of_cpu(struct jitter *j, struct jitter_event *e, uint64_t now_ns,
			      uint64_t ticks, uint64_t lost_ns)
{
	int64_t limit_ns = 4 * (int64_t)j->nominal_ns;
	if (e->begun)
		repay(e, ticks, ticks);
	e->debt_ns = bounded(e->debt_ns + (int64_t)lost_ns, -limit_ns, limit_ns);
	if (!e->expected)
		e->expected = 1;
	e->begun = true;
	e->lead = false;
	e->changed_ns = now_ns;
	e->previous_ns = e->period_ns;
	return change_steady(j, e);
}

uint64_t jitter_change_of_cpu(struct jitter *j, struct jitter_event *e, uint64_t now_ns)
{
	uint64_t ran_ns = e->begun && now_ns > e->changed_ns ? now_ns - e->changed_ns : 0;
	return change_of_cpu(j, e, now_ns, ran_ns / e->period_ns, ran_ns % e->period_ns);
}

/*
 * While a period is close to that of the work, samples say the same again and again; so the nearer
 * moments are likelier: the least of three draws is 7.5 units on average. At low rates a unit is a period,
 * since a change takes away the tick that was about to come.
 */
void jitter_schedule(struct jitter *j, uint64_t now_ns)
{
	uint64_t unit_ns = change_unit(j);
	uint64_t after_ns = 15 * unit_ns;
	for (int draw = 0; draw < 3; draw++) {
		uint64_t other_ns = random_between(&j->random, 5 * unit_ns, 15 * unit_ns);
		after_ns = other_ns < after_ns ? other_ns : after_ns;
	}
	j->next_ns = now_ns + after_ns;
}

bool jitter_keep_inherited(struct jitter *j, uint64_t period_ns, bool first)
{
	/* Copies with more than the nominal period bring too little; the others make up for them.
	 */
	uint64_t part_ns = period_ns * COPY_PERCENT / 100;
	return chance(j, first ? part_ns + part_ns / 2 : part_ns);
}
