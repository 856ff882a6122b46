// SPDX-License-Identifier: MIT
#include "unwind/walk_state.h"

static bool read_memory(void *walk, uint64_t address, void *out, size_t size_bytes)
{
	return walk_read(walk, address, out, size_bytes);
}

static int read_signal_registers(struct walk *w, uint64_t ucontext)
{
	/* gregs[] from offset 40 on, in the kernel's order, as DWARF numbers. */
	static const uint8_t order[] = { 8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7, 16 };
	enum { UCONTEXT_GREGS = 40 };
	for (unsigned i = 0; i < sizeof(order); i++) {
		if (!walk_read_word(w, ucontext + UCONTEXT_GREGS + 8 * i, &w->all.value[order[i]]))
			return UNWIND_READ_FAILED;
	}
	w->all.known = (1u << CFI_REGISTERS) - 1;
	return STEP_INTERRUPTED;
}

void walk_forget_others(struct walk *w)
{
	w->all.known = 1u << CFI_RIP | 1u << CFI_RSP | 1u << CFI_RBP;
	w->all.value[CFI_RIP] = w->at.pc;
	w->all.value[CFI_RSP] = w->at.rsp;
	w->all.value[CFI_RBP] = w->at.rbp;
}

int walk_step_slowly(struct walk *w, const struct unwind_rule *rule)
{
	int outcome;
	if (rule->cfa_kind == CFA_ROOT)
		return UNWIND_ROOT;
	if (rule->cfa_kind == CFA_SIGNAL) {
		outcome = read_signal_registers(w, w->at.rsp + (uint64_t)(int64_t)rule->cfa_off);
	} else if (rule->cfa_kind == CFA_UNKNOWN || w->code.lookup != LOOKUP_TABLE ||
		   table_is_go(w->code.table, w->at.pc - w->is_caller - w->code.bias)) {
		outcome = unwind_step(w, rule, &w->at);
		walk_forget_others(w);
		return outcome;
	} else {
		struct interpret_memory memory = { w, read_memory };
		outcome = interpret_step(w->code.table, w->code.bias, w->at.pc - w->is_caller,
					 &memory, &w->all);
	}
	w->at = (struct unwind_registers){ w->all.value[CFI_RIP], w->all.value[CFI_RSP],
					   w->all.value[CFI_RBP] };
	return outcome;
}
