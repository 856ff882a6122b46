// SPDX-License-Identifier: MIT
#include "analyze/diff_estimate.h"

#include <math.h>

#include "analyze/quantile.h"

static const double all_sides_tail = 0.025;

struct certainty certainty_for(size_t comparisons)
{
	double tail = all_sides_tail / (double)(comparisons ? comparisons : 1);
	return (struct certainty){ .tail = tail, .z = normal_quantile(tail) };
}

struct estimate estimate_share(double count, double total, double z)
{
	double p = count / total, scale = 1 + z * z / total;
	double centre = (p + z * z / (2 * total)) / scale;
	double half = z * sqrt(p * (1 - p) / total + z * z / (4 * total * total)) / scale;
	double low = count > 0 ? fmax(centre - half, 0) : 0;
	double high = count < total ? fmin(centre + half, 1) : 1;
	return (struct estimate){ .value = p, .below = p - low, .above = high - p };
}

struct estimate estimate_mean(const double *values, size_t count)
{
	struct estimate e = { 0 };
	double sum = 0, squares = 0;
	for (size_t i = 0; i < count; i++)
		sum += values[i];
	e.value = count ? sum / (double)count : 0;
	for (size_t i = 0; i < count; i++)
		squares += (values[i] - e.value) * (values[i] - e.value);
	if (count < 2)
		return e;
	e.spread_known = true;
	e.df = (double)(count - 1);
	e.variance = squares / e.df / (double)count;
	return e;
}

/* What the other side says of one unit: this side is a single one. */
static struct estimate lend_spread(const struct estimate *to, const struct estimate *from)
{
	struct estimate e = *to;
	double ratio = e.value > 0 && from->value > 0 ? e.value / from->value : 1;
	e.variance = from->variance * (from->df + 1) * ratio * ratio;
	e.df = from->df;
	return e;
}

/* Welch 1947; the degrees of freedom are Satterthwaite's. */
static double welch_half(const struct estimate *base, const struct estimate *next, double tail)
{
	struct estimate a = base->spread_known ? *base : lend_spread(base, next);
	struct estimate b = next->spread_known ? *next : lend_spread(next, base);
	double sum = a.variance + b.variance;
	if (sum <= 0)
		return 0;
	double df = sum * sum / (a.variance * a.variance / a.df + b.variance * b.variance / b.df);
	if (!base->spread_known || !next->spread_known)
		df = a.df; /* one estimate, used twice */
	return student_quantile(tail, df) * sqrt(sum);
}

struct difference estimate_difference(const struct estimate *base, const struct estimate *next,
				      struct certainty certainty)
{
	struct difference d = {
		.base = base->value,
		.next = next->value,
		.delta = next->value - base->value,
	};
	double below = hypot(next->below, base->above), above = hypot(next->above, base->below);
	if (base->spread_known || next->spread_known) {
		double half = welch_half(base, next, certainty.tail);
		below = fmax(below, half);
		above = fmax(above, half);
	}
	d.low = d.delta - below;
	d.high = d.delta + above;
	d.error = (below + above) / 2;
	return d;
}
