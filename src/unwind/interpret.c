// SPDX-License-Identifier: MIT
#include "unwind/interpret.h"

/* What a called function must preserve (psABI, figure 3.4): rbx, rbp, r12-r15. */
enum { CALLEE_SAVED = 1u << 3 | 1u << CFI_RBP | 0xfu << 12 };

struct frame {
	const struct interpret_registers *registers; /* of the callee */
	const struct interpret_memory *memory;
	uint64_t bias, cfa;
	bool failed_read;
};

static bool expression_value(struct frame *f, const struct cfi_rule *rule, const uint64_t *initial,
			     uint64_t *out)
{
	return interpret_expression(cursor_of(rule->expression, rule->expression_size_bytes),
				    f->registers, f->memory, f->bias, initial, out,
				    &f->failed_read);
}

static bool load(struct frame *f, uint64_t address, uint64_t *out)
{
	f->failed_read = !f->memory->read(f->memory->context, address, out, sizeof(*out));
	return !f->failed_read;
}

static bool known(const struct frame *f, uint64_t reg, uint64_t *out)
{
	if (reg >= CFI_REGISTERS || !(f->registers->known & 1u << reg))
		return false;
	*out = f->registers->value[reg];
	return true;
}

static bool find_cfa(struct frame *f, const struct cfi_rule *rule)
{
	if (rule->kind == CFI_EXPRESSION)
		return expression_value(f, rule, NULL, &f->cfa);
	if (rule->kind != CFI_REGISTER || !known(f, rule->reg, &f->cfa))
		return false;
	f->cfa += (uint64_t)rule->offset;
	return true;
}

/* @return false if the caller's value is not known (f->failed_read: because of memory) */
static bool caller_value(struct frame *f, const struct cfi_rule *rule, unsigned reg, uint64_t *out)
{
	uint64_t address;
	switch (rule->kind) {
	case CFI_UNSPECIFIED: return (CALLEE_SAVED & 1u << reg) && known(f, reg, out);
	case CFI_SAME: return known(f, reg, out);
	case CFI_OFFSET:
		address = f->cfa + (uint64_t)rule->offset;
		/* As in step.h: a slot below the stack pointer has been popped. */
		if (reg == CFI_RBP && address < f->registers->value[CFI_RSP])
			return known(f, reg, out);
		return load(f, address, out);
	case CFI_VAL_OFFSET: *out = f->cfa + (uint64_t)rule->offset; return true;
	case CFI_REGISTER: return known(f, (uint64_t)rule->offset, out);
	case CFI_EXPRESSION:
		return expression_value(f, rule, &f->cfa, &address) && load(f, address, out);
	case CFI_VAL_EXPRESSION: return expression_value(f, rule, &f->cfa, out);
	default: return false;
	}
}

/* The return address lies in the frame, unless it was taken into a register (glibc's vfork). */
static bool grows(const struct frame *f, const struct cfi_rule *return_address)
{
	int64_t growth = (int64_t)(f->cfa - f->registers->value[CFI_RSP]);
	return growth > 0 || (!growth && return_address->kind == CFI_REGISTER);
}

/* @return 0, or the reason why the caller's pc or rsp cannot be had */
static int restore_registers(struct frame *f, const struct cfi_cie *cie,
			     const struct cfi_state *state, struct interpret_registers *caller)
{
	uint64_t *value = caller->value;
	for (unsigned reg = 0; reg < CFI_REGISTERS; reg++) {
		f->failed_read = false;
		if (caller_value(f, &state->registers[reg], reg, &value[reg]))
			caller->known |= 1u << reg;
		else if (f->failed_read && reg == cie->return_register)
			return UNWIND_READ_FAILED;
	}
	if (state->registers[CFI_RSP].kind == CFI_UNSPECIFIED) {
		value[CFI_RSP] = f->cfa;
		caller->known |= 1u << CFI_RSP;
	}
	if (!(caller->known & 1u << cie->return_register) || !(caller->known & 1u << CFI_RSP))
		return UNWIND_BAD_RULE;
	value[CFI_RIP] = value[cie->return_register];
	caller->known |= 1u << CFI_RIP;
	if (!(caller->known & 1u << CFI_RBP))
		value[CFI_RBP] = UNWIND_RBP_LOST;
	return 0;
}

static int apply(struct frame *f, const struct cfi_cie *cie, const struct cfi_state *state,
		 struct interpret_registers *out)
{
	if (cie->return_register >= CFI_REGISTERS)
		return UNWIND_BAD_RULE;
	if (state->registers[cie->return_register].kind == CFI_UNDEFINED)
		return UNWIND_ROOT;
	if (!find_cfa(f, &state->cfa))
		return f->failed_read ? UNWIND_READ_FAILED : UNWIND_BAD_RULE;
	if (!cie->is_signal && !grows(f, &state->registers[cie->return_register]))
		return UNWIND_NOT_GROWING;
	struct interpret_registers caller = { 0 };
	int reason = restore_registers(f, cie, state, &caller);
	if (reason)
		return reason;
	if (!caller.value[CFI_RIP] && !caller.value[CFI_RBP])
		return UNWIND_ROOT;
	*out = caller;
	return cie->is_signal ? STEP_INTERRUPTED : STEP_CALLER;
}

int interpret_step(const struct unwind_table *t, uint64_t bias, uint64_t pc,
		   const struct interpret_memory *memory, struct interpret_registers *r)
{
	struct table_entry entry;
	struct cfi_machine m;
	if (!table_read_entry(t, pc - bias, &entry))
		return UNWIND_BAD_RULE;
	cfi_machine_init(&m, &entry.section, &entry.cie, &entry.fde);
	while (cfi_machine_next(&m)) {
		if (pc - bias >= m.end)
			continue;
		struct interpret_registers callee = *r;
		struct frame f = { .registers = &callee, .memory = memory, .bias = bias };
		return apply(&f, &entry.cie, &m.state, r);
	}
	return UNWIND_BAD_RULE;
}
