// SPDX-License-Identifier: MIT
#include "unwind/walk_state.h"

bool walk_read(struct walk *w, uint64_t address, void *out, size_t size_bytes)
{
	const struct unwind_env *env = w->env;
	uint64_t offset = address - env->stack_start;
	if (offset < env->stack_size_bytes && size_bytes <= env->stack_size_bytes - offset) {
		memcpy(out, env->stack + offset, size_bytes);
		return true;
	}
	if (env->read_memory && env->read_memory(env->context, w->beyond, address, out, size_bytes))
		return true;
	w->failed_address = address;
	return false;
}

bool walk_read_code(const struct walk *w, uint64_t pc, void *out, size_t size_bytes)
{
	const struct unwind_env *env = w->env;
	return env->read_memory && env->read_memory(env->context, MEMORY_CODE, pc, out, size_bytes);
}

enum { STACK_MAX_BYTES = 1 << 30 }; /* an address farther behind the copy is no part of the stack */

static enum unwind_reason read_reason(const struct walk *w)
{
	const struct unwind_env *env = w->env;
	uint64_t offset = w->failed_address - env->stack_start;
	if (env->stack_copy_full && offset < STACK_MAX_BYTES &&
	    offset + sizeof(uint64_t) > env->stack_size_bytes)
		return UNWIND_STACK_TOO_DEEP;
	return UNWIND_READ_FAILED;
}

static enum unwind_reason final_reason(struct walk *w, const struct unwind_rule *rule, int outcome)
{
	enum unwind_reason reason = (enum unwind_reason)outcome;
	if (reason == UNWIND_READ_FAILED)
		reason = read_reason(w);
	if (rule->cfa_kind != CFA_UNKNOWN || reason == UNWIND_ROOT)
		return reason;
	if (walk_is_outermost(w))
		return UNWIND_ROOT;
	return reason == UNWIND_STACK_TOO_DEEP ? reason : fallback_reason(rule);
}

static void begin(struct walk *w, const uint64_t registers[REGISTER_COUNT])
{
	w->at = (struct unwind_registers){ registers[REGISTER_PC], registers[REGISTER_RSP],
					   registers[REGISTER_RBP] };
	w->is_caller = w->by_frame_pointer = false;
	w->beyond = MEMORY_BEHIND_COPY;
	memcpy(w->all.value, registers, sizeof(w->all.value));
	w->all.known = (1u << CFI_REGISTERS) - 1;
}

static struct walk walk_make(const struct unwind_env *env, struct unwind_cache *cache,
			     uint32_t space)
{
	struct walk w = { .env = env, .cache = cache, .space = space };
	if (env->stack_size_bytes >= sizeof(uint64_t))
		w.readable = env->stack_size_bytes - sizeof(uint64_t) + 1;
	return w;
}

static __attribute__((noinline)) enum found find_rule_slowly(struct walk *w, uint64_t pc,
							     struct cache_entry *slot)
{
	struct unwind_rule rule;
	enum found found = walk_find_rule(w, pc, &rule);
	if (found != FOUND)
		return found;
	w->rule = rule;
	if (slot && w->code.lookup != LOOKUP_LATE) {
		*slot = (struct cache_entry){ .pc = pc, .space = w->space, .rule = rule };
		w->cache->used = true;
	}
	return FOUND;
}

/* In slow mode the table itself is needed too, so the cache is passed by. */
static inline const struct unwind_rule *find_rule(struct walk *w, uint64_t pc, enum found *found)
{
	struct cache_entry *slot = NULL;
	if (w->cache && !w->slow) {
		slot = cache_slot(w->cache, pc, w->space);
		if (slot->pc == pc && slot->space == w->space && pc) /* 0 is a free slot */
			return &slot->rule;
	}
	*found = find_rule_slowly(w, pc, slot);
	return &w->rule;
}

/* The first frame's rule is slow, but all registers are still at hand: no need to begin again. */
static int step_first_slowly(struct walk *w, const struct unwind_rule *rule)
{
	struct unwind_rule again;
	if (walk_find_rule(w, w->at.pc, &again) != FOUND || w->code.lookup != LOOKUP_TABLE)
		return STEP_SLOW;
	return walk_step_slowly(w, rule);
}

static __attribute__((noinline)) int step_rarely(struct walk *w, const struct unwind_rule *rule,
						 bool first)
{
	struct unwind_rule corrected;
	if (!w->is_caller && rule->cfa_kind == CFA_UNKNOWN && walk_innermost_rule(w, &corrected)) {
		int outcome = unwind_step(w, &corrected, &w->at);
		walk_forget_others(w);
		return outcome;
	}
	if (rule->cfa_kind >= CFA_SWITCH_RBP && w->beyond == MEMORY_BEHIND_COPY)
		w->beyond = MEMORY_GOROUTINE;
	if (w->slow)
		return walk_step_slowly(w, rule);
	if (rule->cfa_kind == CFA_SLOW && first)
		return step_first_slowly(w, rule);
	return unwind_step(w, rule, &w->at);
}

static inline int step(struct walk *w, const struct unwind_rule *rule, bool first)
{
	if (w->slow || rule->cfa_kind == CFA_UNKNOWN || rule->cfa_kind >= CFA_SLOW)
		return step_rarely(w, rule, first);
	return unwind_step(w, rule, &w->at);
}

static void not_found(struct walk *w, enum found found, uint64_t pc, uint64_t *pcs, uint32_t limit,
		      struct unwind_result *out)
{
	out->pending = found == FOUND_PENDING;
	out->pending_pc = pc;
	out->reason = UNWIND_NO_MAPPING;
	/* glibc's _start is outermost by its CFI only behind its endbr64. */
	if (w->is_caller && out->count == 1 && !w->at.rbp &&
	    unwind_is_program_start(w, w->at.rsp - 8))
		out->reason = UNWIND_ROOT;
	if (!w->is_caller && !out->pending && out->count < limit)
		pcs[out->count++] = pc;
}

bool unwind_signal_frame_stands(const struct unwind_env *env, uint64_t frame_rsp)
{
	enum {
		FRAME_BYTES = 232
	}; /* ucontext up to the end of gregs, which lies at rsp in the frame */
	uint64_t offset = frame_rsp - env->stack_start;
	uint8_t now[FRAME_BYTES];
	return env->read_memory && offset < env->stack_size_bytes &&
	       env->stack_size_bytes - offset >= sizeof(now) &&
	       env->read_memory(env->context, MEMORY_SIGNAL_FRAME, frame_rsp, now, sizeof(now)) &&
	       !memcmp(now, env->stack + offset, sizeof(now));
}

/* A signal frame led out of the copy: to the stack that was interrupted, when the handler has one
 * of its own. */
static bool is_on_other_stack(const struct walk *w, uint64_t frame_rsp)
{
	return w->at.rsp - w->env->stack_start >= w->env->stack_size_bytes &&
	       unwind_signal_frame_stands(w->env, frame_rsp);
}

/*
 * As long as rules are in the cache and lead to a caller, the registers stay in registers: that
 * halves the time of a frame. Stops before the frame that needs more.
 */
static uint32_t walk_cached_frames(struct walk *w, uint64_t *pcs, uint32_t count, uint32_t limit)
{
	struct unwind_registers at = w->at;
	uint64_t is_caller = w->is_caller;
	uint32_t first = count;
	while (count < limit) {
		uint64_t pc = at.pc - is_caller;
		const struct cache_entry *slot = cache_slot(w->cache, pc, w->space);
		if (slot->pc != pc || slot->space != w->space ||
		    slot->rule.cfa_kind == CFA_UNKNOWN || slot->rule.cfa_kind >= CFA_SIGNAL ||
		    unwind_step(w, &slot->rule, &at) != STEP_CALLER)
			break;
		pcs[count++] = pc;
		is_caller = 1;
	}
	if (count > first) {
		w->at = at;
		w->is_caller = true;
		w->by_frame_pointer = false;
	}
	return count;
}

/* @return false if the walk must begin again in slow mode */
static bool walk(struct walk *w, uint64_t *pcs, uint32_t limit, struct unwind_result *out)
{
	for (;;) {
		enum found found = FOUND;
		if (w->cache && !w->slow)
			out->count = walk_cached_frames(w, pcs, out->count, limit);
		uint64_t pc = w->at.pc - w->is_caller;
		const struct unwind_rule *rule = find_rule(w, pc, &found);
		if (found != FOUND) {
			not_found(w, found, pc, pcs, limit, out);
			return true;
		}
		if (out->count == limit) {
			out->reason = UNWIND_TOO_MANY_FRAMES;
			return true;
		}
		pcs[out->count++] = is_trampoline(rule) ? w->at.pc : pc;
		uint64_t frame_rsp = w->at.rsp;
		int outcome = step(w, rule, out->count == 1);
		if (outcome == STEP_SLOW)
			return false;
		if (outcome != STEP_CALLER && outcome != STEP_INTERRUPTED) {
			out->reason = final_reason(w, rule, outcome);
			return true;
		}
		w->is_caller = outcome == STEP_CALLER;
		if (outcome == STEP_INTERRUPTED && rule->cfa_kind != CFA_INJECTED)
			w->beyond = is_on_other_stack(w, frame_rsp) ? MEMORY_OTHER_STACK
								    : MEMORY_BEHIND_COPY;
		w->by_frame_pointer = rule->cfa_kind == CFA_UNKNOWN;
	}
}

void unwind_walk(const struct unwind_env *env, const uint64_t registers[REGISTER_COUNT],
		 struct unwind_cache *cache, uint32_t space, uint64_t *pcs, uint32_t limit,
		 struct unwind_result *out)
{
	struct walk w = walk_make(env, cache, space);
	*out = (struct unwind_result){ 0 };
	begin(&w, registers);
	if (walk(&w, pcs, limit, out))
		return;
	w.slow = true;
	*out = (struct unwind_result){ 0 };
	begin(&w, registers);
	walk(&w, pcs, limit, out);
}

void unwind_walk_on(const struct unwind_env *env, const uint64_t registers[REGISTER_COUNT],
		    bool is_caller, struct unwind_cache *cache, uint32_t space, uint64_t *pcs,
		    uint32_t count, uint32_t limit, struct unwind_result *out)
{
	struct walk w = walk_make(env, cache, space);
	*out = (struct unwind_result){ .count = count };
	begin(&w, registers);
	walk_forget_others(&w);
	w.is_caller = is_caller;
	if (walk(&w, pcs, limit, out))
		return;
	/* The interpreter would need registers that only the frames below could restore. */
	out->reason = UNWIND_BAD_RULE;
}
