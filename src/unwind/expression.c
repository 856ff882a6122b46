// SPDX-License-Identifier: MIT
#include "unwind/interpret.h"

#include "unwind/dwarf_op.h"

enum { STACK_MAX = 64, STEPS_MAX = 1000 };

struct evaluation {
	struct cursor code;
	const struct interpret_registers *registers;
	const struct interpret_memory *memory;
	uint64_t bias;
	unsigned depth;
	bool bad, failed_read;
	uint64_t stack[STACK_MAX];
};

static void push(struct evaluation *e, uint64_t v)
{
	if (e->depth == STACK_MAX)
		e->bad = true;
	else
		e->stack[e->depth++] = v;
}

static uint64_t pop(struct evaluation *e)
{
	if (!e->depth) {
		e->bad = true;
		return 0;
	}
	return e->stack[--e->depth];
}

/* Counted from the top. */
static uint64_t peek(struct evaluation *e, unsigned index)
{
	if (index >= e->depth) {
		e->bad = true;
		return 0;
	}
	return e->stack[e->depth - 1 - index];
}

static void push_register(struct evaluation *e, uint64_t reg)
{
	uint64_t offset = (uint64_t)cursor_sleb(&e->code);
	if (reg >= CFI_REGISTERS || !(e->registers->known & 1u << reg))
		e->bad = true;
	else
		push(e, e->registers->value[reg] + offset);
}

static void deref(struct evaluation *e, size_t size_bytes)
{
	uint64_t value = 0, address = pop(e);
	if (e->bad || !size_bytes || size_bytes > sizeof(value)) {
		e->bad = true;
	} else if (!e->memory->read(e->memory->context, address, &value, size_bytes)) {
		e->bad = e->failed_read = true;
	} else {
		push(e, value);
	}
}

static void jump(struct evaluation *e, int16_t distance)
{
	if (e->code.bad)
		return;
	int64_t to = (e->code.at - e->code.begin) + distance;
	if (to < 0)
		cursor_fail(&e->code);
	else
		cursor_seek(&e->code, (size_t)to);
}

static uint64_t divide(struct evaluation *e, uint64_t a, uint64_t b)
{
	if (!b) {
		e->bad = true;
		return 0;
	}
	/* The one quotient that does not fit wraps, as negation does. */
	return b == UINT64_MAX ? -a : (uint64_t)((int64_t)a / (int64_t)b);
}

static uint64_t shift_right_arithmetic(uint64_t a, uint64_t n)
{
	uint64_t sign = (int64_t)a < 0 ? ~UINT64_C(0) : 0;
	if (n == 0)
		return a;
	return n < 64 ? a >> n | sign << (64 - n) : sign;
}

static void binary(struct evaluation *e, uint8_t op)
{
	uint64_t b = pop(e), a = pop(e);
	if (e->bad)
		return;
	switch (op) {
	case OP_AND: push(e, a & b); break;
	case OP_DIV: push(e, divide(e, a, b)); break;
	case OP_MINUS: push(e, a - b); break;
	case OP_MOD:
		if (!b)
			e->bad = true;
		push(e, b ? a % b : 0);
		break;
	case OP_MUL: push(e, a * b); break;
	case OP_OR: push(e, a | b); break;
	case OP_PLUS: push(e, a + b); break;
	case OP_SHL: push(e, b < 64 ? a << b : 0); break;
	case OP_SHR: push(e, b < 64 ? a >> b : 0); break;
	case OP_SHRA: push(e, shift_right_arithmetic(a, b)); break;
	case OP_XOR: push(e, a ^ b); break;
	case OP_EQ: push(e, a == b); break;
	case OP_GE: push(e, (int64_t)a >= (int64_t)b); break;
	case OP_GT: push(e, (int64_t)a > (int64_t)b); break;
	case OP_LE: push(e, (int64_t)a <= (int64_t)b); break;
	case OP_LT: push(e, (int64_t)a < (int64_t)b); break;
	case OP_NE: push(e, a != b); break;
	default: e->bad = true;
	}
}

static void constant(struct evaluation *e, uint8_t op)
{
	struct cursor *c = &e->code;
	switch (op) {
	case OP_ADDR: push(e, cursor_u64(c) + e->bias); break;
	case OP_CONST1U: push(e, cursor_u8(c)); break;
	case OP_CONST1S: push(e, (uint64_t)(int64_t)(int8_t)cursor_u8(c)); break;
	case OP_CONST2U: push(e, cursor_u16(c)); break;
	case OP_CONST2S: push(e, (uint64_t)(int64_t)cursor_s16(c)); break;
	case OP_CONST4U: push(e, cursor_u32(c)); break;
	case OP_CONST4S: push(e, (uint64_t)(int64_t)cursor_s32(c)); break;
	case OP_CONST8U:
	case OP_CONST8S: push(e, cursor_u64(c)); break;
	case OP_CONSTU: push(e, cursor_uleb(c)); break;
	case OP_CONSTS: push(e, (uint64_t)cursor_sleb(c)); break;
	default: binary(e, op);
	}
}

static void shuffle(struct evaluation *e, uint8_t op)
{
	uint64_t a, b, c;
	switch (op) {
	case OP_DUP: push(e, peek(e, 0)); break;
	case OP_DROP: pop(e); break;
	case OP_OVER: push(e, peek(e, 1)); break;
	case OP_PICK: push(e, peek(e, cursor_u8(&e->code))); break;
	case OP_SWAP:
		a = pop(e);
		b = pop(e);
		push(e, a);
		push(e, b);
		break;
	case OP_ROT:
		a = pop(e);
		b = pop(e);
		c = pop(e);
		push(e, a);
		push(e, c);
		push(e, b);
		break;
	default: constant(e, op);
	}
}

static void operate(struct evaluation *e, uint8_t op)
{
	uint64_t v;
	int16_t distance;
	switch (op) {
	case OP_NOP: break;
	case OP_DEREF: deref(e, 8); break;
	case OP_DEREF_SIZE: deref(e, cursor_u8(&e->code)); break;
	case OP_ABS:
		v = pop(e);
		push(e, (int64_t)v < 0 ? -v : v);
		break;
	case OP_NEG: push(e, -pop(e)); break;
	case OP_NOT: push(e, ~pop(e)); break;
	case OP_PLUS_UCONST: push(e, pop(e) + cursor_uleb(&e->code)); break;
	case OP_SKIP: jump(e, cursor_s16(&e->code)); break;
	case OP_BRA:
		distance = cursor_s16(&e->code);
		if (pop(e))
			jump(e, distance);
		break;
	case OP_BREGX: push_register(e, cursor_uleb(&e->code)); break;
	default:
		if (op >= OP_LIT0 && op <= OP_LIT31)
			push(e, op - OP_LIT0);
		else if (op >= OP_BREG0 && op <= OP_BREG31)
			push_register(e, op - OP_BREG0);
		else
			shuffle(e, op);
	}
}

bool interpret_expression(struct cursor code, const struct interpret_registers *r,
			  const struct interpret_memory *memory, uint64_t bias,
			  const uint64_t *initial, uint64_t *out, bool *failed_read)
{
	struct evaluation e = { .code = code, .registers = r, .memory = memory, .bias = bias };
	if (initial)
		push(&e, *initial);
	for (unsigned steps = 0; !e.bad && !e.code.bad && e.code.at < e.code.end; steps++) {
		if (steps == STEPS_MAX)
			e.bad = true;
		else
			operate(&e, cursor_u8(&e.code));
	}
	*out = pop(&e);
	*failed_read = e.failed_read;
	return !e.bad && !e.code.bad;
}
