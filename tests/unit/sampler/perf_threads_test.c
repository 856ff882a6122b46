// SPDX-License-Identifier: MIT
#include "sampler/perf_threads.h" /* before cmocka.h, which has a macro fail() */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void each_moment_has_one_owner(void **state)
{
	(void)state;
	struct perf_thread t = { .tid = 1 };
	assert_int_equal(perf_thread_owner(&t, 5), 0);
	perf_thread_assign(&t, 100, 1);
	perf_thread_assign(&t, 200, 2);
	assert_int_equal(perf_thread_owner(&t, 50),
			 1); /* before the first: clocks differ a little */
	assert_int_equal(perf_thread_owner(&t, 199), 1);
	assert_int_equal(perf_thread_owner(&t, 200), 2);
	assert_int_equal(perf_thread_latest(&t), 2);
	for (uint32_t i = 3; i < 10; i++)
		perf_thread_assign(&t, i * 100, i);
	assert_int_equal(perf_thread_owner(&t, 950), 9);
	assert_int_equal(perf_thread_owner(&t, 899), 8);
	assert_int_equal(perf_thread_owner(&t, 10), 6); /* the oldest that is remembered */
}

static void rows_are_used_again(void **state)
{
	(void)state;
	struct perf_threads t;
	assert_int_equal(perf_threads_init(&t, 2), 0);
	for (pid_t tid = 1; tid <= 100; tid++)
		assert_non_null(perf_threads_add(&t, 7, tid, 0));
	size_t rows = t.row.count;
	for (pid_t tid = 1; tid <= 100; tid++) {
		struct perf_thread *thread = perf_threads_find(&t, tid);
		assert_int_equal(thread->tid, tid);
		perf_threads_set_pending(&t, thread, true);
		perf_thread_periods(&t, thread)[1] = 5;
		perf_threads_remove(&t, tid);
		assert_null(perf_threads_find(&t, tid));
	}
	assert_int_equal(t.pending_count, 0);
	for (pid_t tid = 201; tid <= 300; tid++)
		assert_int_equal(perf_thread_periods(&t, perf_threads_add(&t, 7, tid, 0))[1], 0);
	assert_int_equal(t.row.count, rows);
	perf_threads_remove(&t, 999);
	perf_threads_deinit(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_moment_has_one_owner),
		cmocka_unit_test(rows_are_used_again),
	};
	return cmocka_run_group_tests_name("sampler/perf_threads", tests, NULL, NULL);
}
