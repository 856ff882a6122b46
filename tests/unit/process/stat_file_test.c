// SPDX-License-Identifier: MIT
#include "process/stat_file.h" /* before cmocka.h, which has a macro fail() */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "process/descendants.h"

static void fields_behind_a_hostile_name(void **state)
{
	(void)state;
	struct stat_file s;
	assert_true(stat_file_parse(
		"4711 (a) R 99 (b)) S 42 4711 4711 0 -1 4194560 1 0 0 0 10 23 0 5 20 0 1 0 "
		"987654 1000 100 18446744073709551615\n",
		&s));
	assert_int_equal(s.parent_pid, 42);
	assert_int_equal(s.system_ticks, 23);
	assert_int_equal(s.children_system_ticks, 5);
	uint64_t tick_ns = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK);
	assert_int_equal(stat_file_system_ns(&s, false), 23 * tick_ns);
	assert_int_equal(stat_file_system_ns(&s, true), 28 * tick_ns);
	assert_int_equal(s.start_ticks, 987654);
}

static void short_text_is_refused(void **state)
{
	(void)state;
	struct stat_file s;
	assert_false(stat_file_parse("", &s));
	assert_false(stat_file_parse("1 (x)", &s));
	assert_false(stat_file_parse("1 (x) S 2 3", &s));
}

static void we_are_our_parents_descendant(void **state)
{
	(void)state;
	struct stat_file s;
	assert_true(stat_file_read(getpid(), &s));
	assert_int_equal(s.parent_pid, getppid());
	pid_list pids = { 0 };
	assert_true(vec_push(&pids, getppid()));
	assert_int_equal(process_add_descendants(&pids), 0);
	size_t seen = 0;
	for (size_t i = 0; i < pids.count; i++)
		seen += pids.at[i] == getpid();
	assert_int_equal(seen, 1);
	vec_free(&pids);
}

static void a_thread_has_cpu_time_while_it_lives(void **state)
{
	(void)state;
	uint64_t before_ns = stat_file_thread_cpu_ns(getpid(), getpid()), after_ns = before_ns;
	struct timespec begin, now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	while ((now.tv_sec - begin.tv_sec) * 1000000000 + now.tv_nsec - begin.tv_nsec < 30000000);
	after_ns = stat_file_thread_cpu_ns(getpid(), getpid());
	/* The file lags behind by a tick. */
	assert_in_range(after_ns - before_ns, 15000000, 60000000);
	assert_int_equal(stat_file_thread_cpu_ns(getpid(), 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_behind_a_hostile_name),
		cmocka_unit_test(short_text_is_refused),
		cmocka_unit_test(we_are_our_parents_descendant),
		cmocka_unit_test(a_thread_has_cpu_time_while_it_lives),
	};
	return cmocka_run_group_tests_name("process/stat_file", tests, NULL, NULL);
}
