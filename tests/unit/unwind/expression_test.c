// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#undef fail /* base/error.h has one */

#include "unwind/interpret.h"

/* Opcodes are those of DWARF 5, table 7.9. Registers hold 100 + number; memory holds its address
 * * 2. */
#define OPS(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

static bool read_memory(void *context, uint64_t address, void *out, size_t size_bytes)
{
	(void)context;
	uint64_t value = address * 2;
	if (address == 0xdead)
		return false;
	memcpy(out, &value, size_bytes);
	return true;
}

static bool run(const uint8_t *ops, size_t size, uint64_t *out, bool *failed_read)
{
	struct interpret_memory memory = { NULL, read_memory };
	struct interpret_registers r = { .known = 0xffff };
	uint64_t cfa = 5000;
	for (unsigned i = 0; i < CFI_REGISTERS; i++)
		r.value[i] = 100 + i;
	return interpret_expression(cursor_of(ops, size), &r, &memory, 0x10000, &cfa, out,
				    failed_read);
}

static void is(uint64_t want, const uint8_t *ops, size_t size)
{
	uint64_t value;
	bool failed_read;
	assert_true(run(ops, size, &value, &failed_read));
	assert_int_equal(value, want);
}

static void is_bad(bool want_failed_read, const uint8_t *ops, size_t size)
{
	uint64_t value;
	bool failed_read;
	assert_false(run(ops, size, &value, &failed_read));
	assert_int_equal(failed_read, want_failed_read);
}

static void constants(void **state)
{
	(void)state;
	is(5000, OPS(0x96));                            /* nop: the initial value */
	is(0x10002, OPS(0x03, 2, 0, 0, 0, 0, 0, 0, 0)); /* addr, with the bias */
	is(0xff, OPS(0x08, 0xff));
	is((uint64_t)-1, OPS(0x09, 0xff));
	is(0xfffe, OPS(0x0a, 0xfe, 0xff));
	is((uint64_t)-2, OPS(0x0b, 0xfe, 0xff));
	is(0xfffffffe, OPS(0x0c, 0xfe, 0xff, 0xff, 0xff));
	is((uint64_t)-2, OPS(0x0d, 0xfe, 0xff, 0xff, 0xff));
	is(0x0807060504030201, OPS(0x0e, 1, 2, 3, 4, 5, 6, 7, 8));
	is(0x0807060504030201, OPS(0x0f, 1, 2, 3, 4, 5, 6, 7, 8));
	is(128, OPS(0x10, 0x80, 1));
	is((uint64_t)-128, OPS(0x11, 0x80, 0x7f));
	is(0, OPS(0x30));
	is(31, OPS(0x4f));
}

static void registers(void **state)
{
	(void)state;
	is(107 + 8, OPS(0x77, 8));
	is(106 - 8, OPS(0x76, 0x78));
	is(103 + 1, OPS(0x92, 3, 1));
	is_bad(false, OPS(0x92, 17, 0));
	is_bad(false, OPS(0x70 + 16, 0)); /* not known here */
}

static void memory(void **state)
{
	(void)state;
	is(214, OPS(0x77, 0, 0x06));
	is(214, OPS(0x77, 0, 0x94, 1));
	is((300 * 2) & 0xff, OPS(0x0a, 0x2c, 0x01, 0x94, 1));
	is_bad(true, OPS(0x0a, 0xad, 0xde, 0x06));
	is_bad(false, OPS(0x77, 0, 0x94, 9));
	is_bad(false, OPS(0x77, 0, 0x94, 0));
}

static void the_stack(void **state)
{
	(void)state;
	is(10, OPS(0x35, 0x12, 0x22));         /* 5 dup plus */
	is(5, OPS(0x35, 0x36, 0x13));          /* 5 6 drop */
	is(5, OPS(0x35, 0x36, 0x14));          /* 5 6 over */
	is(4, OPS(0x34, 0x35, 0x36, 0x15, 2)); /* 4 5 6 pick 2 */
	is(1, OPS(0x35, 0x36, 0x16, 0x1c));    /* 5 6 swap: 6 - 5 */
	/* 7 5 3 rot is 3 7 5 with the top last: 7 - 5 = 2, 3 - 2 = 1 */
	is(1, OPS(0x37, 0x35, 0x33, 0x17, 0x1c, 0x1c));
	is_bad(false, OPS(0x13, 0x13)); /* more than there is */
	is_bad(false, OPS(0x15, 9));
	is_bad(false, OPS(0x13)); /* nothing left */
}

static void arithmetic(void **state)
{
	(void)state;
	is(5, OPS(0x09, 0xfb, 0x19));                  /* abs -5 */
	is(4, OPS(0x36, 0x3c, 0x1a));                  /* 6 & 12 */
	is((uint64_t)-3, OPS(0x09, 0xfa, 0x32, 0x1b)); /* -6 / 2 */
	is((uint64_t)-1, OPS(0x32, 0x33, 0x1c));
	is(2, OPS(0x38, 0x33, 0x1d)); /* 8 mod 3 */
	is(24, OPS(0x38, 0x33, 0x1e));
	is((uint64_t)-1, OPS(0x31, 0x1f));
	is(~1ull, OPS(0x31, 0x20));
	is(14, OPS(0x36, 0x3c, 0x21));
	is(18, OPS(0x36, 0x3c, 0x22));
	is(131, OPS(0x33, 0x23, 0x80, 1)); /* plus_uconst */
	is(24, OPS(0x33, 0x33, 0x24));
	is(0, OPS(0x33, 0x08, 64, 0x24));
	is(0x7fffffffffffffff, OPS(0x09, 0xff, 0x31, 0x25));
	is((uint64_t)-1, OPS(0x09, 0xff, 0x31, 0x26));
	is((uint64_t)-3, OPS(0x09, 0xfa, 0x31, 0x26)); /* -6 >> 1 */
	is((uint64_t)-6, OPS(0x09, 0xfa, 0x30, 0x26));
	is(3, OPS(0x36, 0x31, 0x26));
	is(0, OPS(0x36, 0x08, 64, 0x26));
	is((uint64_t)-1, OPS(0x09, 0xff, 0x08, 200, 0x26));
	is(10, OPS(0x36, 0x3c, 0x27));
	is_bad(false, OPS(0x36, 0x30, 0x1b)); /* by 0 */
	is_bad(false, OPS(0x36, 0x30, 0x1d));
	is(0x8000000000000000, OPS(0x0e, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x09, 0xff, 0x1b)); /* wraps */
}

static void comparisons_are_signed(void **state)
{
	(void)state;
	is(1, OPS(0x33, 0x33, 0x29));
	is(1, OPS(0x33, 0x09, 0xff, 0x2a)); /* 3 >= -1 */
	is(1, OPS(0x33, 0x09, 0xff, 0x2b));
	is(0, OPS(0x33, 0x09, 0xff, 0x2c));
	is(0, OPS(0x33, 0x09, 0xff, 0x2d));
	is(1, OPS(0x33, 0x32, 0x2e));
}

static void jumps(void **state)
{
	(void)state;
	is(7, OPS(0x37, 0x2f, 1, 0, 0x31));       /* skip over lit1 */
	is(7, OPS(0x37, 0x31, 0x28, 1, 0, 0x32)); /* bra, taken */
	is(2, OPS(0x37, 0x30, 0x28, 1, 0, 0x32)); /* bra, not taken */
	is_bad(false, OPS(0x2f, 100, 0));         /* out of the expression */
	is_bad(false, OPS(0x2f, 0, 0x80));
	is_bad(false, OPS(0x2f, 0xfd, 0xff)); /* for ever */
}

static void nonsense(void **state)
{
	(void)state;
	is_bad(false, OPS(0x01));
	is_bad(false, OPS(0x50));       /* a register is no value */
	is_bad(false, OPS(0x0e, 1, 2)); /* cut off */
	uint8_t many[100];
	memset(many, 0x31, sizeof(many)); /* more than the stack holds */
	is_bad(false, many, sizeof(many));
}

static void plt_expression_of_ld(void **state)
{
	(void)state;
	/* rsp + 8 + ((rip & 15) >= 11) * 8, with the program counter in register 16 */
	const uint8_t ops[] = { 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22 };
	struct interpret_memory memory = { NULL, read_memory };
	struct interpret_registers r = { .known = 1u << 16 | 1u << 7, .value[7] = 1000 };
	uint64_t out;
	bool failed;
	for (unsigned pc = 0; pc < 16; pc++) {
		r.value[16] = 0x1230 + pc;
		assert_true(interpret_expression(cursor_of(ops, sizeof(ops)), &r, &memory, 0, NULL,
						 &out, &failed));
		assert_int_equal(out, pc < 11 ? 1008 : 1016);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constants),
		cmocka_unit_test(registers),
		cmocka_unit_test(memory),
		cmocka_unit_test(the_stack),
		cmocka_unit_test(arithmetic),
		cmocka_unit_test(comparisons_are_signed),
		cmocka_unit_test(jumps),
		cmocka_unit_test(nonsense),
		cmocka_unit_test(plt_expression_of_ld),
	};
	return cmocka_run_group_tests_name("unwind/expression", tests, NULL, NULL);
}
