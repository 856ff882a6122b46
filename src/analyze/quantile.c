// SPDX-License-Identifier: MIT
#include "analyze/quantile.h"

#include <math.h>
#include <stdbool.h>

enum {
	BISECTIONS = 90,
	FRACTION_STEPS = 300,
	NORMAL_FROM_DF = 100000, /* from there on t is normal to five digits */
};

static double normal_tail(double z)
{
	return 0.5 * erfc(z / sqrt(2));
}

/* The continued fraction of the incomplete beta function, by Lentz's method (DLMF 8.17.22). */
static double beta_fraction(double a, double b, double x)
{
	const double tiny = 1e-300;
	double c = 1, d = 1 - (a + b) * x / (a + 1);
	d = 1 / (fabs(d) < tiny ? tiny : d);
	double f = d;
	for (int m = 1; m < FRACTION_STEPS; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		double before = f;
		for (int half = 0; half < 2; half++) {
			double step = half ? odd : even;
			d = 1 + step * d;
			d = 1 / (fabs(d) < tiny ? tiny : d);
			c = 1 + step / c;
			c = fabs(c) < tiny ? tiny : c;
			f *= c * d;
		}
		if (fabs(f - before) <= 1e-15 * fabs(f))
			break;
	}
	return f;
}

/* The regularized incomplete beta function (DLMF 8.17). */
static double incomplete_beta(double a, double b, double x)
{
	if (x <= 0 || x >= 1)
		return x > 0;
	double scale = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
	if (x < (a + 1) / (a + b + 2))
		return scale * beta_fraction(a, b, x) / a;
	return 1 - scale * beta_fraction(b, a, 1 - x) / b;
}

static double tail_of(double z, double df)
{
	if (df <= 0)
		return normal_tail(z);
	return 0.5 * incomplete_beta(df / 2, 0.5, df / (df + z * z));
}

/* Both distributions are symmetric; the tail falls with z. @param df 0: normal */
static double quantile(double tail, double df)
{
	if (tail > 0.5)
		return -quantile(1 - tail, df);
	double low = 0, high = 1;
	while (tail_of(high, df) > tail && high < 1e150)
		high *= 2;
	for (int i = 0; i < BISECTIONS; i++) {
		double middle = (low + high) / 2;
		*(tail_of(middle, df) > tail ? &low : &high) = middle;
	}
	return (low + high) / 2;
}

double normal_quantile(double tail)
{
	return quantile(tail, 0);
}

double student_quantile(double tail, double df)
{
	return quantile(tail, df < NORMAL_FROM_DF ? df : 0);
}
