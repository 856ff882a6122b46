/* SPDX-License-Identifier: MIT */
#ifndef SESSION_TARGETS_H
#define SESSION_TARGETS_H

#include "base/map.h"
#include "process/process.h"
#include "session/session.h"

/* Whom `attach` profiles: the processes that it was given, a control group, or everybody. */

struct targets {
	const struct session_config *config; /* borrowed, as the next two */
	struct sampler *sampler;
	struct process_table *processes;
	bool wide;            /* the sampler sees new processes by itself */
	pid_list pids;        /* at the beginning */
	struct map64 members; /* of the control group, at the last look */
	uint64_t next_look_ns;
	struct error refusal; /* why it is the last resort that samples; empty if it is not */
};

/** @return 0; -ESRCH if one is not there (`err` names it) */
int targets_check(const pid_t *pids, size_t count, struct error *err);

/**
 * Lists the targets and opens the sampler for the scope that serves them best.
 *
 * @param base what does not depend on targets
 * @return as sampler_ops.open
 */
int targets_open_sampler(struct targets *t, const struct session_config *config,
			 const struct sampler_config *base, struct sampler **out,
			 struct error *err);

/** Covers all that are there; nothing is sampled yet. @return 0 or negative errno */
int targets_cover(struct targets *t, struct process_table *processes, struct error *err);

/**
 * Reads their mappings, when later ones already come as records: so none is missed. Then covers their
 * children. @return 0 or negative errno
 */
int targets_read(struct targets *t, struct error *err);

/** Covers processes that came into a control group. @return false when the last one has ended */
bool targets_look_again(struct targets *t, uint64_t now_ns);

void targets_deinit(struct targets *t);

#endif
