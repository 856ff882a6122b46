// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/cursor.h"

static void reads_are_sticky_after_the_end(void **state)
{
	(void)state;
	const uint8_t bytes[] = { 1, 2, 3, 4, 5 };
	struct cursor c = cursor_of(bytes, sizeof(bytes));
	assert_int_equal(cursor_u32(&c), 0x04030201);
	assert_int_equal(cursor_u16(&c), 0);
	assert_ptr_equal(c.bad, bytes + 4);
	assert_int_equal(cursor_u8(&c), 0);
}

static void leb128_values(void **state)
{
	(void)state;
	/* The examples of DWARF 5, 7.6, tables 7.7 and 7.8. */
	const uint8_t bytes[] = { 0x80, 0x01, 0xb9, 0x64, 0xff, 0x00, 0x80, 0x7f };
	struct cursor c = cursor_of(bytes, sizeof(bytes));
	assert_int_equal(cursor_uleb(&c), 128);
	assert_int_equal(cursor_uleb(&c), 12857);
	assert_int_equal(cursor_sleb(&c), 127);
	assert_int_equal(cursor_sleb(&c), -128);
	assert_null(c.bad);
}

static void an_endless_leb128_is_an_error(void **state)
{
	(void)state;
	uint8_t bytes[16];
	memset(bytes, 0xff, sizeof(bytes));
	struct cursor c = cursor_of(bytes, sizeof(bytes));
	assert_int_equal(cursor_uleb(&c), 0);
	assert_non_null(c.bad);
}

static void a_string_without_nul_is_an_error(void **state)
{
	(void)state;
	struct cursor c = cursor_of("ab\0cd", 5);
	assert_string_equal(cursor_string(&c), "ab");
	assert_string_equal(cursor_string(&c), "");
	assert_non_null(c.bad);
}

static void no_bytes_hold_no_string(void **state)
{
	(void)state;
	struct cursor c = cursor_of(NULL, 0);
	assert_string_equal(cursor_string(&c), "");
	assert_non_null(c.bad);
	c = cursor_of(NULL, 0);
	assert_int_equal(cursor_u8(&c), 0);
	assert_non_null(c.bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_are_sticky_after_the_end),
		cmocka_unit_test(leb128_values),
		cmocka_unit_test(an_endless_leb128_is_an_error),
		cmocka_unit_test(a_string_without_nul_is_an_error),
		cmocka_unit_test(no_bytes_hold_no_string),
	};
	return cmocka_run_group_tests_name("base/cursor", tests, NULL, NULL);
}
