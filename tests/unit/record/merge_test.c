// SPDX-License-Identifier: MIT
#include "record/merge.h" /* before cmocka.h, which has a macro fail() */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/random.h"

enum { SOURCES = 7, PER_SOURCE = 500 };

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

/* Sources that are each sorted come out as qsort(3) sorts all of them. */
static void all_sources_come_out_in_one_order(void **state)
{
	(void)state;
	static uint64_t times[SOURCES][PER_SOURCE], all[SOURCES * PER_SOURCE];
	struct random r = { 1 };
	struct merge m;
	size_t next[SOURCES] = { 0 };
	assert_int_equal(merge_init(&m, SOURCES), 0);
	for (uint32_t s = 0; s < SOURCES; s++) {
		for (size_t i = 0; i < PER_SOURCE; i++)
			times[s][i] = random_between(&r, 0, 5000);
		qsort(times[s], PER_SOURCE, sizeof(times[s][0]), compare_u64);
		for (size_t i = 0; i < PER_SOURCE; i++)
			all[s * PER_SOURCE + i] = times[s][i];
		assert_true(merge_push(&m, s, times[s][0]));
	}
	qsort(all, SOURCES * PER_SOURCE, sizeof(all[0]), compare_u64);
	for (size_t i = 0; i < SOURCES * PER_SOURCE; i++) {
		const struct merge_entry *top = merge_top(&m);
		assert_non_null(top);
		assert_int_equal(top->time_ns, all[i]);
		uint32_t s = top->source;
		if (++next[s] < PER_SOURCE)
			merge_advance(&m, times[s][next[s]]);
		else
			merge_pop(&m);
	}
	assert_null(merge_top(&m));
	merge_deinit(&m);
}

static void equal_times_come_by_source(void **state)
{
	(void)state;
	struct merge m;
	assert_int_equal(merge_init(&m, 3), 0);
	merge_push(&m, 2, 10);
	merge_push(&m, 0, 10);
	merge_push(&m, 1, 10);
	assert_false(merge_push(&m, 3, 1));
	for (uint32_t s = 0; s < 3; s++) {
		assert_int_equal(merge_top(&m)->source, s);
		merge_pop(&m);
	}
	merge_pop(&m);
	assert_null(merge_top(&m));
	merge_deinit(&m);
}

static void a_source_may_leave_and_come_back(void **state)
{
	(void)state;
	struct merge m;
	assert_int_equal(merge_init(&m, 2), 0);
	merge_push(&m, 0, 5);
	merge_push(&m, 1, 7);
	merge_pop(&m);
	assert_int_equal(merge_top(&m)->source, 1);
	merge_push(&m, 0, 6);
	assert_int_equal(merge_top(&m)->source, 0);
	merge_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_sources_come_out_in_one_order),
		cmocka_unit_test(equal_times_come_by_source),
		cmocka_unit_test(a_source_may_leave_and_come_back),
	};
	return cmocka_run_group_tests_name("record/merge", tests, NULL, NULL);
}
