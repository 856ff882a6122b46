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

#endif
