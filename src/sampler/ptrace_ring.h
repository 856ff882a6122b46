/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_PTRACE_RING_H
#define SAMPLER_PTRACE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/record.h"

/*
 * Records on their way from the tracer's thread, the only writer, to the session's, the only reader.
 * A record lies in one piece with what it points to, and stays where it is until it is released.
 */
struct ptrace_ring {
	uint8_t *bytes;
	uint64_t size_bytes;
	uint64_t
		write_at; /* the writer's: where the next record goes, counted from the beginning */
	_Atomic uint64_t head; /* what the reader may see ends here */
	_Atomic uint64_t tail; /* what the reader still needs begins here */
};

/** @return 0 or -ENOMEM */
int ptrace_ring_init(struct ptrace_ring *ring, uint64_t size_bytes);
void ptrace_ring_deinit(struct ptrace_ring *ring);

/**
 * Writes a record, with a text or a stack copy that it points to. Nothing is written without room.
 *
 * @param extra      `extra_bytes` that lie behind the record; NULL if there are none
 * @param left_bytes that must stay free behind it
 * @return where `extra` lies in the ring is what the record's pointer is set to: the stack of a
 *	   sample, the path of a mapping, the name of a comm. false without room
 */
bool ptrace_ring_write(struct ptrace_ring *ring, const struct record *record, const void *extra,
		       size_t extra_bytes, uint64_t left_bytes);

/** @return the oldest record, NULL if there is none */
const struct record *ptrace_ring_peek(struct ptrace_ring *ring);

/** Gives back what ptrace_ring_peek() showed. */
void ptrace_ring_release(struct ptrace_ring *ring);

#endif
