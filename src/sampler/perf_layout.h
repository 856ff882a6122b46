/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_PERF_LAYOUT_H
#define SAMPLER_PERF_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/perf_event.h>

#include "record/record.h"

/*
 * How the records of one event are laid out: what its attr says of that. Ours are always the same;
 * those in a file are as somebody asked for them.
 */
struct perf_layout {
	uint64_t sample_type;            /* PERF_SAMPLE_* */
	uint64_t read_format;            /* PERF_FORMAT_* */
	uint64_t branch_sample_type;     /* PERF_SAMPLE_BRANCH_* */
	uint64_t user_registers;         /* bits of enum perf_event_x86_regs */
	uint8_t trailer_bytes;           /* behind every record but samples; 0: there is none */
	enum record_user_half user_half; /* what samples say of user mode */
	bool has_build_ids;              /* mappings may carry one instead of an inode */
	bool is_clock;                   /* the period is nanoseconds of CPU time */
};

/** Are the branches of a sample the calls that have not returned (perf record --call-graph lbr)? */
static inline bool perf_has_calls(uint64_t sample_type, uint64_t branch_sample_type)
{
	return (sample_type & PERF_SAMPLE_BRANCH_STACK) &&
	       (branch_sample_type & PERF_SAMPLE_BRANCH_CALL_STACK);
}

void perf_layout_of(const struct perf_event_attr *attr, struct perf_layout *out);

#endif
