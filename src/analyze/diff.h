/* SPDX-License-Identifier: MIT */
#ifndef ANALYZE_DIFF_H
#define ANALYZE_DIFF_H

#include "analyze/diff_estimate.h"
#include "analyze/diff_table.h"

/* What changed between two captures, and whether it is more than chance. docs/diff.md has the error model. */

enum diff_by {
	DIFF_BY_KIND, /* seconds for runs, rate for live processes, else the share */
	DIFF_BY_SHARE,
	DIFF_BY_SECONDS, /* CPU seconds a run */
	DIFF_BY_RATE,    /* CPU seconds a second of wall time */
};

enum diff_verdict { DIFF_NO_CHANGE, DIFF_SLOWER, DIFF_FASTER, DIFF_APPEARED, DIFF_VANISHED };

enum {
	DIFF_RUN_TO_RUN_PERCENT = 5, /* standard deviation that a single run is granted */
};

struct diff_options {
	enum diff_by by;
};

struct change {
	size_t row;            /* of diff.table; its names are NEW's */
	string_id base_name;   /* in diff.table.strings */
	enum diff_match match; /* how the two were found to be one */
	double samples[SIDES];
	struct difference share; /* 0 to 1 */
	double new_low;          /* the lower limit of its share in NEW */
	struct difference cost;  /* by what was compared: diff.by */
	/* The relative change of cost that would have been seen in 4 of 5 such pairs; 0: none. */
	double visible;
	bool is_judged; /* has samples enough */
	enum diff_verdict verdict;
};

struct diff {
	struct diff_table table;
	enum diff_by by;        /* never DIFF_BY_KIND */
	struct change *changes; /* real changes first, then by the size of their cost */
	size_t count, judged;   /* functions; those that the intervals are corrected for */
	size_t units[SIDES];
	double samples[SIDES];
	bool spread_known; /* several units on a side at least */
	/* CPU seconds by the clock, as diff.by has them; without a clock, or by share, samples. */
	struct difference total;
	bool total_is_samples;
	enum diff_verdict total_verdict;
};

/**
 * @param profiles of each side, at least one; borrowed for the call
 * @return 0; -EINVAL (they cannot be compared so, `err` says why); -ENOMEM
 */
int diff_build(const struct profile *const *const profiles[SIDES], const size_t counts[SIDES],
	       const struct diff_options *options, struct diff *out, struct error *err);
void diff_deinit(struct diff *d);

#endif
