// SPDX-License-Identifier: MIT
#include "session/loader.h" /* before cmocka.h, which has a macro fail() */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>
#include <cmocka.h>

static int begin(void **state)
{
	return loader_start((struct loader **)state, NULL);
}

static int end(void **state)
{
	loader_destroy(*state);
	return 0;
}

static struct load_result wait_for(struct loader *l)
{
	struct pollfd p = { .fd = loader_fd(l), .events = POLLIN };
	struct load_result r;
	do {
		assert_int_equal(poll(&p, 1, 10000), 1);
	} while (!loader_take(l, &r)); /* once more after the last one */
	return r;
}

static int ask(struct loader *l, uint32_t token, const char *path)
{
	const struct mapped_open what = { .pid = getpid(), .path = (char *)(uintptr_t)path };
	return loader_open(l, token, &what);
}

static void objects_and_rows_come_back_by_token(void **state)
{
	struct loader *l = *state;
	char self[4096] = "";
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	assert_int_equal(ask(l, 5, self), 0);
	struct load_result opened = wait_for(l);
	assert_int_equal(opened.kind, LOAD_OBJECT);
	assert_int_equal(opened.token, 5);
	assert_int_equal(opened.status, 0);
	assert_int_equal(loader_rows(l, 6, opened.object), 0);
	struct load_result rows = wait_for(l);
	assert_int_equal(rows.kind, LOAD_ROWS);
	assert_int_equal(rows.token, 6);
	assert_int_equal(rows.status, 0);
	assert_true(unwind_table_memory_bytes(rows.table) > 0);
	unwind_table_destroy(rows.table);
	object_unref(opened.object);
}

static void a_failure_comes_with_its_sentence(void **state)
{
	struct loader *l = *state;
	assert_int_equal(ask(l, 7, "/no/such/file"), 0);
	struct load_result r = wait_for(l);
	assert_int_equal(r.token, 7);
	assert_int_equal(r.status, -ENOENT);
	assert_null(r.object);
	assert_string_equal(r.error.text, "cannot open '/no/such/file': No such file or directory");
}

static void results_come_in_order_and_the_descriptor_falls_silent(void **state)
{
	struct loader *l = *state;
	struct pollfd p = { .fd = loader_fd(l), .events = POLLIN };
	struct load_result r;
	for (uint32_t i = 1; i <= 100; i++)
		assert_int_equal(ask(l, i, "/no/such/file"), 0);
	for (uint32_t i = 1; i <= 100;) {
		assert_int_equal(poll(&p, 1, 10000), 1);
		while (loader_take(l, &r))
			assert_int_equal(r.token, i++);
	}
	assert_int_equal(poll(&p, 1, 0), 0);
}

/* The sanitizer sees what it forgets. */
static void it_ends_with_work_left(void **state)
{
	for (uint32_t i = 1; i <= 100; i++)
		assert_int_equal(ask(*state, i, "/proc/self/exe"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(objects_and_rows_come_back_by_token, begin, end),
		cmocka_unit_test_setup_teardown(a_failure_comes_with_its_sentence, begin, end),
		cmocka_unit_test_setup_teardown(
			results_come_in_order_and_the_descriptor_falls_silent, begin, end),
		cmocka_unit_test_setup_teardown(it_ends_with_work_left, begin, end),
	};
	return cmocka_run_group_tests_name("session/loader", tests, NULL, NULL);
}
