/* SPDX-License-Identifier: MIT */
#ifndef RENDER_FACTS_H
#define RENDER_FACTS_H

#include "base/strbuf.h"
#include "profile/profile.h"

/*
 * What every report and picture says about the run, in the same words. The functions append one
 * line of plain text, names in it unescaped: the caller escapes it whole for where it goes.
 */

enum {
	FACTS_FEW_SAMPLES = 100, /* with fewer, a share of half is known to more than +-10 points */
	FACTS_KERNEL_PERCENT = 5, /* of the CPU time: more of it unseen is said before all else */
};

struct facts {
	const struct profile *profile;
	uint64_t samples, truncated, completed;
	double truncated_percent; /* of samples */
	double lost_percent;      /* of samples taken and lost */
	double cpu_s, duration_s;
	/* By how much the clock's CPU time exceeds what samples and losses stand for; 0: not known. */
	double clock_percent;
	const char *reason_id,
		*reason_sentence; /* most frequent of truncated stacks; "" for none */
};

struct facts facts_of(const struct profile *p);

/** The command, or words for a file that does not know it. */
void facts_title(const struct facts *f, struct strbuf *out);
/** What a filter left in, and of how many samples; appends nothing if all are shown. */
void facts_selection(const struct facts *f, struct strbuf *out);
/**
 * "12345 samples at 999 Hz in 12.4 s, 12.3 s of CPU time; 5 runs, CPU 2.40-2.53 s each (median 2.45)";
 * the runs only where there were several and no filter was given.
 */
void facts_run(const struct facts *f, struct strbuf *out);
/** Says that CPU seconds are corrected by the clock; appends nothing if samples say the same but for chance. */
void facts_clock(const struct facts *f, struct strbuf *out);
/** What was lost and truncated, and why. */
void facts_completeness(const struct facts *f, struct strbuf *out);
/** @return what part of the CPU time went to a kernel that could not be sampled; 0 where it was */
double facts_kernel_percent(const struct facts *f);
/** Says that the kernel could not be sampled, and how much time went to it; nothing if it was. */
void facts_kernel(const struct facts *f, struct strbuf *out);
/** Says why there are few samples or none; appends nothing when there are enough. */
void facts_few(const struct facts *f, struct strbuf *out);

/** Targets that have another pid inside their own pid namespace; appends nothing if there are none. */
void facts_inner_pids(const struct facts *f, struct strbuf *out);

/** "340 ms", "12.1 s" */
void facts_seconds(struct strbuf *out, double seconds);

double percent_of(uint64_t part, uint64_t whole);

#endif
