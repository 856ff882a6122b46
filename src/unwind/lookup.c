// SPDX-License-Identifier: MIT
#include "unwind/walk_state.h"

/*
 * A return address at the first byte of a function whose CFI does not reach the byte before was
 * pushed by no call: the stack was laid out by hand to come out there (makecontext, a signal
 * frame).
 */
static bool is_entered_by_return(const struct walk *w)
{
	enum { FUNCTION_ALIGNMENT = 16 };
	return w->is_caller && !(w->at.pc % FUNCTION_ALIGNMENT) &&
	       table_is_bare_start(w->code.table, w->at.pc - w->code.bias);
}

static struct unwind_rule trampoline_rule(const struct walk *w)
{
	struct unwind_rule rule = table_rule(w->code.table, w->at.pc - w->code.bias);
	if (rule.cfa_kind != CFA_SIGNAL)
		rule = (struct unwind_rule){ .cfa_kind = CFA_ROOT, .cfa_off = ROOT_IS_TRAMPOLINE };
	return rule;
}

enum found walk_find_rule(struct walk *w, uint64_t pc, struct unwind_rule *out)
{
	struct unwind_code *code = &w->code;
	if (pc - code->start >= code->end - code->start) {
		memset(code, 0, sizeof(*code));
		w->env->code_at(w->env->context, pc, code);
	}
	if (code->lookup != LOOKUP_NO_MAPPING && code->lookup != LOOKUP_PENDING &&
	    walk_is_goexit(w)) {
		*out = (struct unwind_rule){ .cfa_kind = CFA_ROOT };
		return FOUND;
	}
	switch (code->lookup) {
	case LOOKUP_TABLE:
		*out = is_entered_by_return(w) ? trampoline_rule(w)
					       : table_rule(code->table, pc - code->bias);
		if (out->cfa_kind == CFA_UNKNOWN) {
			*out = walk_rule_without_cfi(w, UNWIND_NO_RULE);
			walk_correct_go_rule(w, out); /* stripped Go programs with C in them */
		} else if (code->table->is_go) {
			walk_correct_go_rule(w, out);
		}
		return FOUND;
	case LOOKUP_NO_CFI:
		*out = walk_rule_without_cfi(w, UNWIND_NO_RULE);
		walk_correct_go_rule(w, out); /* stripped Go programs */
		return FOUND;
	case LOOKUP_UNREADABLE:
		*out = walk_rule_without_cfi(w, UNWIND_OBJECT_UNREADABLE);
		return FOUND;
	case LOOKUP_LATE: *out = walk_rule_without_cfi(w, UNWIND_ROWS_LATE); return FOUND;
	case LOOKUP_PENDING: code->end = code->start; return FOUND_PENDING;
	default: code->end = code->start; return FOUND_NOTHING;
	}
}
