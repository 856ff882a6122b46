// SPDX-License-Identifier: MIT
#include "unwind/cfi.h"

enum {
	CFA_OP_ADVANCE = 0x40, /* the upper two bits; the lower six are an operand */
	CFA_OP_OFFSET = 0x80,
	CFA_OP_RESTORE = 0xc0,

	CFA_OP_NOP = 0x00,
	CFA_OP_SET_LOC = 0x01,
	CFA_OP_ADVANCE1 = 0x02,
	CFA_OP_ADVANCE2 = 0x03,
	CFA_OP_ADVANCE4 = 0x04,
	CFA_OP_OFFSET_EXTENDED = 0x05,
	CFA_OP_RESTORE_EXTENDED = 0x06,
	CFA_OP_UNDEFINED = 0x07,
	CFA_OP_SAME_VALUE = 0x08,
	CFA_OP_REGISTER = 0x09,
	CFA_OP_REMEMBER = 0x0a,
	CFA_OP_RESTORE_STATE = 0x0b,
	CFA_OP_DEF_CFA = 0x0c,
	CFA_OP_DEF_CFA_REGISTER = 0x0d,
	CFA_OP_DEF_CFA_OFFSET = 0x0e,
	CFA_OP_DEF_CFA_EXPRESSION = 0x0f,
	CFA_OP_EXPRESSION = 0x10,
	CFA_OP_OFFSET_EXTENDED_SF = 0x11,
	CFA_OP_DEF_CFA_SF = 0x12,
	CFA_OP_DEF_CFA_OFFSET_SF = 0x13,
	CFA_OP_VAL_OFFSET = 0x14,
	CFA_OP_VAL_OFFSET_SF = 0x15,
	CFA_OP_VAL_EXPRESSION = 0x16,
	CFA_OP_MIPS_ADVANCE8 = 0x1d,
	CFA_OP_GNU_ARGS_SIZE = 0x2e,
	CFA_OP_GNU_NEGATIVE_OFFSET_EXTENDED = 0x2f,
};

/* Operands nearly always have one byte. */
static inline uint64_t uleb(struct cursor *c)
{
	if (c->at < c->end && *c->at < 0x80 && !c->bad)
		return *c->at++;
	return cursor_uleb(c);
}

/* A whole state is big, and states are copied for each function and each early return. */
static inline void copy_state(const struct cfi_machine *m, struct cfi_state *to,
			      const struct cfi_state *from)
{
	if (!m->lean) {
		*to = *from;
		return;
	}
	to->cfa = from->cfa;
	to->registers[CFI_RBP] = from->registers[CFI_RBP];
	to->registers[CFI_RIP] = from->registers[CFI_RIP];
}

static inline bool is_kept(const struct cfi_machine *m, uint64_t reg)
{
	return m->lean ? reg == CFI_RBP || reg == CFI_RIP : reg < CFI_REGISTERS;
}

static void begin(struct cfi_machine *m, const struct cfi_section *section,
		  const struct cfi_cie *cie, const struct cfi_fde *fde, bool lean)
{
	/* Field by field: the remembered states are big and need no value. */
	m->section = section;
	m->cie = cie;
	m->code = fde->instructions;
	m->start = m->end = fde->start_vaddr;
	m->fde_end = fde->start_vaddr + fde->size_bytes;
	m->done = m->bad = false;
	m->depth = 0;
	m->lean = lean;
	m->rules_changed = true;
	copy_state(m, &m->state, &cie->initial);
}

void cfi_machine_init(struct cfi_machine *m, const struct cfi_section *section,
		      const struct cfi_cie *cie, const struct cfi_fde *fde)
{
	begin(m, section, cie, fde, false);
}

void cfi_machine_init_lean(struct cfi_machine *m, const struct cfi_section *section,
			   const struct cfi_cie *cie, const struct cfi_fde *fde)
{
	begin(m, section, cie, fde, true);
}

/* Offsets of hostile files may be anything: wrap, as the hardware would. */
static int64_t factored(const struct cfi_machine *m, uint64_t offset)
{
	return (int64_t)(offset * (uint64_t)m->cie->data_align);
}

/* Registers that are not tracked (vector registers and the like) are parsed and forgotten. */
static inline void set_rule(struct cfi_machine *m, uint64_t reg, uint8_t kind, int64_t offset)
{
	if (!is_kept(m, reg))
		return;
	m->state.registers[reg] = (struct cfi_rule){ .kind = kind, .offset = offset };
	m->rules_changed = true;
}

static inline void restore_rule(struct cfi_machine *m, uint64_t reg)
{
	if (!is_kept(m, reg))
		return;
	m->state.registers[reg] = m->cie->initial.registers[reg];
	m->rules_changed = true;
}

static void set_expression(struct cfi_machine *m, struct cfi_rule *rule, uint8_t kind)
{
	uint64_t size = uleb(&m->code);
	const uint8_t *bytes = cursor_take(&m->code, size);
	if (!bytes || size > UINT32_MAX)
		cursor_fail(&m->code);
	else if (rule)
		*rule = (struct cfi_rule){ .kind = kind,
					   .expression_size_bytes = (uint32_t)size,
					   .expression = bytes };
	m->rules_changed = true;
}

static void register_expression(struct cfi_machine *m, uint8_t kind)
{
	uint64_t reg = uleb(&m->code);
	set_expression(m, is_kept(m, reg) ? &m->state.registers[reg] : NULL, kind);
}

static void def_cfa(struct cfi_machine *m, uint64_t reg, int64_t offset)
{
	m->state.cfa = (struct cfi_rule){ .kind = CFI_REGISTER,
					  .reg = reg < CFI_REGISTERS ? (uint8_t)reg : 0xff,
					  .offset = offset };
	m->rules_changed = true;
}

static inline void def_cfa_offset(struct cfi_machine *m, int64_t offset)
{
	if (m->state.cfa.kind == CFI_REGISTER)
		m->state.cfa.offset = offset;
	else
		cursor_fail(&m->code);
}

static void run_cfa_instruction(struct cfi_machine *m, uint8_t op)
{
	struct cursor *c = &m->code;
	uint64_t reg;
	switch (op) {
	case CFA_OP_DEF_CFA:
		reg = uleb(c);
		def_cfa(m, reg, (int64_t)uleb(c));
		break;
	case CFA_OP_DEF_CFA_SF:
		reg = uleb(c);
		def_cfa(m, reg, factored(m, (uint64_t)cursor_sleb(c)));
		break;
	case CFA_OP_DEF_CFA_REGISTER:
		if (m->state.cfa.kind != CFI_REGISTER)
			cursor_fail(c);
		def_cfa(m, uleb(c), m->state.cfa.offset);
		break;
	case CFA_OP_DEF_CFA_OFFSET_SF:
		def_cfa_offset(m, factored(m, (uint64_t)cursor_sleb(c)));
		break;
	case CFA_OP_DEF_CFA_EXPRESSION: set_expression(m, &m->state.cfa, CFI_EXPRESSION); break;
	default: cursor_fail(c);
	}
}

static void run_register_instruction(struct cfi_machine *m, uint8_t op)
{
	struct cursor *c = &m->code;
	uint64_t reg;
	switch (op) {
	case CFA_OP_EXPRESSION: register_expression(m, CFI_EXPRESSION); return;
	case CFA_OP_VAL_EXPRESSION: register_expression(m, CFI_VAL_EXPRESSION); return;
	default: reg = uleb(c);
	}
	switch (op) {
	case CFA_OP_OFFSET_EXTENDED: set_rule(m, reg, CFI_OFFSET, factored(m, uleb(c))); break;
	case CFA_OP_OFFSET_EXTENDED_SF:
		set_rule(m, reg, CFI_OFFSET, factored(m, (uint64_t)cursor_sleb(c)));
		break;
	case CFA_OP_GNU_NEGATIVE_OFFSET_EXTENDED:
		set_rule(m, reg, CFI_OFFSET, factored(m, -uleb(c)));
		break;
	case CFA_OP_VAL_OFFSET: set_rule(m, reg, CFI_VAL_OFFSET, factored(m, uleb(c))); break;
	case CFA_OP_VAL_OFFSET_SF:
		set_rule(m, reg, CFI_VAL_OFFSET, factored(m, (uint64_t)cursor_sleb(c)));
		break;
	case CFA_OP_REGISTER: set_rule(m, reg, CFI_REGISTER, (int64_t)uleb(c)); break;
	case CFA_OP_RESTORE_EXTENDED: restore_rule(m, reg); break;
	case CFA_OP_UNDEFINED: set_rule(m, reg, CFI_UNDEFINED, 0); break;
	case CFA_OP_SAME_VALUE: set_rule(m, reg, CFI_SAME, 0); break;
	default: cursor_fail(c);
	}
}

static void run_other(struct cfi_machine *m, uint8_t op)
{
	switch (op) {
	case CFA_OP_NOP: break;
	case CFA_OP_GNU_ARGS_SIZE: uleb(&m->code); break; /* not needed to find the caller */
	case CFA_OP_REMEMBER:
		if (m->depth == CFI_STATE_DEPTH)
			cursor_fail(&m->code);
		else
			copy_state(m, &m->remembered[m->depth++], &m->state);
		break;
	case CFA_OP_RESTORE_STATE:
		if (!m->depth)
			cursor_fail(&m->code);
		else
			copy_state(m, &m->state, &m->remembered[--m->depth]);
		m->rules_changed = true;
		break;
	case CFA_OP_DEF_CFA:
	case CFA_OP_DEF_CFA_REGISTER:
	case CFA_OP_DEF_CFA_EXPRESSION:
	case CFA_OP_DEF_CFA_SF:
	case CFA_OP_DEF_CFA_OFFSET_SF: run_cfa_instruction(m, op); break;
	default: run_register_instruction(m, op);
	}
}

/* The long forms. @return true if the instruction moves on to `*to` */
static bool advances_far(struct cfi_machine *m, uint8_t op, uint64_t *to)
{
	uint64_t units;
	switch (op) {
	case CFA_OP_ADVANCE1: units = cursor_u8(&m->code); break;
	case CFA_OP_ADVANCE2: units = cursor_u16(&m->code); break;
	case CFA_OP_ADVANCE4: units = cursor_u32(&m->code); break;
	case CFA_OP_MIPS_ADVANCE8: units = cursor_u64(&m->code); break;
	case CFA_OP_SET_LOC: return cfi_pointer(m->section, &m->code, m->cie->pointer_encoding, to);
	default: return false;
	}
	*to = m->start + units * m->cie->code_align;
	return !m->code.bad;
}

/* Runs one instruction. @return true if it moves on to `*to` */
static inline bool run_instruction(struct cfi_machine *m, uint64_t *to)
{
	uint8_t op = *m->code.at++, operand = op & 0x3f;
	switch (op & 0xc0) {
	case CFA_OP_ADVANCE: *to = m->start + operand * m->cie->code_align; return true;
	case CFA_OP_OFFSET:
		set_rule(m, operand, CFI_OFFSET, factored(m, uleb(&m->code)));
		return false;
	case CFA_OP_RESTORE: restore_rule(m, operand); return false;
	}
	if (op == CFA_OP_DEF_CFA_OFFSET) /* every second one */
		def_cfa_offset(m, (int64_t)uleb(&m->code));
	else if (advances_far(m, op, to))
		return true;
	else if (!m->code.bad)
		run_other(m, op);
	return false;
}

/* @return false if the instruction did not really move */
static bool end_row(struct cfi_machine *m, uint64_t to)
{
	if (to < m->start)
		cursor_fail(&m->code);
	else
		m->end = to < m->fde_end ? to : m->fde_end;
	return m->end > m->start;
}

bool cfi_machine_next(struct cfi_machine *m)
{
	m->start = m->end;
	if (m->done || m->start >= m->fde_end)
		return false;
	while (m->code.at < m->code.end) {
		uint64_t to;
		if (run_instruction(m, &to) && end_row(m, to))
			return true;
		if (m->code.bad) {
			m->bad = m->done = true;
			return false;
		}
	}
	m->done = true;
	m->end = m->fde_end;
	return true;
}
