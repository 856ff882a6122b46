/* SPDX-License-Identifier: MIT */
#ifndef UNWIND_UNWIND_H
#define UNWIND_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "object/object.h"
#include "record/reasons.h"
#include "record/record.h"
#include "unwind/rows.h"

/*
 * The unwinder: registers and two callbacks in, addresses and a reason out. No I/O, no allocation.
 */

struct unwind_table; /* an object's compiled rows; immutable, shared between threads */

/**
 * Compiles an object's call frame information into rows (.eh_frame; .debug_frame where that lacks).
 *
 * @param obj    referenced by the table (the slow path reads raw FDEs of it)
 * @return 0; -ENODATA if the object has no CFI at all (frame pointers may still do; `err` is not
 *         set); -EBADMSG if it is corrupt (`err` names section and offset); -ENOMEM
 * Source: DWARF 5, 6.4; LSB 5.0 Core, 10.6 (.eh_frame)
 */
int unwind_table_create(struct object *obj, struct unwind_table **out, struct error *err);
/** Takes NULL. */
void unwind_table_destroy(struct unwind_table *t);
size_t unwind_table_memory_bytes(const struct unwind_table *t);

/**
 * Shows the compiled rows, for a walker elsewhere.
 * @param out valid as long as the table
 * @return false if rows alone are not enough: Go's linker wrote them, and unwind_walk() corrects what
 *         they say
 */
bool unwind_table_rows(const struct unwind_table *t, struct unwind_rows *out);

/**
 * Finds the function (FDE) that covers an address, for frames without a symbol.
 * @return false if none does
 */
bool unwind_table_function(const struct unwind_table *t, uint64_t vaddr, uint64_t *out_start_vaddr,
			   uint64_t *out_size_bytes);

/* What a program counter belongs to, as the walker sees it. */
enum unwind_lookup {
	LOOKUP_NO_MAPPING, /* outside every mapping */
	LOOKUP_TABLE,      /* `table` and `bias` are set */
	LOOKUP_NO_CFI,     /* known code without CFI: JIT, Go: follow frame pointers */
	LOOKUP_PENDING,    /* the rows are being compiled: stop, come back */
	LOOKUP_UNREADABLE, /* the object could not be opened; frame pointers are tried */
	LOOKUP_LATE,       /* the rows did not come in time; frame pointers are tried */
};

struct unwind_code {
	enum unwind_lookup lookup;
	const struct unwind_table *table;
	uint64_t bias;       /* vaddr = pc - bias */
	uint64_t start, end; /* pcs of the mapping: the answer holds for all of [start, end) */
};

/* What the walker wants from memory that the sample has no copy of. */
enum unwind_memory {
	MEMORY_CODE,        /* instruction bytes */
	MEMORY_BEHIND_COPY, /* the same stack, deeper than the copy: it may have changed since */
	/* A signal frame in the copy, as it is now: the same bytes mean that its handler still
	 * runs, so that the stack which it interrupted stands still. */
	MEMORY_SIGNAL_FRAME,
	MEMORY_OTHER_STACK, /* that stack */
	MEMORY_GOROUTINE, /* what Go's system stack was entered from; nothing says if it stands still */
};

struct unwind_env {
	void *context;
	/** Describes the code at pc. */
	void (*code_at)(void *context, uint64_t pc, struct unwind_code *out);
	/** Reads memory outside the stack copy; false if it cannot or should not. May be NULL. */
	bool (*read_memory)(void *context, enum unwind_memory kind, uint64_t address, void *out,
			    size_t size_bytes);
	const uint8_t *stack; /* copy of memory from `stack_start` on */
	uint64_t stack_start;
	size_t stack_size_bytes;
	bool stack_copy_full; /* decides between STACK_TOO_DEEP and READ_FAILED behind the copy */
};

struct unwind_result {
	uint32_t count; /* of pcs written */
	enum unwind_reason reason;
	bool pending; /* stopped at LOOKUP_PENDING; call again later with the same input */
	uint64_t pending_pc;
};

struct unwind_cache; /* pc -> rule of one reader thread; see unwind_cache_flush() */

/** @return NULL without memory */
struct unwind_cache *unwind_cache_create(void);
void unwind_cache_destroy(struct unwind_cache *c);
/** Must be called whenever a mapping appears or goes, or a table is destroyed; `space` names an
 * address space. */
void unwind_cache_flush(struct unwind_cache *c);

/**
 * Walks a stack from its registers to the outermost frame.
 *
 * @param registers in DWARF order (record/record.h)
 * @param pcs       out, innermost first. Element 0 is the pc itself; return addresses have 1 taken
 *                  off (so that they lie inside the call), except a trampoline's own (a signal
 *                  frame, makecontext's start: nothing called it) and the one above a signal frame.
 *                  This is the one place where that is done.
 * @param limit     size of `pcs`; a deeper stack ends with TOO_MANY_FRAMES
 * @param cache     may be NULL; `space` distinguishes address spaces in it
 */
void unwind_walk(const struct unwind_env *env, const uint64_t registers[REGISTER_COUNT],
		 struct unwind_cache *cache, uint32_t space, uint64_t *pcs, uint32_t limit,
		 struct unwind_result *out);

/**
 * Does the handler of a signal frame in the copy still run? Memory of the stack that it interrupted, read
 * later, is worth something only then.
 *
 * @param frame_rsp rsp in the frame
 */
bool unwind_signal_frame_stands(const struct unwind_env *env, uint64_t frame_rsp);

/**
 * Takes over a chain that somebody else walked, where there are no registers and no copy of a stack:
 * the pc, then return addresses as they are. It is whole if its last function is one that nothing calls.
 *
 * @param env   no stack
 * @param chain need not be aligned
 * @param pcs, limit, out as of unwind_walk()
 */
void unwind_chain(const struct unwind_env *env, const uint64_t *chain, uint32_t chain_count,
		  uint64_t *pcs, uint32_t limit, struct unwind_result *out);

/**
 * Goes on with a walk that a sampler began: pcs[0, count) are there.
 *
 * @param registers pc, rsp and rbp of the next frame; no others are known
 * @param is_caller whether its pc is a return address
 */
void unwind_walk_on(const struct unwind_env *env, const uint64_t registers[REGISTER_COUNT],
		    bool is_caller, struct unwind_cache *cache, uint32_t space, uint64_t *pcs,
		    uint32_t count, uint32_t limit, struct unwind_result *out);

#endif
