// SPDX-License-Identifier: MIT
#include "unwind/unwind.h"

#include <stdlib.h>
#include <string.h>

#include "unwind/cache.h"
#include "unwind/interpret.h"
#include "unwind/table.h"

/* The state of one walk. */
struct walk {
	const struct unwind_env *env;
	struct unwind_cache *cache;
	uint32_t space;
	uint64_t readable; /* reads of 8 bytes may begin below this offset in the stack copy */
	struct unwind_registers at;
	struct interpret_registers all; /* in slow mode, or while the first frame is at hand */
	bool slow; /* every step goes through the interpreter */
	bool is_caller; /* at.pc is a return address */
	bool by_frame_pointer; /* the last step followed a frame pointer */
	bool on_other_stack; /* a signal frame led out of the stack copy */
	uint64_t failed_address;
	struct unwind_code code; /* the last answer of code_at */
	struct unwind_rule rule; /* when there is no cache to keep it */
};

static __attribute__((noinline)) bool read_outside(struct walk *w, uint64_t address, void *out,
						   size_t size_bytes)
{
	const struct unwind_env *env = w->env;
	uint64_t offset = address - env->stack_start;
	if (offset < env->stack_size_bytes && size_bytes <= env->stack_size_bytes - offset) {
		memcpy(out, env->stack + offset, size_bytes);
		return true;
	}
	enum unwind_memory kind = w->on_other_stack ? MEMORY_OTHER_STACK : MEMORY_BEHIND_COPY;
	if (env->read_memory && env->read_memory(env->context, kind, address, out, size_bytes))
		return true;
	w->failed_address = address;
	return false;
}

static bool read_code(const struct walk *w, uint64_t pc, uint8_t *out, size_t size_bytes)
{
	const struct unwind_env *env = w->env;
	return env->read_memory &&
	       env->read_memory(env->context, MEMORY_CODE, pc, out, size_bytes);
}

static bool read_any(void *walk, uint64_t address, void *out, size_t size_bytes)
{
	return read_outside(walk, address, out, size_bytes);
}

static inline bool read_word(struct walk *w, uint64_t address, uint64_t *out)
{
	uint64_t offset = address - w->env->stack_start;
	if (offset >= w->readable)
		return read_outside(w, address, out, sizeof(*out));
	memcpy(out, w->env->stack + offset, sizeof(*out));
	return true;
}

#define READ(dst, address) read_word(context, (address), &(dst))
#include "unwind/step.h"

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

/* `mov $15, %eax` or `mov $15, %rax`, then `syscall`: rt_sigreturn, as every libc spells it. */
static bool is_sigreturn(struct walk *w, uint64_t pc)
{
	static const uint8_t shorter[] = { 0xb8, 15, 0, 0, 0, 0x0f, 0x05 };
	static const uint8_t longer[] = { 0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05 };
	uint8_t code[sizeof(longer)];
	if (!read_code(w, pc, code, sizeof(code)))
		return false;
	return !memcmp(code, longer, sizeof(longer)) || !memcmp(code, shorter, sizeof(shorter));
}

/*
 * Code without CFI that keeps frame pointers is off the rails for an instruction or two of each
 * call: rbp is still the caller's. Also covers PLT stubs of linkers that write no CFI for them.
 */
static bool innermost_rule(struct walk *w, struct unwind_rule *out)
{
	static const struct unwind_rule entered = { .cfa_kind = CFA_RSP, .cfa_off = 8 };
	static const struct unwind_rule pushed = {
		.cfa_kind = CFA_RSP, .cfa_off = 16, .rbp_kind = RBP_CFA, .rbp_off = -16
	};
	uint8_t c[4];
	if (!read_code(w, w->at.pc, c, sizeof(c)))
		return false;
	bool is_entry = (c[0] == 0xf3 && c[1] == 0x0f && c[2] == 0x1e && c[3] == 0xfa) || /* endbr64 */
			c[0] == 0x55 || /* push %rbp */
			c[0] == 0xc3 || /* ret */
			(c[0] == 0xff && c[1] == 0x25) || /* jmp *SLOT(%rip) */
			(c[0] == 0x49 && c[1] == 0x3b && c[2] == 0x66); /* Go: cmp 16(%r14), %rsp */
	bool is_pushed = c[0] == 0x48 && ((c[1] == 0x89 && c[2] == 0xe5) ||
					  (c[1] == 0x8b && c[2] == 0xec)); /* mov %rsp, %rbp */
	if (is_entry)
		*out = entered;
	else if (is_pushed)
		*out = pushed;
	return is_entry || is_pushed;
}

/* In a rule without CFI: the reason if frame pointers do not help either. Kept in the cache so. */
static enum unwind_reason fallback_reason(const struct unwind_rule *rule)
{
	return (enum unwind_reason)rule->rbp_kind;
}

static struct unwind_rule rule_without_cfi(struct walk *w, enum unwind_reason reason)
{
	struct unwind_rule rule = { .cfa_kind = CFA_UNKNOWN, .rbp_kind = (uint8_t)reason };
	if (is_sigreturn(w, w->at.pc))
		rule = (struct unwind_rule){ .cfa_kind = CFA_SIGNAL };
	return rule;
}

enum found { FOUND, FOUND_PENDING, FOUND_NOTHING };

/* Asks code_at and the table. */
static enum found find_rule_uncached(struct walk *w, uint64_t pc, struct unwind_rule *out)
{
	struct unwind_code *code = &w->code;
	if (pc - code->start >= code->end - code->start) {
		memset(code, 0, sizeof(*code));
		w->env->code_at(w->env->context, pc, code);
	}
	switch (code->lookup) {
	case LOOKUP_TABLE:
		*out = table_rule(code->table, pc - code->bias);
		if (out->cfa_kind == CFA_UNKNOWN)
			*out = rule_without_cfi(w, UNWIND_NO_RULE);
		return FOUND;
	case LOOKUP_NO_CFI: *out = rule_without_cfi(w, UNWIND_NO_RULE); return FOUND;
	case LOOKUP_UNREADABLE: *out = rule_without_cfi(w, UNWIND_OBJECT_UNREADABLE); return FOUND;
	case LOOKUP_LATE: *out = rule_without_cfi(w, UNWIND_ROWS_LATE); return FOUND;
	case LOOKUP_PENDING: code->end = code->start; return FOUND_PENDING;
	default: code->end = code->start; return FOUND_NOTHING;
	}
}

static __attribute__((noinline)) enum found find_rule_slowly(struct walk *w, uint64_t pc,
							     struct cache_entry *slot)
{
	struct unwind_rule rule;
	enum found found = find_rule_uncached(w, pc, &rule);
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
		if (slot->pc == pc && slot->space == w->space)
			return &slot->rule;
	}
	*found = find_rule_slowly(w, pc, slot);
	return &w->rule;
}

static int read_signal_registers(struct walk *w, uint64_t ucontext)
{
	/* gregs[] from offset 40 on, in the kernel's order, as DWARF numbers. */
	static const uint8_t order[] = { 8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7, 16 };
	enum { UCONTEXT_GREGS = 40 };
	for (unsigned i = 0; i < sizeof(order); i++) {
		if (!read_word(w, ucontext + UCONTEXT_GREGS + 8 * i, &w->all.value[order[i]]))
			return UNWIND_READ_FAILED;
	}
	w->all.known = (1u << CFI_REGISTERS) - 1;
	return STEP_INTERRUPTED;
}

/* Without CFI only these three survive; an unknown one makes rows that need it fail. */
static void forget_others(struct walk *w)
{
	w->all.known = 1u << CFI_RIP | 1u << CFI_RSP | 1u << CFI_RBP;
	w->all.value[CFI_RIP] = w->at.pc;
	w->all.value[CFI_RSP] = w->at.rsp;
	w->all.value[CFI_RBP] = w->at.rbp;
}

/* One step with all registers. */
static int step_slowly(struct walk *w, const struct unwind_rule *rule)
{
	int outcome;
	if (rule->cfa_kind == CFA_ROOT)
		return UNWIND_ROOT;
	if (rule->cfa_kind == CFA_SIGNAL) {
		outcome = read_signal_registers(w, w->at.rsp + (uint64_t)(int64_t)rule->cfa_off);
	} else if (rule->cfa_kind == CFA_UNKNOWN || w->code.lookup != LOOKUP_TABLE) {
		outcome = unwind_step(w, rule, &w->at);
		forget_others(w);
		return outcome;
	} else {
		struct interpret_memory memory = { w, read_any };
		outcome = interpret_step(w->code.table, w->code.bias, w->at.pc - w->is_caller,
					 &memory, &w->all);
	}
	w->at = (struct unwind_registers){ w->all.value[CFI_RIP], w->all.value[CFI_RSP],
					   w->all.value[CFI_RBP] };
	return outcome;
}

/* Frame pointers led nowhere: is it the end of the chain, or a broken one? */
static enum unwind_reason without_frame_pointer(struct walk *w, const struct unwind_rule *rule)
{
	if (w->at.rbp == 0 && w->is_caller &&
	    (w->by_frame_pointer || unwind_is_program_start(w, w->at.rsp)))
		return UNWIND_ROOT;
	return fallback_reason(rule);
}

static enum unwind_reason final_reason(struct walk *w, const struct unwind_rule *rule, int outcome)
{
	if (rule->cfa_kind == CFA_UNKNOWN && outcome == UNWIND_NO_RULE)
		return without_frame_pointer(w, rule);
	if (outcome == UNWIND_READ_FAILED) {
		enum unwind_reason reason = read_reason(w);
		if (rule->cfa_kind != CFA_UNKNOWN || reason == UNWIND_STACK_TOO_DEEP)
			return reason;
		return fallback_reason(rule) == UNWIND_NO_RULE ? reason : fallback_reason(rule);
	}
	return (enum unwind_reason)outcome;
}

static void begin(struct walk *w, const uint64_t registers[REGISTER_COUNT])
{
	w->at = (struct unwind_registers){ registers[REGISTER_PC], registers[REGISTER_RSP],
					   registers[REGISTER_RBP] };
	w->is_caller = w->by_frame_pointer = w->on_other_stack = false;
	memcpy(w->all.value, registers, sizeof(w->all.value));
	w->all.known = (1u << CFI_REGISTERS) - 1;
}

/* The first frame's rule is slow, but all registers are still at hand: no need to begin again. */
static int step_first_slowly(struct walk *w, const struct unwind_rule *rule)
{
	struct unwind_rule again;
	if (find_rule_uncached(w, w->at.pc, &again) != FOUND || w->code.lookup != LOOKUP_TABLE)
		return STEP_SLOW;
	return step_slowly(w, rule);
}

static __attribute__((noinline)) int step_rarely(struct walk *w, const struct unwind_rule *rule,
						 bool first)
{
	struct unwind_rule corrected;
	if (!w->is_caller && rule->cfa_kind == CFA_UNKNOWN && innermost_rule(w, &corrected)) {
		int outcome = unwind_step(w, &corrected, &w->at);
		forget_others(w);
		return outcome;
	}
	if (w->slow)
		return step_slowly(w, rule);
	if (rule->cfa_kind == CFA_SLOW && first)
		return step_first_slowly(w, rule);
	return unwind_step(w, rule, &w->at);
}

static inline int step(struct walk *w, const struct unwind_rule *rule, bool first)
{
	if (w->slow || rule->cfa_kind == CFA_UNKNOWN || rule->cfa_kind == CFA_SLOW)
		return step_rarely(w, rule, first);
	return unwind_step(w, rule, &w->at);
}

static void not_found(struct walk *w, enum found found, uint64_t pc, uint64_t *pcs, uint32_t limit,
		      struct unwind_result *out)
{
	out->pending = found == FOUND_PENDING;
	out->pending_pc = pc;
	out->reason = UNWIND_NO_MAPPING;
	if (!w->is_caller && !out->pending && out->count < limit)
		pcs[out->count++] = pc;
}

/*
 * A signal frame led out of the copy: to the stack that was interrupted, when the handler has one of
 * its own. Memory read later is worth something only if the handler still runs.
 */
static bool is_on_other_stack(const struct walk *w, uint64_t frame_rsp)
{
	enum { FRAME_BYTES = 232 }; /* ucontext up to the end of gregs, which lies at rsp in the frame */
	const struct unwind_env *env = w->env;
	uint64_t offset = frame_rsp - env->stack_start;
	uint8_t now[FRAME_BYTES];
	if (w->at.rsp - env->stack_start < env->stack_size_bytes || !env->read_memory)
		return false;
	return offset < env->stack_size_bytes && env->stack_size_bytes - offset >= sizeof(now) &&
	       env->read_memory(env->context, MEMORY_SIGNAL_FRAME, frame_rsp, now, sizeof(now)) &&
	       !memcmp(now, env->stack + offset, sizeof(now));
}

/* @return false if the walk must begin again in slow mode */
static bool walk(struct walk *w, uint64_t *pcs, uint32_t limit, struct unwind_result *out)
{
	for (;;) {
		enum found found = FOUND;
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
		pcs[out->count++] = pc;
		uint64_t frame_rsp = w->at.rsp;
		int outcome = step(w, rule, out->count == 1);
		if (outcome == STEP_SLOW)
			return false;
		if (outcome != STEP_CALLER && outcome != STEP_INTERRUPTED) {
			out->reason = final_reason(w, rule, outcome);
			return true;
		}
		w->is_caller = outcome == STEP_CALLER;
		if (outcome == STEP_INTERRUPTED)
			w->on_other_stack = is_on_other_stack(w, frame_rsp);
		w->by_frame_pointer = rule->cfa_kind == CFA_UNKNOWN;
	}
}

void unwind_walk(const struct unwind_env *env, const uint64_t registers[REGISTER_COUNT],
		 struct unwind_cache *cache, uint32_t space, uint64_t *pcs, uint32_t limit,
		 struct unwind_result *out)
{
	struct walk w = { .env = env, .cache = cache, .space = space };
	if (env->stack_size_bytes >= sizeof(uint64_t))
		w.readable = env->stack_size_bytes - sizeof(uint64_t) + 1;
	*out = (struct unwind_result){ 0 };
	begin(&w, registers);
	if (walk(&w, pcs, limit, out))
		return;
	w.slow = true;
	*out = (struct unwind_result){ 0 };
	begin(&w, registers);
	walk(&w, pcs, limit, out);
}

struct unwind_cache *unwind_cache_create(void)
{
	return calloc(1, sizeof(struct unwind_cache));
}

void unwind_cache_destroy(struct unwind_cache *c)
{
	free(c);
}

void unwind_cache_flush(struct unwind_cache *c)
{
	if (!c->used)
		return;
	memset(c, 0, sizeof(*c));
}
