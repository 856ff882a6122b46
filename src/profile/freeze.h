/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_FREEZE_H
#define PROFILE_FREEZE_H

#include "base/arena.h"
#include "profile/draft.h"

/*
 * State of one builder_freeze(): canonical rows, still with texts, until all texts are known and
 * strings can be numbered in their order. Row 0 of each table means "none".
 */

struct freeze_line {
	const struct draft_function *function;
	uint32_t line;
};

struct freeze_frame {
	uint64_t vaddr;
	uint32_t module, line_count;
	const struct freeze_line *lines;
	uint32_t draft_row;
	uint8_t kind;
	uint8_t known; /* 2: its names; 1: where its function begins */
	bool interned;
};

struct freeze_reason {
	const char *id, *sentence;
	uint64_t samples;
};

struct freeze {
	const struct builder *b;
	struct profile *p;
	struct arena arena;
	bool *stack_used, *frame_used, *module_used, *thread_used; /* by the builder's rows */
	/* Builder's row to canonical row. */
	uint32_t *module_of, *frame_of, *stack_of, *thread_of, *sample_of;
	struct draft_module *modules;
	struct freeze_frame *frames;
	const struct draft_function **functions;
	struct draft_thread *threads;
	stack_id *stack_parent; /* on the heap: the profile takes both over */
	frame_id *stack_frame;
	struct draft_sample *samples;  /* row 0 is used */
	struct freeze_reason *reasons; /* row 0 is used */
	size_t module_count, frame_count, function_count, line_count, thread_count, stack_count,
		sample_count, reason_count;
	uint64_t unsampled_cpu_ns;
	struct profile_time *times; /* on the heap: the profile takes it over */
	size_t time_count;
	uint64_t time_cell_ns;
};

static inline int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/** @return zeroed scratch memory that lives as long as the freeze */
static inline void *freeze_alloc(struct freeze *f, size_t count, size_t element_bytes)
{
	size_t size_bytes;
	if (__builtin_mul_overflow(count, element_bytes, &size_bytes))
		return NULL;
	return arena_alloc(&f->arena, size_bytes);
}

int compare_functions(const struct draft_function *a, const struct draft_function *b);

/** Merges and orders the used modules, names and orders the used frames. @return false without memory */
bool freeze_modules(struct freeze *f);
bool freeze_frames(struct freeze *f);
/** Orders the functions of the frames. @return false without memory */
bool freeze_functions(struct freeze *f);
/** Orders the times and makes them fit the budget. @return false without memory */
bool freeze_times(struct freeze *f);
/** Numbers the strings and makes f->p. @return false without memory (f->p is then partial) */
bool freeze_publish(struct freeze *f);

#endif
