// SPDX-License-Identifier: MIT
#include "sampler/perf_decode.h"

#include <string.h>

#include <linux/perf_event.h>

#include "base/cursor.h"
#include "sampler/perf_attr.h"

/* Source: perf_event_open(2) and include/uapi/linux/perf_event.h, enum perf_event_type. */

enum {
	TRAILER_BYTES = 32, /* TID, TIME, STREAM_ID, IDENTIFIER behind every record but samples */
	CALLCHAIN_MAX = 8192,
};

/* perf's x86 order (ax bx cx dx si di bp sp ip, r8-r15) to DWARF's (psABI, figure 3.36). */
static const uint8_t dwarf_register[PERF_REGISTER_COUNT] = { 0, 3, 2,  1,  4,  5,  6,  7, 16,
							     8, 9, 10, 11, 12, 13, 14, 15 };

static bool meta_of_sample(struct cursor c, uint16_t misc, struct perf_meta *out)
{
	out->id = cursor_u64(&c);
	cursor_u64(&c); /* IP */
	out->pid = cursor_s32(&c);
	out->tid = cursor_s32(&c);
	out->time_ns = cursor_u64(&c);
	out->stream_id = cursor_u64(&c);
	out->in_kernel = (misc & PERF_RECORD_MISC_CPUMODE_MASK) == PERF_RECORD_MISC_KERNEL;
	return !c.bad;
}

static bool meta_of_trailer(const uint8_t *tail, size_t tail_bytes, struct perf_meta *out)
{
	if (tail_bytes < TRAILER_BYTES + sizeof(struct perf_event_header))
		return false;
	struct cursor c = cursor_of(tail + tail_bytes - TRAILER_BYTES, TRAILER_BYTES);
	out->pid = cursor_s32(&c);
	out->tid = cursor_s32(&c);
	out->time_ns = cursor_u64(&c);
	out->stream_id = cursor_u64(&c);
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

bool perf_decode_meta(const uint8_t *head, const uint8_t *tail, size_t size_bytes,
		      struct perf_meta *out)
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
		return meta_of_sample(c, misc, out);
	if (!meta_of_trailer(tail, part_bytes, out))
		return false;
	c.end -= size_bytes == part_bytes ? TRAILER_BYTES : 0;
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

/* Keeps the kernel's part of the chain: what follows PERF_CONTEXT_KERNEL up to the next marker. */
static bool decode_callchain(struct cursor *c, struct record_sample *out)
{
	uint64_t count = cursor_u64(c);
	if (count > CALLCHAIN_MAX)
		return false;
	const uint8_t *at = cursor_take(c, count * sizeof(uint64_t));
	if (!at)
		return false;
	bool kernel = false;
	for (uint64_t i = 0; i < count; i++) {
		uint64_t pc;
		memcpy(&pc, at + i * sizeof(pc), sizeof(pc));
		if (pc >= (uint64_t)PERF_CONTEXT_MAX) {
			kernel = pc == (uint64_t)PERF_CONTEXT_KERNEL && !out->kernel_pc_count;
		} else if (kernel) {
			if (!out->kernel_pc_count)
				out->kernel_pcs =
					(const uint64_t *)(const void *)(at + i * sizeof(pc));
			out->kernel_pc_count++;
		}
	}
	return true;
}

static void decode_registers(struct cursor *c, struct record_sample *out)
{
	uint64_t abi = cursor_u64(c);
	if (abi == PERF_SAMPLE_REGS_ABI_NONE)
		return;
	out->has_registers = true;
	out->abi_32bit = abi == PERF_SAMPLE_REGS_ABI_32;
	for (size_t i = 0; i < PERF_REGISTER_COUNT; i++)
		out->registers[dwarf_register[i]] = cursor_u64(c);
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

static bool decode_sample(struct cursor c, const struct perf_meta *meta, bool with_callchain,
			  struct record *out)
{
	struct record_sample *sample = &out->sample;
	cursor_u64(&c); /* IDENTIFIER */
	sample->pc = cursor_u64(&c);
	cursor_take(&c, 3 * sizeof(uint64_t)); /* TID, TIME, STREAM_ID: in `meta` */
	sample->in_kernel = meta->in_kernel;
	sample->fixed_period = meta->id != meta->stream_id;
	if (with_callchain && !decode_callchain(&c, sample))
		return false;
	decode_registers(&c, sample);
	return decode_stack(&c, sample);
}

static bool decode_mmap(struct cursor c, uint16_t misc, struct record *out)
{
	struct record_mmap *m = &out->mmap;
	out->pid = cursor_s32(&c);
	out->tid = cursor_s32(&c);
	m->start = cursor_u64(&c);
	uint64_t size_bytes = cursor_u64(&c);
	m->file_off = cursor_u64(&c);
	struct cursor identity = cursor_sub(&c, 24);
	uint32_t protection = cursor_u32(&c);
	cursor_u32(&c); /* flags */
	m->path = cursor_string(&c);
	if (c.bad || size_bytes > UINT64_MAX - m->start)
		return false;
	m->end = m->start + size_bytes;
	m->executable = protection & 4; /* PROT_EXEC */
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

static bool decode_comm(struct cursor c, const struct perf_meta *meta, struct record *out)
{
	out->pid = cursor_s32(&c);
	out->tid = cursor_s32(&c);
	out->comm.comm = cursor_string(&c);
	out->comm.is_exec = meta->is_exec;
	return !c.bad;
}

static bool decode_body(struct cursor body, uint16_t misc, const struct perf_meta *meta,
			bool with_callchain, struct record *out)
{
	switch (out->kind) {
	case RECORD_SAMPLE: return decode_sample(body, meta, with_callchain, out);
	case RECORD_MMAP: return decode_mmap(body, misc, out);
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

bool perf_decode(const uint8_t *bytes, size_t size_bytes, bool with_callchain, struct record *out)
{
	memset(out, 0, sizeof(*out));
	size_t tail_bytes = size_bytes < PERF_HEAD_BYTES ? size_bytes : PERF_HEAD_BYTES;
	struct perf_meta meta;
	if (!perf_decode_meta(bytes, bytes + size_bytes - tail_bytes, size_bytes, &meta))
		return false;
	struct cursor c = cursor_of(bytes, size_bytes);
	cursor_u32(&c);
	uint16_t misc = cursor_u16(&c);
	cursor_u16(&c);
	if (meta.type != PERF_RECORD_SAMPLE)
		c.end -= TRAILER_BYTES;
	out->time_ns = meta.time_ns;
	out->pid = meta.pid;
	out->tid = meta.tid;
	out->kind = kind_of(meta.type);
	if (decode_body(c, misc, &meta, with_callchain, out))
		return true;
	memset(out, 0, sizeof(*out));
	return false;
}
