/* SPDX-License-Identifier: MIT */
#ifndef TESTS_PERF_BYTES_H
#define TESTS_PERF_BYTES_H

#include <stdint.h>
#include <string.h>

#include <linux/perf_event.h>

/* Builds records as the kernel writes them (perf_event_open(2)), field by field. */
struct perf_bytes {
	uint8_t at[70000];
	size_t size;
};

static inline void put(struct perf_bytes *b, const void *bytes, size_t size_bytes)
{
	memcpy(b->at + b->size, bytes, size_bytes);
	b->size += size_bytes;
}

static inline void put_u64(struct perf_bytes *b, uint64_t v)
{
	put(b, &v, sizeof(v));
}

static inline void put_u32(struct perf_bytes *b, uint32_t low, uint32_t high)
{
	put(b, &low, sizeof(low));
	put(b, &high, sizeof(high));
}

static inline void put_text(struct perf_bytes *b, const char *text)
{
	size_t room = (strlen(text) + 8) & ~(size_t)7;
	memset(b->at + b->size, 0, room);
	memcpy(b->at + b->size, text, strlen(text));
	b->size += room;
}

static inline void begin(struct perf_bytes *b, uint32_t type, uint16_t misc)
{
	struct perf_event_header h = { .type = type, .misc = misc };
	b->size = 0;
	put(b, &h, sizeof(h));
}

static inline void end_with_size(struct perf_bytes *b)
{
	uint16_t size = (uint16_t)b->size;
	memcpy(b->at + offsetof(struct perf_event_header, size), &size, sizeof(size));
}

/* TID, TIME, STREAM_ID, IDENTIFIER. */
static inline void end(struct perf_bytes *b, uint32_t pid, uint32_t tid, uint64_t time_ns,
		       uint64_t id, uint64_t stream_id)
{
	put_u32(b, pid, tid);
	put_u64(b, time_ns);
	put_u64(b, stream_id);
	put_u64(b, id);
	end_with_size(b);
}

/* A sample with a kernel chain of two and a stack copy; registers hold 1000 + their place. */
static inline void sample(struct perf_bytes *b, uint64_t id, uint64_t stream_id,
			  uint32_t stack_bytes, uint32_t copied_bytes)
{
	begin(b, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_KERNEL);
	put_u64(b, id);
	put_u64(b, 0xffffffff81001234);
	put_u32(b, 70, 71);
	put_u64(b, 123456789);
	put_u64(b, stream_id);
	put_u64(b, 5);
	put_u64(b, (uint64_t)PERF_CONTEXT_KERNEL);
	put_u64(b, 0xffffffff81001234);
	put_u64(b, 0xffffffff81005678);
	put_u64(b, (uint64_t)PERF_CONTEXT_USER);
	put_u64(b, 0x401000);
	put_u64(b, PERF_SAMPLE_REGS_ABI_64);
	for (uint64_t i = 0; i < 17; i++)
		put_u64(b, 1000 + i);
	put_u64(b, stack_bytes);
	if (stack_bytes) {
		for (uint32_t i = 0; i < stack_bytes; i++)
			b->at[b->size++] = (uint8_t)i;
		put_u64(b, copied_bytes);
	}
	end_with_size(b);
}

#endif
