// SPDX-License-Identifier: MIT
#include "sampler/ptrace_ring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* In front of each record. */
struct entry {
	uint32_t size_bytes; /* with this header; up to the end of the ring if it is a filler */
	bool is_filler;
	struct record record;
};

enum { ALIGN_BYTES = 16 };

int ptrace_ring_init(struct ptrace_ring *ring, uint64_t size_bytes)
{
	memset(ring, 0, sizeof(*ring));
	/* Pages that nothing was ever written to cost nothing. */
	void *bytes = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (bytes == MAP_FAILED)
		return -ENOMEM;
	ring->bytes = bytes;
	ring->size_bytes = size_bytes;
	return 0;
}

void ptrace_ring_deinit(struct ptrace_ring *ring)
{
	if (ring->bytes)
		munmap(ring->bytes, ring->size_bytes);
	ring->bytes = NULL;
}

static struct entry *entry_at(const struct ptrace_ring *ring, uint64_t position)
{
	return (struct entry *)(void *)(ring->bytes + position % ring->size_bytes);
}

/* An entry lies in one piece: what is left at the end of the ring is filled. @return false without room */
static bool make_room(struct ptrace_ring *ring, size_t bytes, uint64_t left_bytes)
{
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
	uint64_t to_end = ring->size_bytes - ring->write_at % ring->size_bytes;
	uint64_t filler = to_end < bytes ? to_end : 0;
	uint64_t used = ring->write_at - tail;
	if (used + filler + bytes + left_bytes > ring->size_bytes)
		return false;
	if (!filler)
		return true;
	struct entry *entry = entry_at(ring, ring->write_at);
	entry->size_bytes = (uint32_t)filler;
	entry->is_filler = true;
	ring->write_at += filler;
	return true;
}

static void point_to(struct record *record, const uint8_t *extra)
{
	switch (record->kind) {
	case RECORD_SAMPLE: record->sample.stack = extra; break;
	case RECORD_MMAP: record->mmap.path = (const char *)extra; break;
	case RECORD_COMM: record->comm.comm = (const char *)extra; break;
	default: break;
	}
}

bool ptrace_ring_write(struct ptrace_ring *ring, const struct record *record, const void *extra,
		       size_t extra_bytes, uint64_t left_bytes)
{
	size_t bytes = sizeof(struct entry) + extra_bytes;
	bytes = (bytes + ALIGN_BYTES - 1) & ~(size_t)(ALIGN_BYTES - 1);
	if (bytes > ring->size_bytes / 2 || !make_room(ring, bytes, left_bytes))
		return false;
	struct entry *entry = entry_at(ring, ring->write_at);
	entry->size_bytes = (uint32_t)bytes;
	entry->is_filler = false;
	entry->record = *record;
	uint8_t *behind = (uint8_t *)(entry + 1);
	if (extra_bytes) {
		memcpy(behind, extra, extra_bytes);
		point_to(&entry->record, behind);
	}
	ring->write_at += bytes;
	atomic_store_explicit(&ring->head, ring->write_at, memory_order_release);
	return true;
}

const struct record *ptrace_ring_peek(struct ptrace_ring *ring)
{
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	if (tail != head && entry_at(ring, tail)->is_filler) {
		tail += entry_at(ring, tail)->size_bytes;
		atomic_store_explicit(&ring->tail, tail, memory_order_release);
	}
	return tail == head ? NULL : &entry_at(ring, tail)->record;
}

void ptrace_ring_release(struct ptrace_ring *ring)
{
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	atomic_store_explicit(&ring->tail, tail + entry_at(ring, tail)->size_bytes,
			      memory_order_release);
}
