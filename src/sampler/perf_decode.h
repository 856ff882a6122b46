/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_PERF_DECODE_H
#define SAMPLER_PERF_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/record.h"
#include "sampler/perf_layout.h"

/* What the sampler itself needs of a record. */
struct perf_meta {
	uint32_t type; /* PERF_RECORD_* */
	bool in_kernel;
	bool is_exec;                 /* COMM */
	pid_t pid, tid;               /* of FORK: the child's; of EXIT: whose end it is */
	pid_t parent_pid, parent_tid; /* of FORK */
	uint64_t time_ns;
	uint64_t id;        /* of the event that we opened */
	uint64_t stream_id; /* differs from `id` in copies that children inherited */
	uint64_t period;    /* of a sample, where it is recorded */
	uint64_t value;     /* READ: the counter; LOST and LOST_SAMPLES: how many */
};

/* A branch as a sample holds it: where the instruction is, where it went, and flags. */
struct perf_branches {
	const uint8_t *at; /* innermost first; 24 bytes each; lies unaligned */
	uint32_t count;
};
enum { PERF_BRANCH_BYTES = 24, PERF_BRANCHES_MOST = 4096 };

enum { PERF_HEAD_BYTES = 80 }; /* a record's header, and a sample's fields up to the period */

/**
 * Reads what is at a record's begin and end, without the bulk in between.
 *
 * @param head its first min(size, PERF_HEAD_BYTES) bytes
 * @param tail its last min(size, PERF_HEAD_BYTES) bytes
 * @return false if it is too short for what its type holds
 */
bool perf_decode_meta(const struct perf_layout *layout, const uint8_t *head, const uint8_t *tail,
		      size_t size_bytes, struct perf_meta *out);

/**
 * Decodes a record that goes to the session.
 *
 * @param out_branches of a sample; may be NULL
 * @param out its pointers lead into `bytes`; RECORD_NONE if the type is of no interest
 * @return false if it is damaged
 */
bool perf_decode(const struct perf_layout *layout, const uint8_t *bytes, size_t size_bytes,
		 struct perf_branches *out_branches, struct record *out);

#endif
