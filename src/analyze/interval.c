// SPDX-License-Identifier: MIT
#include "analyze/interval.h"

#include <math.h>

/* The normal distribution's quantile of 0.975. */
static const double z = 1.959963984540054;

static double clamp(double x, double low, double high)
{
	return x < low ? low : x > high ? high : x;
}

struct interval interval_wilson(uint64_t count, uint64_t total)
{
	if (!total)
		return (struct interval){ 0, 0, 0 };
	if (count > total)
		count = total;
	double n = (double)total, p = (double)count / n;
	double scale = 1 + z * z / n;
	double centre = (p + z * z / (2 * n)) / scale;
	double half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale;
	return (struct interval){
		.percent = 100 * p,
		.low = count ? clamp(100 * (centre - half), 0, 100 * p) : 0,
		.high = count < total ? clamp(100 * (centre + half), 100 * p, 100) : 100,
	};
}
