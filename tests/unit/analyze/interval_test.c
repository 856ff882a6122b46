// SPDX-License-Identifier: MIT
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "analyze/interval.h"

static void near(double a, double b)
{
	assert_true(fabs(a - b) < 0.0051);
}

/* Newcombe 1998, Statistics in Medicine 17, table I, method 3. */
static void agrees_with_the_literature(void **state)
{
	(void)state;
	struct interval i = interval_wilson(81, 263);
	near(i.percent, 100.0 * 81 / 263);
	near(i.low, 25.53);
	near(i.high, 36.62);
	i = interval_wilson(15, 148);
	near(i.low, 6.24);
	near(i.high, 16.05);
	i = interval_wilson(0, 20);
	near(i.high, 16.11);
	i = interval_wilson(1, 29);
	near(i.low, 0.61);
	near(i.high, 17.18);
}

static void edges_are_finite_and_ordered(void **state)
{
	(void)state;
	const uint64_t pairs[][2] = { { 0, 0 },
				      { 0, 1 },
				      { 1, 1 },
				      { 0, UINT64_MAX },
				      { 5, 3 },
				      { UINT64_MAX, UINT64_MAX },
				      { 3, 1000000000000 } };
	for (size_t k = 0; k < sizeof(pairs) / sizeof(pairs[0]); k++) {
		struct interval i = interval_wilson(pairs[k][0], pairs[k][1]);
		assert_true(isfinite(i.low) && isfinite(i.high) && isfinite(i.percent));
		assert_true(0 <= i.low && i.low <= i.percent && i.percent <= i.high &&
			    i.high <= 100);
	}
	assert_true(interval_wilson(0, 0).high == 0);
	assert_true(interval_wilson(0, 10).low == 0);
	assert_true(interval_wilson(10, 10).high == 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_literature),
		cmocka_unit_test(edges_are_finite_and_ordered),
	};
	return cmocka_run_group_tests_name("analyze/interval", tests, NULL, NULL);
}
