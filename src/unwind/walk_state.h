/* SPDX-License-Identifier: MIT */
#ifndef UNWIND_WALK_STATE_H
#define UNWIND_WALK_STATE_H

/* What the parts of the walker share: walk.c (the loop), lookup.c, without_cfi.c, slow.c. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "unwind/cache.h"
#include "unwind/interpret.h"
#include "unwind/table.h"
#include "unwind/unwind.h"

/* The state of one walk. */
struct walk {
	const struct unwind_env *env;
	struct unwind_cache *cache;
	uint32_t space;
	uint64_t readable; /* reads of 8 bytes may begin below this offset in the stack copy */
	struct unwind_registers at;
	struct interpret_registers all; /* in slow mode, or while the first frame is at hand */
	bool slow;                      /* every step goes through the interpreter */
	bool is_caller;                 /* at.pc is a return address */
	bool by_frame_pointer;          /* the last step followed a frame pointer */
	enum unwind_memory beyond;      /* what memory outside the copy is now */
	uint64_t failed_address;
	struct unwind_code code; /* the last answer of code_at */
	struct unwind_rule rule; /* when there is no cache to keep it */
};

/* Memory outside the stack copy; w->failed_address if it cannot be had. */
bool walk_read(struct walk *w, uint64_t address, void *out, size_t size_bytes);
/* Instruction bytes. */
bool walk_read_code(const struct walk *w, uint64_t pc, void *out, size_t size_bytes);

static inline bool walk_read_word(struct walk *w, uint64_t address, uint64_t *out)
{
	uint64_t offset = address - w->env->stack_start;
	if (offset >= w->readable)
		return walk_read(w, address, out, sizeof(*out));
	memcpy(out, w->env->stack + offset, sizeof(*out));
	return true;
}

#define READ(dst, address) walk_read_word(context, (address), &(dst))
#define THREAD_POINTER(dst) ((dst) = 0, false) /* no copy of a stack comes with it */
#include "unwind/step.h"

enum found { FOUND, FOUND_PENDING, FOUND_NOTHING };

/* The rule for w->at; `pc` is w->at.pc, or one less in a caller. */
enum found walk_find_rule(struct walk *w, uint64_t pc, struct unwind_rule *out);

/* Rules for code without CFI keep the reason that is given if frame pointers do not help. */
static inline enum unwind_reason fallback_reason(const struct unwind_rule *rule)
{
	return (enum unwind_reason)rule->rbp_kind;
}

/*
 * A frame whose "return address" is the first byte of a trampoline: no call is before it. Signal
 * frames, and roots that say so (walk_find_rule() makes these).
 */
enum { ROOT_IS_TRAMPOLINE = 1 }; /* in cfa_off */

static inline bool is_trampoline(const struct unwind_rule *rule)
{
	return rule->cfa_kind == CFA_SIGNAL ||
	       (rule->cfa_kind == CFA_ROOT && rule->cfa_off == ROOT_IS_TRAMPOLINE);
}

/* without_cfi.c: what instruction bytes and the layout of the stack tell */

struct unwind_rule walk_rule_without_cfi(struct walk *w, enum unwind_reason reason);
/* For the innermost frame, at an instruction where rbp is still or again the caller's. */
bool walk_innermost_rule(struct walk *w, struct unwind_rule *out);
/* Is w->at the frame below a goroutine's first function? */
bool walk_is_goexit(const struct walk *w);
/* Where Go's CFI is wrong: a change of stacks, the start of a thread. */
void walk_correct_go_rule(struct walk *w, struct unwind_rule *rule);
/* Frame pointers lead nowhere: is it because here the stack begins? */
bool walk_is_outermost(struct walk *w);

/* slow.c: one step with all registers */

int walk_step_slowly(struct walk *w, const struct unwind_rule *rule);
/* Without CFI only pc, rsp and rbp survive. */
void walk_forget_others(struct walk *w);

#endif
