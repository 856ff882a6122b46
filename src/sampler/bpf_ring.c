// SPDX-License-Identifier: MIT
#include "sampler/bpf_ring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* include/uapi/linux/bpf.h: the header in front of each record, 8 bytes, the length first. */
enum { HEADER_BYTES = 8 };
#define BUSY_BIT (1u << 31)
#define DISCARD_BIT (1u << 30)

int bpf_ring_open(struct bpf_ring *ring, int fd, uint64_t size_bytes, struct error *err)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	*ring = (struct bpf_ring){ .size_bytes = size_bytes };
	void *consumer = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (consumer == MAP_FAILED)
		return fail_errno(err, "cannot map the BPF ring");
	ring->consumer = consumer;
	void *producer = mmap(NULL, page_bytes + 2 * size_bytes, PROT_READ, MAP_SHARED, fd,
			      (off_t)page_bytes);
	if (producer == MAP_FAILED)
		return fail_errno(err, "cannot map the BPF ring");
	ring->producer = producer;
	ring->data = (const uint8_t *)producer + page_bytes;
	return 0;
}

void bpf_ring_close(struct bpf_ring *ring)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	if (ring->consumer)
		munmap(ring->consumer, page_bytes);
	if (ring->producer)
		munmap((void *)(uintptr_t)ring->producer, page_bytes + 2 * ring->size_bytes);
	vec_free(&ring->slots);
	vec_free(&ring->order);
	*ring = (struct bpf_ring){ 0 };
}

static const uint8_t *bytes_at(const struct bpf_ring *ring, uint64_t position)
{
	return ring->data + (position & (ring->size_bytes - 1));
}

/* Only the kernel can write into the ring: a record with wrong sizes is a mistake of ours. */
static bool is_sound(const struct wire_head *head, uint32_t size_bytes)
{
	if (size_bytes < sizeof(*head) || head->size_bytes != size_bytes)
		return false;
	if (head->kind != WIRE_SAMPLE)
		return size_bytes == sizeof(struct wire_task);
	const struct wire_sample *sample = (const struct wire_sample *)head;
	return size_bytes >= sizeof(*sample) && sample->kernel_count <= WIRE_KERNEL_FRAMES_MAX &&
	       sample->user_count <= WIRE_USER_FRAMES_MAX &&
	       sample->stack_bytes <= WIRE_STACK_MAX_BYTES &&
	       size_bytes == sizeof(*sample) + sample->stack_bytes +
				     (sample->kernel_count + sample->user_count) * sizeof(uint64_t);
}

/* Nearly in order already: a few steps from the end. */
static bool insert(struct bpf_ring *ring, uint64_t time_ns, uint64_t slot)
{
	if (!vec_push(&ring->order, (struct bpf_entry){ 0, 0 }))
		return false;
	size_t i = ring->order.count - 1;
	for (; i > ring->next && ring->order.at[i - 1].time_ns > time_ns; i--)
		ring->order.at[i] = ring->order.at[i - 1];
	ring->order.at[i] = (struct bpf_entry){ time_ns, slot };
	return true;
}

static bool note(struct bpf_ring *ring, uint64_t position, bool discarded)
{
	const struct wire_head *head = (const void *)(bytes_at(ring, position) + HEADER_BYTES);
	uint32_t size_bytes;
	memcpy(&size_bytes, bytes_at(ring, position), sizeof(size_bytes));
	bool done = discarded || !is_sound(head, size_bytes & ~(BUSY_BIT | DISCARD_BIT));
	uint64_t slot = ring->first_slot + ring->slots.count;
	if (!vec_push(&ring->slots, (struct bpf_slot){ position, done }))
		return false;
	if (done || insert(ring, head->time_ns, slot))
		return true;
	ring->slots.count--;
	return false;
}

static void forget_consumed(struct bpf_ring *ring)
{
	enum { KEPT = 1024 };
	if (ring->next == ring->order.count) {
		ring->next = ring->order.count = 0;
	} else if (ring->next > KEPT) {
		ring->order.count -= ring->next;
		memmove(ring->order.at, ring->order.at + ring->next,
			ring->order.count * sizeof(ring->order.at[0]));
		ring->next = 0;
	}
}

int bpf_ring_scan(struct bpf_ring *ring)
{
	uint64_t end = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
	forget_consumed(ring);
	while (ring->scanned < end) {
		const uint32_t *length_at = (const void *)bytes_at(ring, ring->scanned);
		uint32_t length = __atomic_load_n(length_at, __ATOMIC_ACQUIRE);
		if (length & BUSY_BIT)
			break;
		if (!note(ring, ring->scanned, length & DISCARD_BIT))
			return -ENOMEM;
		uint64_t bytes = (length & ~DISCARD_BIT) + HEADER_BYTES;
		ring->scanned += (bytes + 7) & ~UINT64_C(7);
	}
	return 0;
}

const struct wire_head *bpf_ring_peek(const struct bpf_ring *ring)
{
	if (ring->next == ring->order.count)
		return NULL;
	const struct bpf_slot *slot =
		&ring->slots.at[ring->order.at[ring->next].slot - ring->first_slot];
	return (const void *)(bytes_at(ring, slot->position) + HEADER_BYTES);
}

/* Gives back what lies before the first record that is still wanted. */
static void release(struct bpf_ring *ring)
{
	size_t done = 0;
	while (done < ring->slots.count && ring->slots.at[done].done)
		done++;
	if (!done)
		return;
	uint64_t position =
		done < ring->slots.count ? ring->slots.at[done].position : ring->scanned;
	__atomic_store_n(ring->consumer, position, __ATOMIC_RELEASE);
	ring->slots.count -= done;
	memmove(ring->slots.at, ring->slots.at + done,
		ring->slots.count * sizeof(ring->slots.at[0]));
	ring->first_slot += done;
}

void bpf_ring_consume(struct bpf_ring *ring)
{
	if (ring->next == ring->order.count)
		return;
	uint64_t slot = ring->order.at[ring->next++].slot;
	ring->slots.at[slot - ring->first_slot].done = true;
	release(ring);
}
