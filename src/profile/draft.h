/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_DRAFT_H
#define PROFILE_DRAFT_H

#include "base/map.h"
#include "base/strings.h"
#include "base/vec.h"
#include "profile/builder.h"
#include "profile/sources.h"
#include "profile/time_log.h"

/*
 * The builder's tables, seen by builder.c (which grows them) and freeze.c (which reads them) only.
 * Texts are interned: within one builder, equal pointers are equal strings. Row 0 means "none".
 */

struct draft_module {
	const char *path, *build_id;
	uint64_t start_vaddr, limit_vaddr; /* both 0: not claimed */
	uint64_t vaddr_minus_off;          /* modulo 2^64 */
	bool deleted, is_main;
};

struct draft_function {
	const char *name, *system_name, *file;
	uint32_t start_line;
	bool unnamed;
};

struct draft_line {
	uint32_t function, line;
};

struct draft_frame {
	uint64_t vaddr;
	uint64_t function_start; /* valid if has_function_start */
	uint32_t module;
	uint32_t first_line, line_count;
	uint8_t kind;
	bool interned; /* its address alone is its identity */
	bool has_function_start;
};

struct draft_stack {
	uint32_t parent, frame;
};

struct draft_thread {
	uint32_t run, pid, tid;
	const char *comm;
};

struct draft_sample {
	uint32_t stack, thread;
	uint32_t row; /* its own, which a sorted copy keeps */
	const char *truncated;
	bool completed;
	bool moved; /* its samples went to other rows; none may be left */
	uint64_t count, cpu_ns;
};

struct draft_cpu {
	uint32_t run, pid, tid;
	uint64_t cpu_ns;
};

struct draft_reason {
	const char *id, *sentence;
};

struct builder {
	struct strings strings;
	struct profile_meta meta; /* lists are below */
	VEC(struct draft_module) modules;
	VEC(struct draft_function) functions;
	VEC(struct draft_line) lines;
	VEC(struct draft_frame) frames;
	VEC(struct draft_stack) stacks;
	uint32_t stacks_most;
	VEC(struct draft_thread) threads;
	VEC(struct draft_sample) samples; /* row 0 is not used */
	VEC(struct draft_cpu) cpus;
	VEC(struct draft_reason) reasons; /* of equal ids the last one counts */
	VEC(const char *) notes;
	VEC(uint32_t) pids, inner_pids; /* of equal length */
	size_t inner_pid_at;            /* those before it are known */
	VEC(uint64_t) runs;             /* CPU time of those that ended */
	uint32_t run;
	struct row_index function_index, frame_index, thread_index, sample_index;
	uint32_t *stack_index; /* hashed rows of `stacks`, open addressing; 0 is a free slot */
	size_t stack_index_capacity; /* a power of two */
	struct map64 cpu_index;      /* of this run */
	uint64_t sample_count;
	struct source_list sources;
	uint64_t start_ns;
	struct time_log times; /* by rows of `samples` */
	bool keep_fresh;
	VEC(struct profile_time) fresh; /* by rows of `samples`: not in the journal yet */
};

/** Makes a row of samples known to builder_add_row(). @return false without memory */
bool draft_index_sample(struct builder *b, uint32_t row);

#endif
