// SPDX-License-Identifier: MIT
#include "session/overhead.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { ONE_PERCENT = 10000 };

static uint32_t rate(uint64_t cost_us, uint64_t samples, uint32_t rate_hz, uint32_t most_ppm)
{
	struct overhead_window w = {
		.elapsed_ns = 2 * NSEC_PER_SEC,
		.cost_ns = cost_us * 1000,
		.samples = samples,
		.rate_hz = rate_hz,
	};
	return overhead_rate(&w, most_ppm);
}

static void what_is_within_the_budget_stays(void **state)
{
	(void)state;
	assert_int_equal(rate(20000, 2000, 1000, ONE_PERCENT), 1000); /* 1 % of one busy CPU */
	assert_int_equal(rate(21900, 2000, 1000, ONE_PERCENT), 1000); /* a little more, for once */
	assert_int_equal(rate(1000000, 2000, 1000, 100 * ONE_PERCENT), 1000);
}

static void what_costs_more_is_sampled_more_seldom(void **state)
{
	(void)state;
	assert_int_equal(rate(40000, 2000, 1000, ONE_PERCENT),
			 475); /* twice: to 0.95 of the budget */
	assert_int_equal(rate(23000, 2000, 1000, ONE_PERCENT),
			 800); /* in steps that are worth it */
	assert_int_equal(rate(2000000, 2000, 1000, ONE_PERCENT), 250); /* one window is not all */
	assert_int_equal(rate(2000000, 40, 20, ONE_PERCENT), 10);
	assert_int_equal(rate(2000000, 20, 10, ONE_PERCENT), 10); /* that is the least */
}

static void several_busy_cpus_allow_for_more(void **state)
{
	(void)state;
	assert_int_equal(rate(80000, 8000, 1000, ONE_PERCENT), 1000);
	assert_int_equal(rate(160000, 8000, 1000, ONE_PERCENT), 475);
}

static void an_idle_target_is_no_reason(void **state)
{
	(void)state;
	assert_int_equal(rate(10000, 20, 1000, ONE_PERCENT), 1000);
}

static void looks_when_a_window_is_over(void **state)
{
	(void)state;
	struct overhead o = { 0 };
	struct sampler_stats stats = { .rate_hz = 1000 };
	uint64_t now_ns = 5 * NSEC_PER_SEC;
	overhead_begin(&o, now_ns);
	stats.kernel_cost_ns = NSEC_PER_SEC; /* of the beginning, which does not count */
	assert_int_equal(overhead_look(&o, now_ns += NSEC_PER_SEC, &stats, 0, ONE_PERCENT), 0);
	stats.kernel_cost_ns += NSEC_PER_SEC;
	assert_int_equal(overhead_look(&o, now_ns + NSEC_PER_SEC / 2, &stats, 0, ONE_PERCENT), 0);
	assert_int_equal(overhead_look(&o, now_ns += NSEC_PER_SEC, &stats, 0, ONE_PERCENT),
			 0); /* for once */
	assert_int_equal(overhead_look(&o, now_ns += NSEC_PER_SEC, &stats, 0, ONE_PERCENT),
			 0); /* no more */
	uint64_t taking_ns = 0;
	for (int window = 1; window <= 3; window++) { /* the third in a row is a reason */
		taking_ns += NSEC_PER_SEC;
		uint32_t wanted = window < 3 ? 0 : 250;
		now_ns += NSEC_PER_SEC;
		assert_int_equal(overhead_look(&o, now_ns, &stats, taking_ns, ONE_PERCENT), wanted);
	}
	stats.kernel_cost_ns += NSEC_PER_SEC;
	assert_int_equal(overhead_look(&o, now_ns + NSEC_PER_SEC, &stats, taking_ns, 0), 0);
}

static void late_samples_from_before_are_thinned(void **state)
{
	(void)state;
	struct overhead o = { 0 };
	unsigned kept = 0;
	assert_true(overhead_keeps(&o, 0));
	overhead_lowered(&o, 1000, 800, 200);
	o.random.state = 1;
	for (unsigned i = 0; i < 10000; i++) {
		kept += overhead_keeps(&o, 999);
		assert_true(overhead_keeps(&o, 1000));
	}
	assert_in_range(kept, 2300, 2700); /* a quarter; the seed is fixed */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_within_the_budget_stays),
		cmocka_unit_test(what_costs_more_is_sampled_more_seldom),
		cmocka_unit_test(several_busy_cpus_allow_for_more),
		cmocka_unit_test(an_idle_target_is_no_reason),
		cmocka_unit_test(looks_when_a_window_is_over),
		cmocka_unit_test(late_samples_from_before_are_thinned),
	};
	return cmocka_run_group_tests_name("session/overhead", tests, NULL, NULL);
}
