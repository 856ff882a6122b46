// SPDX-License-Identifier: MIT
/* Before cmocka.h, which has a macro fail(). */
#include "cli/accuracy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const struct accuracy_truth TRUTH = {
	.function_ns = { 1000000000, 500000000, 300000000, 150000000, 50000000 },
	.process_ns = 2000000000,
};

/* 10,000 samples of a share of one half: a standard error is half a point, so 3 points are the limit. */
static void test_limits(void **state)
{
	(void)state;
	struct accuracy a;
	uint64_t counts[ACCURACY_FUNCTIONS] = { 5299, 2500, 1500, 750, 250 };
	accuracy_compare(&TRUTH, counts, 10000, &a);
	for (int i = 0; i < ACCURACY_FUNCTIONS; i++)
		assert_true(a.at[i].ok);
	assert_float_equal(a.at[0].truth_percent, 50, 1e-9);
	assert_float_equal(a.at[0].measured.percent, 52.99, 1e-9);
	counts[0] = 5301;
	accuracy_compare(&TRUTH, counts, 10000, &a);
	assert_false(a.at[0].ok);
	counts[0] = 4699;
	accuracy_compare(&TRUTH, counts, 10000, &a);
	assert_false(a.at[0].ok);
	counts[4] = 0; /* a function that nobody has seen: 2.5 % are too many for that */
	accuracy_compare(&TRUTH, counts, 10000, &a);
	assert_false(a.at[4].ok);
}

static void test_without_samples_nothing_is_right(void **state)
{
	(void)state;
	struct accuracy a;
	uint64_t counts[ACCURACY_FUNCTIONS] = { 0 };
	accuracy_compare(&TRUTH, counts, 0, &a);
	for (int i = 0; i < ACCURACY_FUNCTIONS; i++)
		assert_false(a.at[i].ok);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_without_samples_nothing_is_right),
	};
	return cmocka_run_group_tests_name("cli/accuracy", tests, NULL, NULL);
}
