/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#ifndef BPF_WALK_H
#define BPF_WALK_H

/*
 * The walk up a user stack, in the kernel. It follows compiled rows as long as they lead on; whatever
 * else there is (code without CFI, rules for the interpreter, rows that are not here yet) is handed
 * over to unwind_walk() in user space, which goes on from the same registers. So there is one place
 * that knows the exceptions, and nothing is decided here.
 *
 * The includer brings the maps: map_block(), map_table(), map_rule(), map_mapping() give a pointer or
 * NULL, and read_user(dst, size, address) copies memory of the current task and is 0 if it could.
 */
#include "bpf/layout.h"
#include "record/wire.h"
#include "unwind/registers.h"

enum {
	WALK_WORDS = 32768, /* a power of two above all frames, so that one mask bounds an index */
	WALK_STACK_WORDS = WIRE_STACK_MAX_BYTES / 8,
	WINDOW_WORDS = LAYOUT_WINDOW_BYTES / 8,
	NO_WINDOW = 0, /* an address that no stack has */
};

/* One CPU's. Big, so it lives in a map. Loop variables too: the verifier forgets what it knows of
 * values in memory, and so does not follow each path of a search by itself. */
struct walk {
	struct unwind_registers at;
	uint64_t is_caller; /* at.pc is a return address: the code before it is meant */
	uint64_t window_start;
	uint64_t thread_pointer;       /* the base of fs */
	struct layout_mapping mapping; /* that of the last frame */
	struct layout_space space;
	struct layout_table table;
	uint32_t low, high;
	uint32_t whole;
	uint32_t from_start; /* user space shall begin again, with all registers */
	uint64_t window[WINDOW_WORDS];
	struct wire_sample sample;
	uint64_t words[WALK_WORDS + WALK_STACK_WORDS];
};

#define WALK_INLINE static inline __attribute__((always_inline))

/* A copy from user memory costs the same for 8 bytes and for 512, so it is made by windows. */
WALK_INLINE int walk_fill_window(struct walk *w, uint64_t address)
{
	uint64_t start = w->at.rsp & ~7ull;
	if (address - start > LAYOUT_WINDOW_BYTES / 2)
		start = address - LAYOUT_WINDOW_BYTES / 8;
	w->window_start = start;
	if (read_user(w->window, LAYOUT_WINDOW_BYTES, start) == 0)
		return 1;
	w->window_start = NO_WINDOW;
	return 0;
}

WALK_INLINE int walk_read(struct walk *w, uint64_t address, uint64_t *out)
{
	if (address & 7)
		return read_user(out, sizeof(*out), address) == 0;
	if (address - w->window_start >= LAYOUT_WINDOW_BYTES && !walk_fill_window(w, address))
		return read_user(out, sizeof(*out), address) == 0;
	*out = w->window[(address - w->window_start) / 8 % WINDOW_WORDS];
	return 1;
}

#define READ(dst, address) walk_read(context, (address), &(dst))
#define THREAD_POINTER(dst) ((dst) = ((struct walk *)context)->thread_pointer)
#include "unwind/step.h"

WALK_INLINE uint32_t *walk_word(uint32_t index)
{
	struct layout_chunk *chunk = map_chunk(index >> LAYOUT_CHUNK_SHIFT);
	return chunk ? &chunk->word[index % LAYOUT_CHUNK_WORDS] : NULL;
}

/* The last mapping that begins at or before pc, if it reaches so far. */
WALK_INLINE int walk_find_mapping(struct walk *w, uint64_t pc)
{
	volatile uint32_t *low = &w->low, *high = &w->high;
	if (pc - w->mapping.start < w->mapping.end - w->mapping.start)
		return 1;
	*low = 0;
	*high = w->space.mapping_count;
	for (int i = 0; i < 14; i++) { /* LAYOUT_PROCESS_MAPPINGS_MAX is 2^13 */
		if (*low >= *high)
			break;
		uint32_t middle = (*low + *high) / 2;
		struct layout_mapping *m = map_mapping(w->space.first_mapping + middle);
		if (!m)
			return 0;
		if (m->start <= pc)
			*low = middle + 1;
		else
			*high = middle;
	}
	if (!*low)
		return 0;
	struct layout_mapping *m = map_mapping(w->space.first_mapping + *low - 1);
	if (!m || pc - m->start >= m->end - m->start)
		return 0;
	w->mapping = *m;
	struct layout_table *table = map_table(m->table);
	if (!table)
		return 0;
	w->table = *table;
	return 1;
}

/* @return the rule for pc; NULL if there are no rows for it */
WALK_INLINE struct unwind_rule *walk_find_rule(struct walk *w, uint64_t pc)
{
	volatile uint32_t *low = &w->low, *high = &w->high;
	if (!walk_find_mapping(w, pc))
		return NULL;
	uint64_t at = pc - w->mapping.bias - w->table.base_vaddr;
	if (at >= w->table.span_bytes)
		return NULL;
	uint32_t page = w->table.pages_word + (uint32_t)(at >> UNWIND_PAGE_SHIFT);
	uint32_t *first = walk_word(page), *end = walk_word(page + 1);
	if (!first || !end)
		return NULL;
	uint32_t base = *first, wanted = at & (UNWIND_PAGE_BYTES - 1);
	struct layout_chunk *chunk = map_chunk(base >> LAYOUT_CHUNK_SHIFT);
	if (!chunk)
		return NULL;
	*low = 0;
	*high = *end - base;
	for (int i = 0; i < LAYOUT_CHUNK_SHIFT + 1; i++) {
		if (*low >= *high)
			break;
		uint32_t middle = (*low + *high) / 2;
		uint32_t word = chunk->word[(base + middle) % LAYOUT_CHUNK_WORDS];
		if ((word & 0xffff) <= wanted)
			*low = middle + 1;
		else
			*high = middle;
	}
	if (!*low)
		return NULL;
	return map_rule(chunk->word[(base + *low - 1) % LAYOUT_CHUNK_WORDS] >> 16);
}

/**
 * Goes one frame up.
 *
 * @return 1 to go on; 0 when the walk is over: w->whole, else w->at is where user space goes on
 */
WALK_INLINE int walk_frame(struct walk *w)
{
	uint32_t count = w->sample.user_count;
	uint64_t pc = w->at.pc - w->is_caller;
	struct unwind_rule *rule = walk_find_rule(w, pc);
	if (!rule || rule->cfa_kind == CFA_UNKNOWN || count >= WIRE_USER_FRAMES_MAX)
		return 0;
	if (rule->cfa_kind == CFA_SLOW) {
		w->from_start = 1;
		return 0;
	}
	struct unwind_registers next = w->at;
	int outcome = unwind_step(w, rule, &next);
	if (outcome != STEP_CALLER && outcome != STEP_INTERRUPTED && outcome != UNWIND_ROOT)
		return 0;
	/* The "return address" into a signal frame was pushed by no call (unwind/unwind.h). */
	w->words[(w->sample.kernel_count + count) % WALK_WORDS] =
		rule->cfa_kind == CFA_SIGNAL ? w->at.pc : pc;
	w->sample.user_count = count + 1;
	if (outcome == UNWIND_ROOT) {
		w->whole = 1;
		return 0;
	}
	w->at = next;
	w->is_caller = outcome == STEP_CALLER;
	return 1;
}

#endif
