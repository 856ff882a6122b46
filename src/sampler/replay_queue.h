/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_REPLAY_QUEUE_H
#define SAMPLER_REPLAY_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"

/* Copies of records that wait for their turn, by time, and of one time in the order of the file. */
struct replay_queued {
	uint64_t time_ns, number;
	uint64_t offset; /* in the file, for messages */
	uint8_t *bytes;
	uint32_t size_bytes, event;
};

struct replay_queue {
	VEC(struct replay_queued) heap;
	uint64_t next_number;
	size_t held_bytes; /* of all records */
};

void replay_queue_deinit(struct replay_queue *q);

/** @param what its bytes are copied, its number is given. @return 0 or -ENOMEM */
int replay_queue_push(struct replay_queue *q, const struct replay_queued *what);

/** @return the earliest, or NULL */
static inline const struct replay_queued *replay_queue_first(const struct replay_queue *q)
{
	return q->heap.count ? &q->heap.at[0] : NULL;
}

/** Takes the earliest out; its bytes are the caller's to free. */
struct replay_queued replay_queue_pop(struct replay_queue *q);

#endif
