/* SPDX-License-Identifier: MIT */
#ifndef UNWIND_ROWS_H
#define UNWIND_ROWS_H

/*
 * The compiled form of an object's call frame information. The same bytes serve user space and
 * (mapped) a BPF program, so this file includes nothing but integer types.
 */
#ifdef __bpf__
#include "vmlinux.h"
#else
#include <stdint.h>
#endif

enum unwind_cfa_kind {
	CFA_UNKNOWN,   /* a gap: no CFI covers the address; frame pointers may do */
	CFA_RSP,       /* rsp + cfa_off */
	CFA_RBP,       /* rbp + cfa_off */
	CFA_PLT,       /* rsp + 8 + (((rip & 15) >= cfa_add) ? 8 : 0): what ld writes for .plt */
	CFA_DEREF_RSP, /* *(rsp + cfa_off) + cfa_add */
	CFA_DEREF_RBP, /* *(rbp + cfa_off) + cfa_add: DRAP of realigned frames */
	CFA_SIGNAL,    /* a signal frame: registers lie in an ucontext at rsp + cfa_off */
	CFA_ROOT,     /* the return address is undefined: outermost frame (psABI; DWARF 5, 6.4.4) */
	CFA_SLOW,     /* valid, but only for the interpreter of unwind/interpret.h */
	CFA_INJECTED, /* rsp + cfa_off; no call led here: it returns to where it interrupted */
	/*
	 * The rest leads to another stack, which may lie anywhere: Go's goroutines and the system stack
	 * of their thread (src/runtime/asm_amd64.s).
	 */
	CFA_SWITCH_RBP, /* rbp + cfa_off */
	/* asmcgocall's own record: how deep (at rsp + cfa_off) in the stack of which g (behind that; 0:
	 * the depth is an address). The CFA lies cfa_add behind. */
	CFA_SWITCH_CGO,
	/* The registers that the thread's current goroutine has saved: CFA_GO_* offsets below. */
	CFA_SWITCH_SAVED,
	CFA_OTHER_STACK, /* nothing here says where */
};

/* In a CFA_SWITCH_SAVED rule. */
enum unwind_saved_kind {
	SAVED_BELOW, /* the saved sp points to the return address */
	/* morestack's caller: all three registers are its own. A lost rbp says that the goroutine was
	 * given up, so that the stack ends here. */
	SAVED_PC_AND_SP,
};

enum unwind_rbp_kind {
	RBP_SAME, /* not changed in this frame */
	RBP_CFA,  /* saved at cfa + rbp_off */
	RBP_UNDEFINED,
	RBP_RBP, /* saved at rbp + rbp_off: realigned frames, whose CFA may be any way off */
};

/* Return address: always at cfa - 8 on x86-64 in what compiles to a row; otherwise CFA_SLOW. */
struct unwind_rule {
	uint8_t cfa_kind;
	uint8_t rbp_kind; /* enum unwind_rbp_kind; of CFA_SWITCH_SAVED enum unwind_saved_kind */
	int16_t rbp_off;  /* of CFA_SWITCH_SAVED: where a g keeps the saved rbp */
	int32_t cfa_off;  /* fits: larger ones are CFA_SLOW; of CFA_SWITCH_SAVED: g, from fs */
	int32_t cfa_add;  /* of CFA_SWITCH_SAVED: where an m keeps its current g */
};
_Static_assert(sizeof(struct unwind_rule) == 12, "shared with BPF");

/*
 * Rows are sorted by address and cut into pages of 1 KB: pages[p] is the first row at or behind the
 * page's first byte, so the rows of page p are [pages[p], pages[p + 1]). A row holds from its
 * address to the next row's; an address before the first row of its page belongs to the row before.
 */
enum { UNWIND_PAGE_SHIFT = 10, UNWIND_PAGE_BYTES = 1 << UNWIND_PAGE_SHIFT };

struct unwind_row {
	uint16_t low;  /* address in its page */
	uint16_t rule; /* index into the object's rules */
};
_Static_assert(sizeof(struct unwind_row) == 4, "shared with BPF");

/* An object's table, borrowed. Rows cover [base_vaddr, base_vaddr + span_bytes). */
struct unwind_rows {
	uint64_t base_vaddr; /* a multiple of the page size */
	uint32_t span_bytes;
	uint32_t row_count, page_count, rule_count;
	const struct unwind_row *rows;
	const uint32_t *pages; /* page_count + 1 of them */
	const struct unwind_rule *rules;
};

#endif
