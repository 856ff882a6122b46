/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_BPF_RING_H
#define SAMPLER_BPF_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/vec.h"
#include "record/wire.h"

/*
 * The ring that the BPF programs write into, read in place. One ring serves all CPUs, so records lie
 * nearly, not quite, in the order of their times: they are sorted here, and their bytes are given back
 * in the order of the ring. Source: Documentation/bpf/ringbuf.rst.
 */

struct bpf_slot { /* a record that lies in the ring, in its order */
	uint64_t position;
	bool done;
};

struct bpf_entry { /* sorted by time */
	uint64_t time_ns;
	uint64_t slot; /* number since the beginning */
};

struct bpf_ring {
	uint64_t *consumer;
	const uint64_t *producer;
	const uint8_t *data; /* mapped twice in a row, so that no record wraps */
	uint64_t size_bytes;
	uint64_t scanned; /* position up to which records are known */
	uint64_t first_slot;
	VEC(struct bpf_slot) slots; /* slots.at[0] is number first_slot */
	VEC(struct bpf_entry) order;
	size_t next; /* in `order` */
};

/** @param fd of the map; borrowed for the call */
int bpf_ring_open(struct bpf_ring *ring, int fd, uint64_t size_bytes, struct error *err);
void bpf_ring_close(struct bpf_ring *ring);

/** Takes over what has been written by now. @return 0 or -ENOMEM */
int bpf_ring_scan(struct bpf_ring *ring);

/**
 * The earliest record. Its sizes were checked against each other.
 * @return NULL if there is none; valid until bpf_ring_consume()
 */
const struct wire_head *bpf_ring_peek(const struct bpf_ring *ring);

void bpf_ring_consume(struct bpf_ring *ring);

#endif
