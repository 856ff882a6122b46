/* SPDX-License-Identifier: MIT */
#ifndef ORACLE_REMOTE_H
#define ORACLE_REMOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "record.h"
#include "space.h"

struct remote_frame {
	uint64_t pc;  /* as libunwind says it: a return address */
	bool has_cfi; /* libunwind found some: not where .eh_frame_hdr lacks, or in .debug_frame */
	bool interrupted; /* its registers come from a signal frame: the pc is exact */
};

/**
 * Unwinds a dump by libunwind.
 * @param out_end what unw_step() returned last: 0 at the outermost frame, negative for an error
 * @return frames written
 */
unsigned remote_unwind(const struct dump *d, const struct space *space, struct remote_frame *frames,
		       unsigned limit, int *out_end);

/**
 * Only the addresses, and as fast as libunwind can: what it has learned of code is kept from one call to
 * the next, as long as they are of one process.
 */
unsigned remote_walk(const struct dump *d, const struct space *space, uint64_t *pcs,
		     unsigned limit);

#endif
