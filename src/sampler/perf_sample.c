// SPDX-License-Identifier: MIT
#include "sampler/perf_sample.h"

#include <string.h>

#include <linux/perf_event.h>

/* Source: perf_event_open(2), PERF_RECORD_SAMPLE. */

enum {
	CALLCHAIN_MAX = 8192,
	GROUP_MAX = 4096, /* events whose counters a sample carries */
};

/* Bits of enum perf_event_x86_regs to DWARF's order (psABI, figure 3.36); NO_REGISTER: of no use. */
enum { NO_REGISTER = 0xff, PERF_REGISTER_BITS = 24 };
static const uint8_t dwarf_register[PERF_REGISTER_BITS] = {
	0,           3,           2,           1,           4,
	5,           6,           7,           16, /* ax bx cx dx si di bp sp ip */
	NO_REGISTER, NO_REGISTER, NO_REGISTER, NO_REGISTER, NO_REGISTER,
	NO_REGISTER, NO_REGISTER, 8,           9,           10,
	11,          12,          13,          14,          15,
};

void perf_sample_head(struct cursor *c, const struct perf_layout *layout, uint64_t *pc,
		      struct perf_meta *out)
{
	out->id = perf_take_if(c, perf_has(layout, PERF_SAMPLE_IDENTIFIER));
	*pc = perf_take_if(c, perf_has(layout, PERF_SAMPLE_IP));
	if (perf_has(layout, PERF_SAMPLE_TID)) {
		out->pid = cursor_s32(c);
		out->tid = cursor_s32(c);
	}
	out->time_ns = perf_take_if(c, perf_has(layout, PERF_SAMPLE_TIME));
	perf_take_if(c, perf_has(layout, PERF_SAMPLE_ADDR));
	if (perf_has(layout, PERF_SAMPLE_ID))
		out->id = cursor_u64(c);
	out->stream_id = perf_take_if(c, perf_has(layout, PERF_SAMPLE_STREAM_ID));
	perf_take_if(c, perf_has(layout, PERF_SAMPLE_CPU));
	out->period = perf_take_if(c, perf_has(layout, PERF_SAMPLE_PERIOD));
}

/* PERF_FORMAT_LOST, which headers before Linux 6.0 (Ubuntu 22.04's) do not have. */
enum { FORMAT_LOST = 1 << 4 };

/* PERF_SAMPLE_READ: counters, which nobody asks us for. Source: perf_event_open(2), read_format. */
static void skip_read(struct cursor *c, const struct perf_layout *layout)
{
	uint64_t format = layout->read_format;
	const uint64_t times = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
	uint64_t of_each =
		1 + (uint64_t)__builtin_popcountll(format & (PERF_FORMAT_ID | FORMAT_LOST));
	uint64_t values = (uint64_t)__builtin_popcountll(format & times);
	uint64_t count = format & PERF_FORMAT_GROUP ? cursor_u64(c) : 1;
	if (count > GROUP_MAX)
		cursor_fail(c);
	else
		cursor_take(c, (values + count * of_each) * sizeof(uint64_t));
}

/* The parts of a chain of which the marker in front says that they are the kernel's, the user's. */
static void split_chain(const uint8_t *at, uint64_t count, struct record_sample *out)
{
	uint64_t context = 0;
	for (uint64_t i = 0; i < count; i++) {
		const uint64_t *entry = (const uint64_t *)(const void *)(at + i * sizeof(uint64_t));
		uint64_t pc;
		memcpy(&pc, entry, sizeof(pc));
		if (pc >= (uint64_t)PERF_CONTEXT_MAX) {
			context = pc;
			if ((context == (uint64_t)PERF_CONTEXT_KERNEL && out->kernel_pc_count) ||
			    (context == (uint64_t)PERF_CONTEXT_USER && out->user_pc_count))
				context = 0; /* a second one is damage */
		} else if (context == (uint64_t)PERF_CONTEXT_KERNEL) {
			if (!out->kernel_pc_count++)
				out->kernel_pcs = entry;
		} else if (context == (uint64_t)PERF_CONTEXT_USER) {
			if (!out->user_pc_count++)
				out->user_pcs = entry;
		}
	}
}

static bool decode_callchain(struct cursor *c, struct record_sample *out)
{
	uint64_t count = cursor_u64(c);
	if (count > CALLCHAIN_MAX)
		return false;
	const uint8_t *at = cursor_take(c, count * sizeof(uint64_t));
	if (at)
		split_chain(at, count, out);
	return at;
}

static void take_branches(struct cursor *c, const struct perf_layout *layout,
			  struct perf_branches *out)
{
	const uint64_t counters = UINT64_C(1) << 19; /* PERF_SAMPLE_BRANCH_COUNTERS, Linux 6.8 */
	uint64_t count = cursor_u64(c);
	perf_take_if(c, layout->branch_sample_type & PERF_SAMPLE_BRANCH_HW_INDEX);
	if (count > PERF_BRANCHES_MOST) {
		cursor_fail(c);
		return;
	}
	const uint8_t *at = cursor_take(c, count * PERF_BRANCH_BYTES);
	if (layout->branch_sample_type & counters)
		cursor_take(c, count * sizeof(uint64_t));
	if (out)
		*out = (struct perf_branches){ at, (uint32_t)count };
}

/* The kernel writes those that the mask names, in bit order. */
static void decode_registers(struct cursor *c, const struct perf_layout *layout,
			     struct record_sample *out)
{
	uint64_t abi = cursor_u64(c);
	if (abi == PERF_SAMPLE_REGS_ABI_NONE)
		return;
	out->has_registers = true;
	out->abi_32bit = abi == PERF_SAMPLE_REGS_ABI_32;
	for (unsigned bit = 0; bit < 64; bit++) {
		if (!(layout->user_registers >> bit & 1))
			continue;
		uint64_t value = cursor_u64(c);
		if (bit < PERF_REGISTER_BITS && dwarf_register[bit] != NO_REGISTER)
			out->registers[dwarf_register[bit]] = value;
	}
}

static bool decode_stack(struct cursor *c, struct record_sample *out)
{
	uint64_t size_bytes = cursor_u64(c);
	if (c->bad || !size_bytes)
		return !c->bad;
	const uint8_t *stack = cursor_take(c, size_bytes);
	uint64_t copied_bytes = cursor_u64(c);
	if (c->bad || copied_bytes > size_bytes)
		return false;
	out->stack = stack;
	out->stack_size_bytes = (uint32_t)copied_bytes;
	out->stack_copy_full = copied_bytes == size_bytes;
	return true;
}

/* Without a chain the place of the tick is all of it. `pc_at` is where that stands in the record. */
static void complete_chain(struct record_sample *out, const uint8_t *pc_at)
{
	const uint64_t *pc = (const uint64_t *)(const void *)pc_at;
	if (out->in_kernel && !out->kernel_pc_count) {
		out->kernel_pcs = pc;
		out->kernel_pc_count = 1;
	} else if (!out->in_kernel && !out->user_pc_count) {
		out->user_pcs = pc;
		out->user_pc_count = 1;
	}
}

bool perf_sample_decode(struct cursor c, const struct perf_layout *layout,
			const struct perf_meta *meta, struct perf_branches *out_branches,
			struct record *out)
{
	struct record_sample *sample = &out->sample;
	struct perf_meta again;
	const uint8_t *pc_at =
		c.at + (perf_has(layout, PERF_SAMPLE_IDENTIFIER) ? sizeof(uint64_t) : 0);
	perf_sample_head(&c, layout, &sample->pc, &again);
	sample->in_kernel = meta->in_kernel;
	sample->fixed_period = meta->id != meta->stream_id;
	sample->user_half = layout->user_half;
	if (perf_has(layout, PERF_SAMPLE_READ))
		skip_read(&c, layout);
	if (perf_has(layout, PERF_SAMPLE_CALLCHAIN) && !decode_callchain(&c, sample))
		return false;
	if (perf_has(layout, PERF_SAMPLE_RAW))
		cursor_take(&c, cursor_u32(&c));
	if (perf_has(layout, PERF_SAMPLE_BRANCH_STACK))
		take_branches(&c, layout, out_branches);
	if (perf_has(layout, PERF_SAMPLE_REGS_USER))
		decode_registers(&c, layout, sample);
	if (perf_has(layout, PERF_SAMPLE_STACK_USER) && !decode_stack(&c, sample))
		return false;
	if (perf_has(layout, PERF_SAMPLE_IP))
		complete_chain(sample, pc_at);
	return !c.bad;
}
