/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_PERF_RING_H
#define SAMPLER_PERF_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/vec.h"

struct perf_event_mmap_page;

/*
 * One CPU's ring. Positions count bytes since the ring was made and never wrap; tail <= scan <=
 * head. The kernel writes behind head, we read in two passes: a scan as soon as records arrive, and
 * the decoding in time order, which may lag.
 */
struct perf_ring {
	int fd; /* the owner event */
	int cpu;
	struct perf_event_mmap_page *page;
	uint8_t *data;
	uint64_t size_bytes; /* of data; a power of two */
	uint64_t tail, scan, head;
	VEC(uint64_t) voids; /* positions of samples that do not count, from void_at on */
	size_t void_at;
};

enum { PERF_RECORD_BYTES_MAX = 65536 };

/**
 * Opens and maps one ring on each CPU, all of equal size: `*ring_bytes` or, halved as often as
 * needed, less.
 *
 * @param rings array of `count` with `cpu` set
 * @param ring_bytes wanted size, a power of two; receives what it became
 * @return 0; negative errno if even the smallest is refused
 */
int perf_rings_open(struct perf_ring *rings, uint32_t count, uint64_t *ring_bytes,
		    struct error *err);
void perf_rings_close(struct perf_ring *rings, uint32_t count);

/** Takes over what the kernel has written by now. */
void perf_ring_refresh(struct perf_ring *ring);

/** Copies bytes out of the ring; the range must lie between tail and head. */
void perf_ring_copy(const struct perf_ring *ring, uint64_t position, void *out, size_t size_bytes);

/**
 * @return the size of the record at `position`, checked to end at or before head; 0 if there is
 *none (or if it is damaged: then nothing behind it can be read either)
 */
uint32_t perf_ring_record_bytes(const struct perf_ring *ring, uint64_t position);

/** @return the record in place, or in `scratch` (PERF_RECORD_BYTES_MAX) if it wraps around the end
 */
const uint8_t *perf_ring_record(const struct perf_ring *ring, uint64_t position,
				uint32_t size_bytes, uint8_t *scratch);

/**
 * Notes that the record at `position` shall not be shown; positions ascend. The ring itself cannot
 * carry the mark: its data pages are read-only (kernel/events/core.c, perf_mmap_fault).
 */
bool perf_ring_void(struct perf_ring *ring, uint64_t position);

/** @return whether the record at the tail is void */
bool perf_ring_is_void(struct perf_ring *ring);

/** Gives all bytes before `position` back to the kernel. */
void perf_ring_release(struct perf_ring *ring, uint64_t position);

#endif
