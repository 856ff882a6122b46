/* SPDX-License-Identifier: MIT */
#ifndef UNWIND_REGISTERS_H
#define UNWIND_REGISTERS_H

/* What step.h and the interpreter share. Integer types only, as in rows.h. */
#include "record/reasons.h"
#include "unwind/rows.h"

struct unwind_registers {
	uint64_t pc, rsp, rbp;
};

/* What a step returns beside the reasons for which a stack ends. */
enum unwind_step_result {
	STEP_CALLER = UNWIND_REASON_COUNT, /* registers are the caller's, pc is a return address */
	STEP_INTERRUPTED, /* registers are those that a signal interrupted: pc was not calling */
	STEP_SLOW,        /* for the interpreter; registers are unchanged */
};

/* Stands for a frame pointer that is lost: no stack is there, and it ends no chain. */
enum { UNWIND_RBP_LOST = 1 };

/* In struct ucontext of x86-64 Linux: uc_mcontext.gregs[] (asm/sigcontext.h). */
enum { UCONTEXT_RBP = 120, UCONTEXT_RSP = 160, UCONTEXT_RIP = 168 };

#endif
