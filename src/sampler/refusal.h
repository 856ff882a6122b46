/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_REFUSAL_H
#define SAMPLER_REFUSAL_H

#include "base/error.h"
#include "process/rights.h"

/**
 * Says why perf_event_open(2) refused and what grants the right.
 *
 * @param pid  whom it was for; 0: ourselves
 * @param code negative errno of the refusal
 * @return `code` (-ENOSYS if the kernel has no such call)
 */
int refusal_of(pid_t pid, int code, struct error *err);

/* The sentence from facts alone. */
struct refusal {
	const struct rights *rights;
	const struct process_owner *owner; /* of `pid`; not looked at for 0 */
	pid_t pid;
	int code;
};
int refusal_explain(const struct refusal *r, struct error *err);

#endif
