// SPDX-License-Identifier: MIT
#include "sampler/perf_decode.h"

#include <string.h>

#include <linux/perf_event.h>

#include "base/cursor.h"
#include "sampler/perf_sample.h"

/* Source: perf_event_open(2) and include/uapi/linux/perf_event.h, enum perf_event_type. */

static bool meta_of_sample(struct cursor c, const struct perf_layout *layout, uint16_t misc,
			   struct perf_meta *out)
{
	uint64_t pc;
	perf_sample_head(&c, layout, &pc, out);
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
	if (perf_has(layout, PERF_SAMPLE_TID)) {
		out->pid = cursor_s32(&c);
		out->tid = cursor_s32(&c);
	}
	out->time_ns = perf_take_if(&c, perf_has(layout, PERF_SAMPLE_TIME));
	out->id = perf_take_if(&c, perf_has(layout, PERF_SAMPLE_ID));
	out->stream_id = perf_take_if(&c, perf_has(layout, PERF_SAMPLE_STREAM_ID));
	perf_take_if(&c, perf_has(layout, PERF_SAMPLE_CPU));
	if (perf_has(layout, PERF_SAMPLE_IDENTIFIER))
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

/*
 * The kernel keeps the flag when it goes from an event of somebody else that asked for build-ids to
 * one that did not (kernel/events/core.c, perf_event_mmap_output, up to 6.18 at least): there the
 * flag is right only if another tool has put the build-id in (perf inject).
 */
static bool is_build_id(const struct perf_layout *layout, uint16_t misc, uint8_t size_bytes)
{
	enum { MD5_BYTES = 16, SHA1_BYTES = 20 };
	if (!(misc & PERF_RECORD_MISC_MMAP_BUILD_ID))
		return false;
	return layout->has_build_ids || size_bytes == MD5_BYTES || size_bytes == SHA1_BYTES;
}

static bool decode_identity(struct cursor identity, const struct perf_layout *layout, uint16_t misc,
			    struct record_mmap *m)
{
	struct cursor device = identity;
	uint8_t id_bytes = cursor_u8(&identity);
	if (!is_build_id(layout, misc, id_bytes)) {
		uint32_t major = cursor_u32(&device);
		m->device = ((uint64_t)major << 32) | cursor_u32(&device);
		m->inode = cursor_u64(&device);
		return !device.bad;
	}
	if (identity.bad || id_bytes > BUILD_ID_MAX)
		return false;
	cursor_take(&identity, 3);
	memcpy(m->build_id, identity.at, id_bytes);
	m->build_id_size = id_bytes;
	m->has_build_id = id_bytes > 0;
	return true;
}

/* PERF_RECORD_MMAP knows neither file nor protection, only whether it is data. */
static bool decode_mmap(struct cursor c, const struct perf_layout *layout, uint32_t type,
			uint16_t misc, struct record *out)
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
		if (!decode_identity(cursor_sub(&c, IDENTITY_BYTES), layout, misc, m))
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
	case RECORD_SAMPLE: return perf_sample_decode(body, layout, meta, out_branches, out);
	case RECORD_MMAP: return decode_mmap(body, layout, meta->type, misc, out);
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
