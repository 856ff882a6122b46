// SPDX-License-Identifier: MIT
#include "sampler/bpf.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "sampler/perf_attr.h"
#include "sampler/perf_decode.h"
#include "sampler/perf_limits.h"
#include "sampler/refusal.h"

enum { SIDEBAND_RING_BYTES = 1 << 20 };

static int open_event(struct bpf *b, uint32_t i)
{
	struct perf_event_attr attr;
	perf_attr_sideband(&attr);
	perf_layout_of(&attr, &b->sideband_layout);
	b->sideband_fds[i] = perf_open(&attr, -1, b->cpus[i]);
	if (b->sideband_fds[i] < 0 ||
	    ioctl(b->sideband_fds[i], PERF_EVENT_IOC_SET_OUTPUT, b->sideband[i].fd) < 0)
		return -errno;
	return 0;
}

int bpf_sideband_open(struct bpf *b, struct error *err)
{
	uint64_t ring_bytes = SIDEBAND_RING_BYTES;
	b->sideband = calloc(b->cpu_count, sizeof(*b->sideband));
	b->sideband_fds = malloc(b->cpu_count * sizeof(*b->sideband_fds));
	b->scratch = malloc(PERF_RECORD_BYTES_MAX);
	if (!b->sideband || !b->sideband_fds || !b->scratch ||
	    merge_init(&b->merge, b->cpu_count) < 0)
		return fail(err, -ENOMEM, "out of memory");
	memset(b->sideband_fds, -1, b->cpu_count * sizeof(*b->sideband_fds));
	for (uint32_t i = 0; i < b->cpu_count; i++)
		b->sideband[i].cpu = b->cpus[i];
	int r = perf_rings_open(b->sideband, b->cpu_count, &ring_bytes, err);
	for (uint32_t i = 0; r == 0 && i < b->cpu_count; i++) {
		r = open_event(b, i);
		if (r < 0)
			return refusal_of(0, r, err);
	}
	return r;
}

void bpf_sideband_close(struct bpf *b)
{
	for (uint32_t i = 0; b->sideband_fds && i < b->cpu_count; i++)
		if (b->sideband_fds[i] >= 0)
			close(b->sideband_fds[i]);
	if (b->sideband)
		perf_rings_close(b->sideband, b->cpu_count);
	free(b->sideband);
	free(b->sideband_fds);
	free(b->scratch);
	merge_deinit(&b->merge);
}

/* All records but samples have their time in front of the last 16 bytes. */
static uint64_t time_at_tail(const struct perf_ring *ring)
{
	enum { TIME_FROM_END = 24 };
	uint32_t size_bytes = perf_ring_record_bytes(ring, ring->tail);
	uint64_t time_ns = 0;
	if (size_bytes >= TIME_FROM_END + sizeof(struct perf_event_header))
		perf_ring_copy(ring, ring->tail + size_bytes - TIME_FROM_END, &time_ns,
			       sizeof(time_ns));
	return time_ns;
}

void bpf_sideband_scan(struct bpf *b)
{
	for (uint32_t i = 0; i < b->cpu_count; i++) {
		struct perf_ring *ring = &b->sideband[i];
		bool was_empty = ring->tail == ring->head;
		perf_ring_refresh(ring);
		if (was_empty && ring->tail != ring->head)
			merge_push(&b->merge, i, time_at_tail(ring));
	}
}

uint64_t bpf_sideband_time(const struct bpf *b)
{
	const struct merge_entry *top = merge_top(&b->merge);
	return top ? top->time_ns : UINT64_MAX;
}

bool bpf_sideband_decode(struct bpf *b)
{
	const struct perf_ring *ring = &b->sideband[merge_top(&b->merge)->source];
	uint32_t size_bytes = perf_ring_record_bytes(ring, ring->tail);
	const uint8_t *bytes = perf_ring_record(ring, ring->tail, size_bytes, b->scratch);
	return size_bytes &&
	       perf_decode(&b->sideband_layout, bytes, size_bytes, NULL, &b->record) &&
	       b->record.kind != RECORD_NONE && b->record.kind != RECORD_SAMPLE &&
	       bpf_targets_concern(b, &b->record);
}

void bpf_sideband_consume(struct bpf *b)
{
	struct perf_ring *ring = &b->sideband[merge_top(&b->merge)->source];
	uint32_t size_bytes = perf_ring_record_bytes(ring, ring->tail);
	/* A record of size 0 would be a damaged ring: nothing behind it can be trusted. */
	perf_ring_release(ring, size_bytes ? ring->tail + size_bytes : ring->head);
	if (ring->tail != ring->head)
		merge_advance(&b->merge, time_at_tail(ring));
	else
		merge_pop(&b->merge);
}
