// SPDX-License-Identifier: MIT
#include "unwind/classify.h"

#include "unwind/dwarf_op.h"
#include "unwind/registers.h"

static const struct unwind_rule slow = { .cfa_kind = CFA_SLOW };

static struct cursor expression_of(const struct cfi_rule *rule)
{
	return cursor_of(rule->expression, rule->expression_size_bytes);
}

/* `breg N` and nothing else. */
static bool is_register_plus(const struct cfi_rule *rule, uint8_t reg, int64_t *out_offset)
{
	if (rule->kind != CFI_EXPRESSION)
		return false;
	struct cursor c = expression_of(rule);
	if (cursor_u8(&c) != OP_BREG0 + reg)
		return false;
	*out_offset = cursor_sleb(&c);
	return !c.bad && !cursor_left(&c);
}

/* What ld writes for .plt: the second half of an entry has pushed a word. */
static bool is_plt(const struct cfi_rule *cfa, int32_t *out_threshold)
{
	struct cursor c = expression_of(cfa);
	const uint8_t *e = cursor_take(&c, 11);
	if (!e || cursor_left(&c))
		return false;
	static const uint8_t head[] = { OP_BREG0 + CFI_RSP, 8,     OP_BREG0 + CFI_RIP, 0,
					OP_LIT0 + 15,       OP_AND };
	static const uint8_t tail[] = { OP_GE, OP_LIT0 + 3, OP_SHL, OP_PLUS };
	if (memcmp(e, head, sizeof(head)) || memcmp(e + 7, tail, sizeof(tail)) || e[6] < OP_LIT0 ||
	    e[6] > OP_LIT31)
		return false;
	*out_threshold = e[6] - OP_LIT0;
	return true;
}

/* `breg7/breg6 N; deref`, perhaps plus a constant. */
static bool is_deref(const struct cfi_rule *cfa, struct unwind_rule *out)
{
	struct cursor c = expression_of(cfa);
	uint8_t op = cursor_u8(&c);
	if (op != OP_BREG0 + CFI_RSP && op != OP_BREG0 + CFI_RBP)
		return false;
	int64_t offset = cursor_sleb(&c);
	if (cursor_u8(&c) != OP_DEREF)
		return false;
	uint64_t add = 0;
	if (cursor_left(&c) && cursor_u8(&c) == OP_PLUS_UCONST)
		add = cursor_uleb(&c);
	if (c.bad || cursor_left(&c) || offset != (int32_t)offset || add > INT32_MAX)
		return false;
	out->cfa_kind = op == OP_BREG0 + CFI_RSP ? CFA_DEREF_RSP : CFA_DEREF_RBP;
	out->cfa_off = (int32_t)offset;
	out->cfa_add = (int32_t)add;
	return true;
}

static bool classify_cfa(const struct cfi_rule *cfa, struct unwind_rule *out)
{
	if (cfa->kind == CFI_REGISTER) {
		if ((cfa->reg != CFI_RSP && cfa->reg != CFI_RBP) ||
		    cfa->offset != (int32_t)cfa->offset)
			return false;
		out->cfa_kind = cfa->reg == CFI_RSP ? CFA_RSP : CFA_RBP;
		out->cfa_off = (int32_t)cfa->offset;
		return true;
	}
	if (cfa->kind != CFI_EXPRESSION)
		return false;
	if (is_deref(cfa, out))
		return true;
	out->cfa_kind = CFA_PLT;
	return is_plt(cfa, &out->cfa_add);
}

static bool classify_rbp(const struct cfi_rule *rbp, struct unwind_rule *out)
{
	int64_t offset = 0;
	switch (rbp->kind) {
	case CFI_UNSPECIFIED:
	case CFI_SAME: out->rbp_kind = RBP_SAME; return true;
	case CFI_UNDEFINED: out->rbp_kind = RBP_UNDEFINED; return true;
	case CFI_OFFSET:
		out->rbp_kind = RBP_CFA;
		offset = rbp->offset;
		break;
	default:
		out->rbp_kind = RBP_RBP;
		if (!is_register_plus(rbp, CFI_RBP, &offset))
			return false;
	}
	out->rbp_off = (int16_t)offset;
	return out->rbp_off == offset;
}

/* glibc describes its __restore_rt by an expression for each register of the ucontext. */
static bool is_ucontext(const struct cfi_state *s, struct unwind_rule *out)
{
	int64_t rip, rbp;
	struct unwind_rule rule = { 0 };
	if (s->cfa.kind != CFI_EXPRESSION || !is_deref(&s->cfa, &rule) ||
	    rule.cfa_kind != CFA_DEREF_RSP || rule.cfa_add)
		return false;
	int32_t context = rule.cfa_off - UCONTEXT_RSP;
	if (!is_register_plus(&s->registers[CFI_RIP], CFI_RSP, &rip) ||
	    rip != context + UCONTEXT_RIP ||
	    !is_register_plus(&s->registers[CFI_RBP], CFI_RSP, &rbp) ||
	    rbp != context + UCONTEXT_RBP)
		return false;
	*out = (struct unwind_rule){ .cfa_kind = CFA_SIGNAL, .cfa_off = context };
	return true;
}

bool cie_is_of_go(const struct cfi_cie *cie)
{
	enum { GO_DATA_ALIGN = -4 }; /* cmd/link/internal/ld/dwarf.go; everybody else has -8 */
	return cie->data_align == GO_DATA_ALIGN;
}

/* Go's linker never says where rbp is saved; by Go's ABI it is next to the return address. */
static void classify_go_rbp(struct unwind_rule *rule)
{
	if (rule->cfa_kind != CFA_RSP || rule->rbp_kind != RBP_SAME || rule->cfa_off < 16)
		return;
	rule->rbp_kind = RBP_CFA;
	rule->rbp_off = -16;
}

struct unwind_rule classify_state(const struct cfi_cie *cie, const struct cfi_state *state)
{
	struct unwind_rule rule = { 0 };
	if (cie->return_register != CFI_RIP)
		return slow;
	const struct cfi_rule *rip = &state->registers[CFI_RIP];
	if (rip->kind == CFI_UNDEFINED)
		return (struct unwind_rule){ .cfa_kind = CFA_ROOT };
	if (cie->is_signal)
		return is_ucontext(state, &rule) ? rule : slow;
	if (rip->kind != CFI_OFFSET || rip->offset != -8 || !classify_cfa(&state->cfa, &rule) ||
	    !classify_rbp(&state->registers[CFI_RBP], &rule))
		return slow;
	if (cie_is_of_go(cie))
		classify_go_rbp(&rule);
	return rule;
}
