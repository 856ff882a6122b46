/* SPDX-License-Identifier: MIT */
#ifndef SESSION_COMPLETION_H
#define SESSION_COMPLETION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "record/record.h"

/*
 * Late completion: a stack that is larger than its copy is read on from the process, which has run on
 * in the meantime. If the outermost bytes of the copy are still what its memory holds, before and
 * after that, the callers behind them have most probably not returned. That is evidence and no
 * proof: two outer paths may leave the same bytes. So such samples are labelled.
 */
struct completion {
	pid_t pid;
	const uint8_t *overlap; /* the outermost bytes of the copy; NULL: nothing may be read */
	uint64_t start;         /* where they begin in the process */
	bool refused;           /* they have changed, or the process is gone */
	uint8_t *bytes;         /* read from `start` on; kept from sample to sample */
	size_t size_bytes, room_bytes;
};

/** Begins with a sample whose copy is borrowed. It reads nothing yet. */
void completion_begin(struct completion *c, pid_t pid, const struct record_sample *sample);

/** Reads the stack behind the copy. @return false if it cannot be had, or is no longer that stack */
bool completion_read(struct completion *c, uint64_t address, void *out, size_t size_bytes);

/** @return whether completion_read() has given anything for this sample */
bool completion_was_used(const struct completion *c);

/** Looks at the process once more. @return true if its stack is still the one that was copied */
bool completion_holds(const struct completion *c);

void completion_deinit(struct completion *c);

#endif
