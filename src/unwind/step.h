/* SPDX-License-Identifier: MIT */
#ifndef UNWIND_STEP_H
#define UNWIND_STEP_H

/*
 * One step up a stack: a compact rule and three registers in, the caller's three out. The includer
 * defines READ(dst, address) first: it reads 8 bytes of the target into the uint64_t `dst`, may use
 * the parameter `context`, and is false when it cannot; THREAD_POINTER(dst) likewise gives the base of
 * fs. Integer types only, no calls, no loops:
 * the same text serves a BPF program, the user-space walker and the unit tests.
 */
#include "unwind/registers.h"
#include "unwind/rows.h"

static inline __attribute__((always_inline)) int
unwind_step_signal(void *context, uint64_t ucontext, struct unwind_registers *r)
{
	(void)context;
	uint64_t pc, rsp, rbp;
	if (!READ(pc, ucontext + UCONTEXT_RIP) || !READ(rsp, ucontext + UCONTEXT_RSP) ||
	    !READ(rbp, ucontext + UCONTEXT_RBP))
		return UNWIND_READ_FAILED;
	r->pc = pc;
	r->rsp = rsp;
	r->rbp = rbp;
	return STEP_INTERRUPTED;
}

/* No CFI: rbp points at the caller's rbp, with the return address above (psABI, 3.2.2). */
static inline __attribute__((always_inline)) int
unwind_step_frame_pointer(void *context, struct unwind_registers *r)
{
	(void)context;
	uint64_t pc, rbp;
	if (r->rbp < r->rsp || (r->rbp & 7))
		return UNWIND_NO_RULE;
	if (!READ(pc, r->rbp + 8) || !READ(rbp, r->rbp))
		return UNWIND_READ_FAILED;
	r->rsp = r->rbp + 16;
	r->rbp = rbp;
	r->pc = pc;
	return pc || rbp ? STEP_CALLER : UNWIND_ROOT;
}

/*
 * What Go's m.curg.sched holds while its thread is on another stack. Offsets in g and m that no version
 * of Go has changed are constants; what was saved before the switch is 0 when it is over.
 */
enum { GO_G_M = 48, GO_G_SP = 56, GO_G_PC = 64, GO_G_STACK_END = 8 };

static inline __attribute__((always_inline)) int
unwind_step_saved(void *context, const struct unwind_rule *rule, struct unwind_registers *r)
{
	(void)context;
	uint64_t thread, g, m, pc, rsp, rbp;
	if (rule->rbp_kind == SAVED_PC_AND_SP && r->rbp == UNWIND_RBP_LOST)
		return UNWIND_ROOT;
	if (!THREAD_POINTER(thread) || !READ(g, thread + (uint64_t)(int64_t)rule->cfa_off) ||
	    !READ(m, g + GO_G_M) || !READ(g, m + (uint64_t)(int64_t)rule->cfa_add) ||
	    !READ(rsp, g + GO_G_SP) || !rsp || !READ(rbp, g + (uint64_t)(int64_t)rule->rbp_off))
		return UNWIND_OTHER_STACK;
	if (rule->rbp_kind == SAVED_PC_AND_SP) {
		if (!READ(pc, g + GO_G_PC))
			return UNWIND_OTHER_STACK;
	} else {
		if (!READ(pc, rsp))
			return UNWIND_OTHER_STACK;
		rsp += 8;
	}
	r->pc = pc;
	r->rsp = rsp;
	r->rbp = rbp;
	return STEP_CALLER;
}

/* @return 0 if it cannot be read */
static inline __attribute__((always_inline)) int
unwind_cgo_sp(void *context, const struct unwind_rule *rule, uint64_t record, uint64_t *out)
{
	(void)context;
	(void)rule;
	uint64_t depth, g, end;
	if (!READ(depth, record) || !READ(g, record + 8))
		return 0;
	*out = depth;
	if (!g)
		return 1;
	if (!READ(end, g + GO_G_STACK_END))
		return 0;
	*out = end - depth;
	return 1;
}

/**
 * @param r  changed only for STEP_CALLER and STEP_INTERRUPTED
 * @return enum unwind_step_result, or the enum unwind_reason for which the stack ends here
 */
static inline __attribute__((always_inline)) int
unwind_step(void *context, const struct unwind_rule *rule, struct unwind_registers *r)
{
	(void)context;
	uint64_t cfa, pc, rbp = r->rbp, slot, floor = r->rsp;
	switch (rule->cfa_kind) {
	case CFA_INJECTED:
	case CFA_RSP: cfa = r->rsp + (uint64_t)(int64_t)rule->cfa_off; break;
	case CFA_RBP: cfa = r->rbp + (uint64_t)(int64_t)rule->cfa_off; break;
	case CFA_PLT:
		cfa = r->rsp + 8 + ((r->pc & 15) >= (uint64_t)(int64_t)rule->cfa_add ? 8 : 0);
		break;
	case CFA_DEREF_RSP:
	case CFA_DEREF_RBP:
		slot = rule->cfa_kind == CFA_DEREF_RSP ? r->rsp : r->rbp;
		if (!READ(cfa, slot + (uint64_t)(int64_t)rule->cfa_off))
			return UNWIND_READ_FAILED;
		cfa += (uint64_t)(int64_t)rule->cfa_add;
		break;
	case CFA_SIGNAL:
		return unwind_step_signal(context, r->rsp + (uint64_t)(int64_t)rule->cfa_off, r);
	case CFA_ROOT: return UNWIND_ROOT;
	case CFA_UNKNOWN: return unwind_step_frame_pointer(context, r);
	case CFA_SLOW: return STEP_SLOW;
	case CFA_SWITCH_RBP:
		cfa = r->rbp + (uint64_t)(int64_t)rule->cfa_off;
		floor = 0;
		break;
	case CFA_SWITCH_CGO:
		if (!unwind_cgo_sp(context, rule, r->rsp + (uint64_t)(int64_t)rule->cfa_off, &cfa))
			return UNWIND_OTHER_STACK;
		cfa += (uint64_t)(int64_t)rule->cfa_add;
		floor = 0;
		break;
	case CFA_SWITCH_SAVED: return unwind_step_saved(context, rule, r);
	case CFA_OTHER_STACK: return UNWIND_OTHER_STACK;
	default: return UNWIND_BAD_RULE;
	}
	if (cfa <= floor || cfa - floor < 8) /* the return address lies in the frame */
		return UNWIND_NOT_GROWING;
	if (!READ(pc, cfa - 8))
		return floor ? UNWIND_READ_FAILED : UNWIND_OTHER_STACK;

	switch (rule->rbp_kind) {
	case RBP_CFA:
		slot = cfa + (uint64_t)(int64_t)rule->rbp_off;
		/* Below rsp it was popped already: CFI of epilogues often forgets to say so. */
		if (slot >= floor && !READ(rbp, slot))
			return UNWIND_READ_FAILED;
		break;
	case RBP_RBP:
		if (!READ(rbp, r->rbp + (uint64_t)(int64_t)rule->rbp_off))
			return UNWIND_READ_FAILED;
		break;
	case RBP_UNDEFINED: rbp = UNWIND_RBP_LOST; break;
	}
	if (!pc && !rbp)
		return UNWIND_ROOT;
	r->pc = pc;
	r->rsp = cfa;
	r->rbp = rbp;
	return rule->cfa_kind == CFA_INJECTED ? STEP_INTERRUPTED : STEP_CALLER;
}

/**
 * Is this what the kernel lays out for a new program: argc, argv[], NULL? For a start routine
 * without CFI, which runs with rbp 0 (psABI, 3.4.1, "Initial Stack and Register State").
 */
static inline __attribute__((always_inline)) int unwind_is_program_start(void *context,
									 uint64_t rsp)
{
	(void)context;
	uint64_t count, first, end;
	if ((rsp & 15) || !READ(count, rsp) || count < 1 || count > (1 << 20))
		return 0;
	return READ(first, rsp + 8) && first > rsp && READ(end, rsp + 8 + 8 * count) && !end;
}

#endif
