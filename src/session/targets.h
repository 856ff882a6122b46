/* SPDX-License-Identifier: MIT */
#ifndef SESSION_TARGETS_H
#define SESSION_TARGETS_H

#include "process/process.h"
#include "session/session.h"

/* The processes that `attach` was given. */

/** @return 0; -ESRCH if one is not there (`err` names it) */
int targets_check(const pid_t *pids, size_t count, struct error *err);

/**
 * Covers children that were there before us. Those that come later are announced by records; those
 * that came while we looked are found by looking again. One that cannot be covered is passed over.
 *
 * @return 0 or -ENOMEM
 */
int targets_add_descendants(const struct session_config *c, struct sampler *sampler,
			    struct process_table *processes);

#endif
