/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#ifndef BPF_LAYOUT_H
#define BPF_LAYOUT_H

/*
 * The content of the maps that user space and the BPF programs share. Integer types only.
 *
 * Rows and pages of all modules lie in one space of 32-bit words, cut into chunks (what one lookup
 * yields) and blocks (what is allocated at once, when there is need). A page's rows never cross a
 * chunk; the rest of a chunk is filled with rows that no address reaches. Each page begins with a row
 * of its own, so that a search never looks into the page before.
 */
#include "unwind/rows.h"

enum {
	LAYOUT_CHUNK_SHIFT = 10,
	LAYOUT_CHUNK_WORDS = 1 << LAYOUT_CHUNK_SHIFT,
	LAYOUT_BLOCK_SHIFT = 20, /* words: 4 MiB */
	LAYOUT_BLOCK_CHUNKS = 1 << (LAYOUT_BLOCK_SHIFT - LAYOUT_CHUNK_SHIFT),
	LAYOUT_BLOCKS_MAX = 64,
	LAYOUT_RULES_MAX = 65536, /* a row's 16 bits; of all modules together */
	LAYOUT_TABLES_MAX = 16384,
	LAYOUT_MAPPINGS_MAX = 131072, /* of all processes */
	LAYOUT_PROCESS_MAPPINGS_MAX = 8192,
	LAYOUT_PROCESSES_MAX = 32768,
	LAYOUT_WINDOW_BYTES = 512,
	LAYOUT_HANDOVER_BYTES = 32768,    /* of the stack, from where a walk stopped */
	LAYOUT_UNKNOWN_BYTES = 60 * 1024, /* when nothing is known of the process yet */
};

struct layout_chunk {
	uint32_t word[LAYOUT_CHUNK_WORDS];
};

struct layout_rule {
	struct unwind_rule rule;
	uint32_t unused; /* elements of an array lie at multiples of 8 bytes */
};
_Static_assert(sizeof(struct layout_rule) == 16, "user space maps the array");

struct layout_table { /* a module's rows; number 0 means none */
	uint64_t base_vaddr;
	uint32_t span_bytes;
	uint32_t pages_word; /* index of the word of its first page; there is one behind the last */
};

struct layout_mapping { /* of one process, sorted by start */
	uint64_t start, end;
	uint64_t bias; /* vaddr = pc - bias */
	uint32_t table;
	uint32_t unused;
};

struct layout_space { /* by process */
	uint32_t first_mapping, mapping_count;
	uint64_t as_of_ns; /* all that was mapped before is in it */
};

enum layout_target_state {
	TARGET_WAITS_FOR_EXEC = 1,
	TARGET_ACTIVE,
	TARGET_ENDED, /* its last thread is in exit(2), which takes CPU time as well */
};

struct layout_ending { /* a thread that has begun to exit */
	int32_t pid, tid;
	uint64_t cpu_ns; /* at that moment, as far as the scheduler has counted */
};

struct layout_cpu { /* what happened on one CPU */
	uint64_t samples, handed_over, lost;
	uint64_t run_ns; /* that our programs took */
};

/* Which processes are sampled: those in `targets`, those of a control group, or all. */
enum layout_filter { FILTER_TREE, FILTER_CGROUP, FILTER_ALL };

#endif
