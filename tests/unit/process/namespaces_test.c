// SPDX-License-Identifier: MIT
/* Before cmocka.h, which has a macro fail(). */
#include "process/namespaces.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>
#include <cmocka.h>

static void test_parse(void **state)
{
	(void)state;
	assert_int_equal(process_inner_pid_parse("Name:\tx\nNSpid:\t4711\nNSpgid:\t4711\n"), 0);
	assert_int_equal(process_inner_pid_parse("Name:\tx\nNSpid:\t4711\t12\t1\nNSpgid:\t9\n"), 1);
	assert_int_equal(process_inner_pid_parse("Name:\tNSpid:\t3\t4\nNSpid:\t4711\t12\n"), 12);
	assert_int_equal(process_inner_pid_parse("Name:\tx\nNSpid:"), 0);
	assert_int_equal(process_inner_pid_parse("Name:\tx\nNSpid:\t"), 0);
	assert_int_equal(process_inner_pid_parse(""), 0);
}

static void test_ourselves(void **state)
{
	(void)state;
	assert_int_equal(process_folder_is_ours(NULL), 0);
	assert_int_equal(process_inner_pid(0x7fffffff), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_ourselves),
	};
	return cmocka_run_group_tests_name("process/namespaces", tests, NULL, NULL);
}
