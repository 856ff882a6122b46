/* SPDX-License-Identifier: MIT */
#ifndef SESSION_FACTS_H
#define SESSION_FACTS_H

#include "process/process.h"
#include "profile/builder.h"
#include "sampler/sampler.h"
#include "session/session.h"
#include "session/targets.h"

/* The facts of a run that its capture carries: command, host, sampler's figures, what it cost. */

/** Fills what is known before sampling. */
int facts_begin(struct builder *b, const struct session_config *config, const char *backend);

/** `attach`: names the targets, e.g. "attach 4711 (nginx)". @return 0 or -ENOMEM */
int facts_targets(struct builder *b, struct process_table *processes, const struct targets *t);

struct facts_so_far {
	uint64_t start_unix_ns, duration_ns;
	uint64_t system_ns; /* what the targets ran in kernel mode */
	uint64_t lost, throttled;
	uint32_t wanted_rate_hz;
	bool rate_was_lowered; /* by us, since sampling cost too much: that is said at the very end */
};

/** Fills the numbers, as they are at the moment. */
void facts_numbers(struct builder *b, const struct sampler_stats *stats,
		   const struct facts_so_far *so_far);

/** Fills what is known when sampling has stopped. @return 0 or -ENOMEM */
int facts_end(struct builder *b, const struct sampler_stats *stats,
	      const struct facts_so_far *so_far);

/** Says why the last resort took the samples. @return 0 or -ENOMEM */
int facts_refusal(struct builder *b, const char *refusal);

/**
 * Says that sampling would have cost more than it may.
 * @param max_overhead_ppm of CPU time
 * @return 0 or -ENOMEM
 */
int facts_lowered(struct builder *b, uint32_t max_overhead_ppm);

/**
 * Says why stacks end where files could not be opened.
 * @param files how many could not, for want of descriptors; 0 says nothing
 * @return 0 or -ENOMEM
 */
int facts_closed_files(struct builder *b, uint32_t files);

/** Names the daemons that CMD has started: they were left alone. @return 0 or -ENOMEM */
int facts_survivors(struct builder *b, const struct process_table *processes, pid_t cmd);

#endif
