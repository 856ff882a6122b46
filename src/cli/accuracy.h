/* SPDX-License-Identifier: MIT */
#ifndef CLI_ACCURACY_H
#define CLI_ACCURACY_H

#include "analyze/interval.h"
#include "base/error.h"
#include "base/strbuf.h"
#include "cli/accuracy_work.h"

/* One share, as it was and as it was measured. */
struct accuracy_share {
	const char *name;
	double truth_percent;
	struct interval measured;
	bool ok; /* within 4 standard errors of the truth and one point */
};

struct accuracy {
	struct accuracy_share at[ACCURACY_FUNCTIONS];
	uint64_t samples, truncated, lost;
	uint32_t rate_hz;
	double cpu_s;
};

/** @param counts samples with each function on their stacks */
void accuracy_compare(const struct accuracy_truth *truth, const uint64_t *counts, uint64_t samples,
		      struct accuracy *out);

/**
 * Profiles ourselves with each backend, while we run functions of known shares, and appends truth beside
 * measurement.
 *
 * @return how many shares were off; negative errno with `err`
 */
int accuracy_check(struct strbuf *out, uint32_t rate_hz, struct error *err);

#endif
