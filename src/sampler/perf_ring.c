// SPDX-License-Identifier: MIT
#include "sampler/perf_ring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sampler/perf_attr.h"

enum { RING_BYTES_MIN = 64 * 1024 };

static int map_ring(struct perf_ring *ring, uint64_t size_bytes)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	struct perf_event_attr attr;
	perf_attr_ring_owner((uint32_t)(size_bytes / 2), &attr);
	ring->fd = perf_open(&attr, 0, ring->cpu);
	if (ring->fd < 0)
		return -errno;
	void *at = mmap(NULL, page_bytes + size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd,
			0);
	if (at == MAP_FAILED)
		return -errno;
	ring->page = at;
	ring->data = (uint8_t *)at + page_bytes;
	ring->size_bytes = size_bytes;
	ring->tail = ring->scan = ring->head = 0;
	return 0;
}

void perf_rings_close(struct perf_ring *rings, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct perf_ring *ring = &rings[i];
		if (ring->page)
			munmap(ring->page, (size_t)sysconf(_SC_PAGESIZE) + ring->size_bytes);
		ring->page = NULL;
		vec_free(&ring->voids);
		cleanup_close(&ring->fd);
		ring->fd = -1;
	}
}

static int map_rings(struct perf_ring *rings, uint32_t count, uint64_t size_bytes)
{
	for (uint32_t i = 0; i < count; i++) {
		int r = map_ring(&rings[i], size_bytes);
		if (r < 0) {
			perf_rings_close(rings, count);
			return r;
		}
	}
	return 0;
}

int perf_rings_open(struct perf_ring *rings, uint32_t count, uint64_t *ring_bytes,
		    struct error *err)
{
	for (uint32_t i = 0; i < count; i++) {
		rings[i].fd = -1;
		rings[i].page = NULL;
	}
	for (uint64_t size_bytes = *ring_bytes;; size_bytes /= 2) {
		int r = map_rings(rings, count, size_bytes);
		if (!r) {
			*ring_bytes = size_bytes;
			return 0;
		}
		if (size_bytes / 2 < RING_BYTES_MIN || (r != -EPERM && r != -ENOMEM))
			return fail(err, r,
				    "cannot map %u rings of %u KiB: %s; raise 'ulimit -l' or "
				    "kernel.perf_event_mlock_kb",
				    count, (unsigned)(size_bytes / 1024), strerror(-r));
	}
}

void perf_ring_refresh(struct perf_ring *ring)
{
	uint64_t head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
	if (head - ring->tail <= ring->size_bytes)
		ring->head = head;
}

void perf_ring_copy(const struct perf_ring *ring, uint64_t position, void *out, size_t size_bytes)
{
	uint64_t at = position & (ring->size_bytes - 1);
	size_t first = size_bytes;
	if (first > ring->size_bytes - at)
		first = ring->size_bytes - at;
	memcpy(out, ring->data + at, first);
	memcpy((uint8_t *)out + first, ring->data, size_bytes - first);
}

uint32_t perf_ring_record_bytes(const struct perf_ring *ring, uint64_t position)
{
	struct perf_event_header header;
	if (ring->head - position < sizeof(header))
		return 0;
	perf_ring_copy(ring, position, &header, sizeof(header));
	if (header.size < sizeof(header) || header.size > ring->head - position)
		return 0;
	return header.size;
}

const uint8_t *perf_ring_record(const struct perf_ring *ring, uint64_t position,
				uint32_t size_bytes, uint8_t *scratch)
{
	uint64_t at = position & (ring->size_bytes - 1);
	if (size_bytes <= ring->size_bytes - at)
		return ring->data + at;
	perf_ring_copy(ring, position, scratch, size_bytes);
	return scratch;
}

bool perf_ring_void(struct perf_ring *ring, uint64_t position)
{
	return vec_push(&ring->voids, position);
}

bool perf_ring_is_void(struct perf_ring *ring)
{
	while (ring->void_at < ring->voids.count && ring->voids.at[ring->void_at] < ring->tail)
		ring->void_at++;
	if (ring->void_at == ring->voids.count) {
		ring->void_at = ring->voids.count = 0;
		return false;
	}
	return ring->voids.at[ring->void_at] == ring->tail;
}

void perf_ring_release(struct perf_ring *ring, uint64_t position)
{
	ring->tail = position;
	__atomic_store_n(&ring->page->data_tail, position, __ATOMIC_RELEASE);
}
