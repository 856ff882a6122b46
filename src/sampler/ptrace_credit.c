// SPDX-License-Identifier: MIT
#include "sampler/ptrace_credit.h"

#include "base/clock.h"

enum {
	DEBT_MOST_PERIODS = 3, /* bursts that a look hit more often than not are no error */
	LAG_PERIODS = 2,
	LAG_MOST_PERIODS = 6, /* what is older is forgotten: it would come all at one place */
	SHARE_WHOLE = 1024,
	SHARE_MEMORY_NS = 20 * 1000 * 1000,
	PAUSE_MOST_PERIODS = 8,
};

void ptrace_credit_begin(struct ptrace_credit *c, uint64_t cpu_ns, uint64_t now_ns)
{
	*c = (struct ptrace_credit){ .cpu_ns = cpu_ns, .read_ns = now_ns, .share = SHARE_WHOLE };
}

static void learn_share(struct ptrace_credit *c, uint64_t ran_ns, uint64_t passed_ns)
{
	if (!passed_ns)
		return;
	uint64_t seen = ran_ns >= passed_ns ? SHARE_WHOLE : ran_ns * SHARE_WHOLE / passed_ns;
	uint64_t weight_ns = passed_ns < SHARE_MEMORY_NS ? passed_ns : SHARE_MEMORY_NS;
	uint64_t old_ns = SHARE_MEMORY_NS - weight_ns;
	c->share = (uint32_t)((c->share * old_ns + seen * weight_ns) / SHARE_MEMORY_NS);
}

void ptrace_credit_read(struct ptrace_credit *c, uint64_t period_ns, uint64_t cpu_ns,
			uint64_t now_ns)
{
	uint64_t ran_ns = cpu_ns > c->cpu_ns ? cpu_ns - c->cpu_ns : 0;
	uint64_t passed_ns = now_ns > c->read_ns ? now_ns - c->read_ns : 0;
	int64_t most_ns = LAG_MOST_PERIODS * (int64_t)period_ns;
	learn_share(c, ran_ns, passed_ns);
	c->due_ns += (int64_t)ran_ns;
	if (c->due_ns > most_ns) {
		c->missed_ns += (uint64_t)(c->due_ns - most_ns);
		c->due_ns = most_ns;
	}
	c->cpu_ns = cpu_ns > c->cpu_ns ? cpu_ns : c->cpu_ns;
	c->read_ns = now_ns;
}

void ptrace_credit_sampled(struct ptrace_credit *c, uint64_t period_ns)
{
	c->due_ns -= (int64_t)period_ns;
}

bool ptrace_credit_accepts(const struct ptrace_credit *c, uint64_t period_ns, uint64_t now_ns)
{
	uint64_t passed_ns = now_ns > c->read_ns ? now_ns - c->read_ns : 0;
	if (passed_ns > NSEC_PER_SEC)
		return true;
	int64_t likely_ns = c->due_ns + (int64_t)(passed_ns * c->share / SHARE_WHOLE);
	return likely_ns > -DEBT_MOST_PERIODS * (int64_t)period_ns;
}

uint64_t ptrace_credit_missed(const struct ptrace_credit *c, uint64_t period_ns)
{
	return c->missed_ns / period_ns;
}

bool ptrace_credit_lags(const struct ptrace_credit *c, uint64_t period_ns)
{
	return c->due_ns > LAG_PERIODS * (int64_t)period_ns;
}

/*
 * An exponential variable with mean `unit`, by comparisons alone: a run of uniform numbers that falls an odd number of
 * times keeps its first (von Neumann 1951, "Various techniques used in connection with random digits").
 */
static uint64_t exponential(struct random *random, uint64_t unit)
{
	for (uint64_t whole = 0; whole < PAUSE_MOST_PERIODS; whole++) {
		uint64_t first = random_u64(random), last = first, next;
		unsigned length = 1;
		for (; (next = random_u64(random)) < last; length++)
			last = next;
		if (length % 2)
			return whole * unit + (uint64_t)((unsigned __int128)first * unit >> 64);
	}
	return PAUSE_MOST_PERIODS * unit;
}

uint64_t ptrace_credit_pause(struct random *random, uint64_t period_ns, bool lags)
{
	uint64_t pause_ns = exponential(random, period_ns);
	return lags ? pause_ns / 2 : pause_ns;
}
