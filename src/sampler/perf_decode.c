// SPDX-License-Identifier: MIT
#include "sampler/perf_decode.h"

#include <string.h>

#include <linux/perf_event.h>

#include "base/cursor.h"
#include "sampler/perf_attr.h"

/* Source: perf_event_open(2) and include/uapi/linux/perf_event.h, enum perf_event_type. */

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

static bool has(const struct perf_layout *layout, uint64_t part)
{
	return layout->sample_type & part;
}

static uint64_t take_if(struct cursor *c, bool there)
{
	return there ? cursor_u64(c) : 0;
}

/* A sample's fields up to the period. IDENTIFIER and ID are the same number. */
static void sample_head(struct cursor *c, const struct perf_layout *layout, uint64_t *pc,
			struct perf_meta *out)
{
	out->id = take_if(c, has(layout, PERF_SAMPLE_IDENTIFIER));
	*pc = take_if(c, has(layout, PERF_SAMPLE_IP));
	if (has(layout, PERF_SAMPLE_TID)) {
		out->pid = cursor_s32(c);
		out->tid = cursor_s32(c);
	}
	out->time_ns = take_if(c, has(layout, PERF_SAMPLE_TIME));
	take_if(c, has(layout, PERF_SAMPLE_ADDR));
	if (has(layout, PERF_SAMPLE_ID))
		out->id = cursor_u64(c);
	out->stream_id = take_if(c, has(layout, PERF_SAMPLE_STREAM_ID));
	take_if(c, has(layout, PERF_SAMPLE_CPU));
	out->period = take_if(c, has(layout, PERF_SAMPLE_PERIOD));
}

static bool meta_of_sample(struct cursor c, const struct perf_layout *layout, uint16_t misc,
			   struct perf_meta *out)
{
	uint64_t pc;
	sample_head(&c, layout, &pc, out);
	out->in_kernel = (misc & PERF_RECORD_MISC_CPUMODE_MASK) == PERF_RECORD_MISC_KERNEL;
	return !c.bad;
}

static bool meta_of_trailer(const struct perf_layout *layout, const uint8_t *tail,
			    size_t tail_bytes, struct perf_meta *out)
{
	size_t size_bytes = layout->trailer_bytes;
	if (tail_bytes < size_bytes + sizeof(struct perf_event_header))
		return false;
	if (!size_bytes)
		return true;
	struct cursor c = cursor_of(tail + tail_bytes - size_bytes, size_bytes);
	if (has(layout, PERF_SAMPLE_TID)) {
		out->pid = cursor_s32(&c);
		out->tid = cursor_s32(&c);
	}
	out->time_ns = take_if(&c, has(layout, PERF_SAMPLE_TIME));
	out->id = take_if(&c, has(layout, PERF_SAMPLE_ID));
	out->stream_id = take_if(&c, has(layout, PERF_SAMPLE_STREAM_ID));
	take_if(&c, has(layout, PERF_SAMPLE_CPU));
	if (has(layout, PERF_SAMPLE_IDENTIFIER))
		out->id = cursor_u64(&c);
	return true;
}

static void meta_of_task(struct cursor *c, struct perf_meta *out)
{
	out->pid = cursor_s32(c);
	out->parent_pid = cursor_s32(c);
	out->tid = cursor_s32(c);
	out->parent_tid = cursor_s32(c);
	out->time_ns = cursor_u64(c);
}

bool perf_decode_meta(const struct perf_layout *layout, const uint8_t *head, const uint8_t *tail,
		      size_t size_bytes, struct perf_meta *out)
{
	size_t part_bytes = size_bytes < PERF_HEAD_BYTES ? size_bytes : PERF_HEAD_BYTES;
	struct cursor c = cursor_of(head, part_bytes);
	memset(out, 0, sizeof(*out));
	out->type = cursor_u32(&c);
	uint16_t misc = cursor_u16(&c);
	cursor_u16(&c);
	if (c.bad)
		return false;
	if (out->type == PERF_RECORD_SAMPLE)
		return meta_of_sample(c, layout, misc, out);
	if (!meta_of_trailer(layout, tail, part_bytes, out))
		return false;
	c.end -= size_bytes == part_bytes ? layout->trailer_bytes : 0;
	switch (out->type) {
	case PERF_RECORD_FORK:
	case PERF_RECORD_EXIT: meta_of_task(&c, out); break;
	case PERF_RECORD_COMM: out->is_exec = misc & PERF_RECORD_MISC_COMM_EXEC; break;
	case PERF_RECORD_READ:
		out->pid = cursor_s32(&c);
		out->tid = cursor_s32(&c);
		out->value = cursor_u64(&c);
		break;
	case PERF_RECORD_LOST:
		cursor_u64(&c); /* the id: that of the trailer */
		out->value = cursor_u64(&c);
		break;
	case PERF_RECORD_LOST_SAMPLES: out->value = cursor_u64(&c); break;
	}
	return !c.bad;
}

/* PERF_SAMPLE_READ: counters, which nobody asks us for. Source: perf_event_open(2), read_format. */
static void skip_read(struct cursor *c, const struct perf_layout *layout)
{
	uint64_t format = layout->read_format;
	const uint64_t times = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
	uint64_t of_each =
		1 + (uint64_t)__builtin_popcountll(format & (PERF_FORMAT_ID | PERF_FORMAT_LOST));
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
	take_if(c, layout->branch_sample_type & PERF_SAMPLE_BRANCH_HW_INDEX);
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

static bool decode_sample(struct cursor c, const struct perf_layout *layout,
			  const struct perf_meta *meta, struct perf_branches *out_branches,
			  struct record *out)
{
	struct record_sample *sample = &out->sample;
	struct perf_meta again;
	const uint8_t *pc_at = c.at + (has(layout, PERF_SAMPLE_IDENTIFIER) ? sizeof(uint64_t) : 0);
	sample_head(&c, layout, &sample->pc, &again);
	sample->in_kernel = meta->in_kernel;
	sample->fixed_period = meta->id != meta->stream_id;
	sample->user_half = layout->user_half;
	if (has(layout, PERF_SAMPLE_READ))
		skip_read(&c, layout);
	if (has(layout, PERF_SAMPLE_CALLCHAIN) && !decode_callchain(&c, sample))
		return false;
	if (has(layout, PERF_SAMPLE_RAW))
		cursor_take(&c, cursor_u32(&c));
	if (has(layout, PERF_SAMPLE_BRANCH_STACK))
		take_branches(&c, layout, out_branches);
	if (has(layout, PERF_SAMPLE_REGS_USER))
		decode_registers(&c, layout, sample);
	if (has(layout, PERF_SAMPLE_STACK_USER) && !decode_stack(&c, sample))
		return false;
	if (has(layout, PERF_SAMPLE_IP))
		complete_chain(sample, pc_at);
	return !c.bad;
}

static bool decode_identity(struct cursor identity, uint16_t misc, struct record_mmap *m)
{
	if (misc & PERF_RECORD_MISC_MMAP_BUILD_ID) {
		uint8_t id_bytes = cursor_u8(&identity);
		if (id_bytes > BUILD_ID_MAX)
			return false;
		cursor_take(&identity, 3);
		memcpy(m->build_id, identity.at, id_bytes);
		m->build_id_size = id_bytes;
		m->has_build_id = id_bytes > 0;
		return true;
	}
	uint32_t major = cursor_u32(&identity);
	m->device = ((uint64_t)major << 32) | cursor_u32(&identity);
	m->inode = cursor_u64(&identity);
	return true;
}

/* PERF_RECORD_MMAP knows neither file nor protection, only whether it is data. */
static bool decode_mmap(struct cursor c, uint32_t type, uint16_t misc, struct record *out)
{
	enum { IDENTITY_BYTES = 24 };
	struct record_mmap *m = &out->mmap;
	out->pid = cursor_s32(&c);
	out->tid = cursor_s32(&c);
	m->start = cursor_u64(&c);
	uint64_t size_bytes = cursor_u64(&c);
	m->file_off = cursor_u64(&c);
	m->executable = !(misc & PERF_RECORD_MISC_MMAP_DATA);
	if (type == PERF_RECORD_MMAP2) {
		if (!decode_identity(cursor_sub(&c, IDENTITY_BYTES), misc, m))
			return false;
		m->executable = cursor_u32(&c) & 4; /* PROT_EXEC */
		cursor_u32(&c);                     /* flags */
	}
	m->path = cursor_string(&c);
	if (c.bad || size_bytes > UINT64_MAX - m->start)
		return false;
	m->end = m->start + size_bytes;
	if ((misc & PERF_RECORD_MISC_CPUMODE_MASK) == PERF_RECORD_MISC_KERNEL)
		out->kind = RECORD_NONE; /* the kernel's own, as perf lists it in files */
	return true;
}

static bool decode_comm(struct cursor c, const struct perf_meta *meta, struct record *out)
{
	out->pid = cursor_s32(&c);
	out->tid = cursor_s32(&c);
	out->comm.comm = cursor_string(&c);
	out->comm.is_exec = meta->is_exec;
	return !c.bad;
}

static bool decode_body(struct cursor body, uint16_t misc, const struct perf_layout *layout,
			const struct perf_meta *meta, struct perf_branches *out_branches,
			struct record *out)
{
	switch (out->kind) {
	case RECORD_SAMPLE: return decode_sample(body, layout, meta, out_branches, out);
	case RECORD_MMAP: return decode_mmap(body, meta->type, misc, out);
	case RECORD_COMM: return decode_comm(body, meta, out);
	case RECORD_FORK:
		out->fork = (struct record_fork){ meta->parent_pid, meta->parent_tid };
		return true;
	case RECORD_CPU: out->cpu.cpu_ns = meta->value; return true;
	case RECORD_LOST: out->lost.count = meta->value; return true;
	default: return true;
	}
}

static enum record_kind kind_of(uint32_t type)
{
	switch (type) {
	case PERF_RECORD_SAMPLE: return RECORD_SAMPLE;
	case PERF_RECORD_MMAP:
	case PERF_RECORD_MMAP2: return RECORD_MMAP;
	case PERF_RECORD_COMM: return RECORD_COMM;
	case PERF_RECORD_FORK: return RECORD_FORK;
	case PERF_RECORD_EXIT: return RECORD_EXIT;
	case PERF_RECORD_LOST:
	case PERF_RECORD_LOST_SAMPLES: return RECORD_LOST;
	case PERF_RECORD_THROTTLE: return RECORD_THROTTLE;
	case PERF_RECORD_READ: return RECORD_CPU;
	default: return RECORD_NONE;
	}
}

bool perf_decode(const struct perf_layout *layout, const uint8_t *bytes, size_t size_bytes,
		 struct perf_branches *out_branches, struct record *out)
{
	memset(out, 0, sizeof(*out));
	size_t tail_bytes = size_bytes < PERF_HEAD_BYTES ? size_bytes : PERF_HEAD_BYTES;
	struct perf_meta meta;
	if (!perf_decode_meta(layout, bytes, bytes + size_bytes - tail_bytes, size_bytes, &meta))
		return false;
	struct cursor c = cursor_of(bytes, size_bytes);
	cursor_u32(&c);
	uint16_t misc = cursor_u16(&c);
	cursor_u16(&c);
	if (meta.type != PERF_RECORD_SAMPLE)
		c.end -= layout->trailer_bytes;
	out->time_ns = meta.time_ns;
	out->pid = meta.pid;
	out->tid = meta.tid;
	out->kind = kind_of(meta.type);
	if (decode_body(c, misc, layout, &meta, out_branches, out))
		return true;
	memset(out, 0, sizeof(*out));
	return false;
}
