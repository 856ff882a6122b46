// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#undef fail /* base/error.h has one */

#include "unwind/verify.h"

#define IS_BEHIND(...)                                          \
	unwind_is_behind_call((const uint8_t[]){ __VA_ARGS__ }, \
			      sizeof((const uint8_t[]){ __VA_ARGS__ }))

/* As objdump names them. */
static void calls(void **state)
{
	(void)state;
	assert_true(IS_BEHIND(0x90, 0x90, 0xe8, 1, 2, 3, 4));             /* call 0x... */
	assert_true(IS_BEHIND(0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xd0)); /* call *%rax */
	assert_true(IS_BEHIND(0xff, 0xd7));                               /* call *%rdi */
	assert_true(IS_BEHIND(0x41, 0xff, 0xd4));                         /* call *%r12 */
	assert_true(IS_BEHIND(0x3e, 0xff, 0xd2));                         /* notrack call *%rdx */
	assert_true(IS_BEHIND(0xff, 0x10));                               /* call *(%rax) */
	assert_true(IS_BEHIND(0xff, 0x50, 0x18));                         /* call *24(%rax) */
	assert_true(IS_BEHIND(0xff, 0x14, 0xc2));                         /* call *(%rdx,%rax,8) */
	assert_true(IS_BEHIND(0xff, 0x54, 0x24, 8));                      /* call *8(%rsp) */
	assert_true(IS_BEHIND(0xff, 0x15, 1, 2, 3, 4));                   /* call *0x...(%rip) */
	assert_true(IS_BEHIND(0xff, 0x90, 0, 1, 0, 0));                   /* call *256(%rax) */
	assert_true(IS_BEHIND(0xff, 0x94, 0x24, 0, 1, 0, 0));             /* call *256(%rsp) */
	assert_true(IS_BEHIND(0xff, 0x14, 0xc5, 0, 0x10, 0x40, 0));       /* call *0x...(,%rax,8) */
	assert_true(IS_BEHIND(0x41, 0xff, 0x14, 0xc4));                   /* call *(%r12,%rax,8) */
	assert_true(IS_BEHIND(0xff, 0x18));                               /* lcall *(%rax) */
}

static void others(void **state)
{
	(void)state;
	assert_false(IS_BEHIND(0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90)); /* nop */
	assert_false(IS_BEHIND(0xe9, 1, 2, 3, 4));                         /* jmp 0x... */
	assert_false(IS_BEHIND(0xff, 0xe0));                               /* jmp *%rax */
	assert_false(IS_BEHIND(0xff, 0x25, 1, 2, 3, 4));                   /* jmp *0x...(%rip) */
	assert_false(IS_BEHIND(0xff, 0xd8));                               /* lcall of a register */
	assert_false(IS_BEHIND(0xff, 0x15, 1, 2, 3));                      /* one byte is missing */
	assert_false(IS_BEHIND(0x0f, 0x05));                               /* syscall */
	assert_false(IS_BEHIND(0xc3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls),
		cmocka_unit_test(others),
	};
	return cmocka_run_group_tests_name("unwind/verify", tests, NULL, NULL);
}
