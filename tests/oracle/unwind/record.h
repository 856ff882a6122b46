/* SPDX-License-Identifier: MIT */
#ifndef ORACLE_RECORD_H
#define ORACLE_RECORD_H

#include <stdint.h>
#include <sys/types.h>

#include "record/record.h"
#include "space.h"

struct dump {
	pid_t pid;
	uint64_t registers[REGISTER_COUNT];
	const uint8_t *stack;
	uint32_t stack_size_bytes;
	bool stack_copy_full;
};

/**
 * Runs a program under cpu-clock and replays what was recorded in order of time: mappings go to
 * `spaces`, each sample to `visit`. At most `limit` samples are kept. Exits on failure, with 77
 * where perf_event_open is not permitted.
 */
void record_program(char **argv, unsigned rate_hz, uint32_t stack_bytes, unsigned limit,
		    struct spaces *spaces, void (*visit)(void *context, const struct dump *d),
		    void *context);

#endif
