// SPDX-License-Identifier: MIT
#include "analyze/diff_estimate.h" /* before cmocka.h, which has a macro fail() */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "analyze/quantile.h"

static void near(double a, double b, double error)
{
	if (!(fabs(a - b) <= error))
		print_message("%.8f is not %.8f\n", a, b);
	assert_true(fabs(a - b) <= error);
}

/* Any table of the normal distribution and of Student's t, two-sided 5 %, 1 % and so on. */
static void quantiles_are_those_of_the_tables(void **state)
{
	(void)state;
	near(normal_quantile(0.025), 1.959964, 1e-6);
	near(normal_quantile(0.5), 0, 1e-9);
	near(normal_quantile(0.975), -1.959964, 1e-6);
	near(normal_quantile(0.0005), 3.290527, 1e-6);
	near(student_quantile(0.025, 1), 12.7062, 1e-4);
	near(student_quantile(0.025, 2), 4.302653, 1e-6);
	near(student_quantile(0.005, 3), 5.840909, 1e-6);
	near(student_quantile(0.025, 10), 2.228139, 1e-6);
	near(student_quantile(0.0005, 30), 3.645959, 1e-6);
	near(student_quantile(0.025, 120), 1.979930, 1e-6);
	near(student_quantile(0.025, 1e9), 1.959964, 1e-6);
	assert_true(student_quantile(0.025, 7.5) < student_quantile(0.025, 7));
	assert_true(student_quantile(0.025, 7.5) > student_quantile(0.025, 8));
}

/* Newcombe 1998, Statistics in Medicine 17, 873-890, table II, method 10; his difference is ours mirrored. */
static void differences_are_those_of_the_paper(void **state)
{
	(void)state;
	static const struct {
		double a, m, b, n, low, high;
	} rows[] = {
		{ 56, 70, 48, 80, 0.0524, 0.3339 }, { 9, 10, 3, 10, 0.1705, 0.8090 },
		{ 6, 7, 2, 7, 0.0582, 0.8062 },     { 5, 56, 0, 29, -0.0381, 0.1926 },
		{ 0, 10, 0, 20, -0.1611, 0.2775 },  { 0, 10, 0, 10, -0.2775, 0.2775 },
		{ 10, 10, 0, 20, 0.6791, 1.0000 },  { 10, 10, 0, 10, 0.6075, 1.0000 },
	};
	struct certainty c = certainty_for(1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct estimate a = estimate_share(rows[i].a, rows[i].m, c.z);
		struct estimate b = estimate_share(rows[i].b, rows[i].n, c.z);
		struct difference d = estimate_difference(&b, &a, c);
		near(d.low, rows[i].low, 0.00006);
		near(d.high, rows[i].high, 0.00006);
		struct difference mirror = estimate_difference(&a, &b, c);
		near(mirror.low, -d.high, 1e-12);
		near(mirror.high, -d.low, 1e-12);
	}
}

/* Two made-up samples; by hand: means 10 and 13, variances of the mean 0.5 and 2, df = 6.25 / (0.25/4 + 4/4). */
static void several_units_are_compared_as_welch_does(void **state)
{
	(void)state;
	const double before[] = { 8, 9, 10, 11, 12 }, after[] = { 9, 11, 13, 15, 17 };
	struct certainty c = certainty_for(1);
	struct estimate a = estimate_mean(before, 5), b = estimate_mean(after, 5);
	near(a.variance, 0.5, 1e-12);
	near(b.variance, 2, 1e-12);
	struct difference d = estimate_difference(&a, &b, c);
	double half = student_quantile(0.025, 6.25 / (0.25 / 4 + 4.0 / 4)) * sqrt(2.5);
	near(d.delta, 3, 1e-12);
	near(d.low, 3 - half, 1e-9);
	near(d.high, 3 + half, 1e-9);
}

/* What the samples alone leave open is never left out, however alike the runs are. */
static void equal_runs_do_not_outrank_the_samples(void **state)
{
	(void)state;
	const double same[] = { 2, 2, 2, 2 };
	struct estimate a = estimate_mean(same, 4), b = a;
	a.below = a.above = b.below = b.above = 0.5;
	struct difference d = estimate_difference(&a, &b, certainty_for(1));
	near(d.high, hypot(0.5, 0.5), 1e-12);
	near(d.low, -hypot(0.5, 0.5), 1e-12);
}

/* A single run has the relative spread of the other side's: 10 % of 20, with the degrees of freedom of that. */
static void a_single_run_borrows_the_spread(void **state)
{
	(void)state;
	const double runs[] = { 9, 10, 11 };
	struct estimate a = estimate_mean(runs, 3), b = { .value = 20 };
	struct difference d = estimate_difference(&a, &b, certainty_for(1));
	double half = student_quantile(0.025, 2) * sqrt(1.0 / 3 + 4);
	near(d.high - d.delta, half, 1e-9);
	struct difference mirror = estimate_difference(&b, &a, certainty_for(1));
	near(mirror.low, -d.high, 1e-9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles_are_those_of_the_tables),
		cmocka_unit_test(differences_are_those_of_the_paper),
		cmocka_unit_test(several_units_are_compared_as_welch_does),
		cmocka_unit_test(equal_runs_do_not_outrank_the_samples),
		cmocka_unit_test(a_single_run_borrows_the_spread),
	};
	return cmocka_run_group_tests_name("analyze/diff_estimate", tests, NULL, NULL);
}
