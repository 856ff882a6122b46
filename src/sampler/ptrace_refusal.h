/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_PTRACE_REFUSAL_H
#define SAMPLER_PTRACE_REFUSAL_H

#include "base/error.h"
#include "process/rights.h"

/**
 * Says why PTRACE_SEIZE refused and what grants the right.
 *
 * @param pid  whom it was for; 0: anybody
 * @param code negative errno of the refusal
 * @return `code`
 */
int ptrace_refusal_of(pid_t pid, int code, struct error *err);

/* The sentence from facts alone. */
struct ptrace_refusal {
	const struct rights *rights;
	const struct process_owner *owner; /* of `pid`; not looked at for 0 */
	pid_t pid, tracer_pid;             /* tracer: who traces it already; 0 nobody */
	int code;
};
int ptrace_refusal_explain(const struct ptrace_refusal *r, struct error *err);

#endif
