// SPDX-License-Identifier: MIT
#include "sampler/perf_layout.h"

#include <asm/perf_regs.h>

/* Source: perf_event_open(2), struct sample_id. */
static uint8_t trailer_bytes(const struct perf_event_attr *attr)
{
	const uint64_t parts = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ID |
			       PERF_SAMPLE_STREAM_ID | PERF_SAMPLE_CPU | PERF_SAMPLE_IDENTIFIER;
	if (!attr->sample_id_all)
		return 0;
	return (uint8_t)(__builtin_popcountll(attr->sample_type & parts) * sizeof(uint64_t));
}

static enum record_user_half user_half(const struct perf_event_attr *attr)
{
	const uint64_t copy = PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
	const uint64_t least = UINT64_C(1) << PERF_REG_X86_SP | UINT64_C(1) << PERF_REG_X86_IP;
	if ((attr->sample_type & copy) == copy && attr->sample_stack_user &&
	    (attr->sample_regs_user & least) == least)
		return USER_HALF_COPIED;
	if ((attr->sample_type & PERF_SAMPLE_CALLCHAIN) && !attr->exclude_callchain_user)
		return USER_HALF_CHAIN;
	if (perf_has_calls(attr->sample_type, attr->branch_sample_type))
		return USER_HALF_CHAIN;
	return USER_HALF_MISSING;
}

void perf_layout_of(const struct perf_event_attr *attr, struct perf_layout *out)
{
	*out = (struct perf_layout){
		.sample_type = attr->sample_type,
		.read_format = attr->read_format,
		.branch_sample_type = attr->branch_sample_type,
		.user_registers = attr->sample_regs_user,
		.trailer_bytes = trailer_bytes(attr),
		.user_half = user_half(attr),
		.has_build_ids = attr->build_id,
		.is_clock = attr->type == PERF_TYPE_SOFTWARE &&
			    (attr->config == PERF_COUNT_SW_CPU_CLOCK ||
			     attr->config == PERF_COUNT_SW_TASK_CLOCK),
	};
}
