// SPDX-License-Identifier: MIT
#include "sampler/ptrace_credit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { PERIOD_NS = 1000000 };

/* An exponential variable: the mean is one period, and e^-1 of the values exceed it. */
static void test_pauses_are_exponential(void **state)
{
	(void)state;
	enum { DRAWS = 200000 };
	struct random random = { 1 };
	uint64_t sum_ns = 0, longer = 0, longer_twice = 0;
	for (int i = 0; i < DRAWS; i++) {
		uint64_t pause_ns = ptrace_credit_pause(&random, PERIOD_NS, false);
		sum_ns += pause_ns;
		longer += pause_ns > PERIOD_NS;
		longer_twice += pause_ns > 2 * PERIOD_NS;
	}
	assert_in_range(sum_ns / DRAWS, 985000, 1010000);
	assert_in_range(longer * 10000 / DRAWS, 3620, 3740);
	assert_in_range(longer_twice * 10000 / DRAWS, 1310, 1400);
}

/* A thread that runs all the time, and looks by chance: its samples follow its clock closely. */
static void test_samples_follow_the_clock(void **state)
{
	(void)state;
	enum { LOOKS = 20000 };
	struct random random = { 2 };
	struct ptrace_credit c;
	uint64_t now_ns = 0, samples = 0;
	ptrace_credit_begin(&c, 0, 0);
	for (int i = 0; i < LOOKS; i++) {
		now_ns +=
			ptrace_credit_pause(&random, PERIOD_NS, ptrace_credit_lags(&c, PERIOD_NS));
		ptrace_credit_read(&c, PERIOD_NS, now_ns, now_ns);
		if (!ptrace_credit_accepts(&c, PERIOD_NS, now_ns))
			continue;
		ptrace_credit_sampled(&c, PERIOD_NS);
		samples++;
	}
	uint64_t expected = now_ns / PERIOD_NS;
	assert_in_range(samples + ptrace_credit_missed(&c, PERIOD_NS), expected - 10,
			expected + 10);
	assert_true(ptrace_credit_missed(&c, PERIOD_NS) < expected / 100);
}

/* One that has a thirtieth of a CPU seems to run at each look: it gets a thirtieth of the samples. */
static void test_waiting_is_not_sampled(void **state)
{
	(void)state;
	struct ptrace_credit c;
	uint64_t samples = 0;
	ptrace_credit_begin(&c, 0, 0);
	for (uint64_t look = 1; look <= 30000; look++) {
		uint64_t now_ns = look * PERIOD_NS;
		ptrace_credit_read(&c, PERIOD_NS, now_ns / 30, now_ns);
		if (!ptrace_credit_accepts(&c, PERIOD_NS, now_ns))
			continue;
		ptrace_credit_sampled(&c, PERIOD_NS);
		samples++;
	}
	assert_in_range(samples, 995, 1005);
}

/* What no look came for is not made up for all at once, but counted. */
static void test_what_is_missed_is_counted(void **state)
{
	(void)state;
	struct ptrace_credit c;
	ptrace_credit_begin(&c, 5 * PERIOD_NS, 0);
	ptrace_credit_read(&c, PERIOD_NS, 105 * (uint64_t)PERIOD_NS, 200 * (uint64_t)PERIOD_NS);
	assert_true(ptrace_credit_lags(&c, PERIOD_NS));
	assert_in_range(ptrace_credit_missed(&c, PERIOD_NS), 90, 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pauses_are_exponential),
		cmocka_unit_test(test_samples_follow_the_clock),
		cmocka_unit_test(test_waiting_is_not_sampled),
		cmocka_unit_test(test_what_is_missed_is_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
