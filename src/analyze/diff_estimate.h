/* SPDX-License-Identifier: MIT */
#ifndef ANALYZE_DIFF_ESTIMATE_H
#define ANALYZE_DIFF_ESTIMATE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What a side says about a figure, and what two sides say about its difference. docs/diff.md has the reasons.
 */

struct estimate {
	double value;
	double below, above; /* how far the limits lie, by the samples alone */
	/* Where there were several units (runs, or blocks of time): of the mean. */
	bool spread_known;
	double variance, df;
};

struct difference { /* in the unit of what was compared */
	double base, next, delta;
	double low, high; /* the interval of delta */
	double error;     /* half of the interval's width if nothing had changed */
};

/** How sure intervals are to be. */
struct certainty {
	double tail; /* probability on each side: 0.025 for 95 % */
	double z;    /* normal_quantile(tail) */
};

struct certainty certainty_for(size_t comparisons);

/**
 * Wilson's limits of a share.
 *
 * @param count, total samples, divided by how much more they vary than drawn by lot; total > 0
 */
struct estimate estimate_share(double count, double total, double z);

/**
 * Newcombe's hybrid score interval (method 10 of his paper of 1998 in Statistics in Medicine 17, 873-890)
 * for figures with limits of any kind; where a side's spread between units is known, also Welch's
 * t interval, and the wider of both counts. A side that does not know its spread has the other's,
 * in relation to its value.
 */
struct difference estimate_difference(const struct estimate *base, const struct estimate *next,
				      struct certainty certainty);

/** The mean of `count` figures with its variance; below and above are left 0. */
struct estimate estimate_mean(const double *values, size_t count);

#endif
