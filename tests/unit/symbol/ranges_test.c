// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "base/random.h"
#include "symbol/ranges.h"

#include <cmocka.h>

static void the_innermost_range_is_found(void **state)
{
	(void)state;
	struct ranges r = { 0 };
	assert_true(ranges_add(&r, 10, 100, 1));
	assert_true(ranges_add(&r, 20, 30, 2));
	assert_true(ranges_add(&r, 20, 25, 3));
	assert_true(ranges_add(&r, 20, 25, 4));  /* equal: added later */
	assert_true(ranges_add(&r, 90, 120, 5)); /* overlaps without nesting */
	assert_true(ranges_add(&r, 50, 50, 6));  /* empty */
	assert_true(ranges_add(&r, 60, 55, 7));  /* backwards */
	assert_true(ranges_finish(&r));
	static const struct {
		uint64_t at;
		uint32_t row;
	} want[] = { { 0, 0 },  { 9, 0 },   { 10, 1 },  { 19, 1 },        { 20, 4 }, { 24, 4 },
		     { 25, 2 }, { 29, 2 },  { 30, 1 },  { 50, 1 },        { 57, 1 }, { 90, 5 },
		     { 99, 5 }, { 119, 5 }, { 120, 0 }, { UINT64_MAX, 0 } };
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		assert_int_equal(ranges_find(&r, want[i].at), want[i].row);
	ranges_deinit(&r);
}

static void an_empty_table_holds_nothing(void **state)
{
	(void)state;
	struct ranges r = { 0 };
	assert_true(ranges_finish(&r));
	assert_int_equal(ranges_find(&r, 0), 0);
	ranges_deinit(&r);
}

/* What the header promises, by looking at every range. */
static uint32_t find_slowly(const struct range *all, size_t count, uint64_t at)
{
	const struct range *best = NULL;
	for (size_t i = 0; i < count; i++) {
		const struct range *x = &all[i];
		if (at < x->start || at >= x->end)
			continue;
		if (!best || x->start > best->start ||
		    (x->start == best->start && x->end <= best->end))
			best = x;
	}
	return best ? best->row : 0;
}

static void any_ranges_are_found_as_promised(void **state)
{
	(void)state;
	struct random random = { 7 };
	for (int round = 0; round < 300; round++) {
		struct range all[12];
		struct ranges r = { 0 };
		size_t count = random_between(&random, 1, 12);
		for (size_t i = 0; i < count; i++) {
			uint64_t start = random_between(&random, 0, 40);
			all[i] = (struct range){ start, start + random_between(&random, 1, 20),
						 (uint32_t)i + 1, 0 };
			assert_true(ranges_add(&r, all[i].start, all[i].end, all[i].row));
		}
		assert_true(ranges_finish(&r));
		for (uint64_t at = 0; at < 64; at++)
			assert_int_equal(ranges_find(&r, at), find_slowly(all, count, at));
		ranges_deinit(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_innermost_range_is_found),
		cmocka_unit_test(an_empty_table_holds_nothing),
		cmocka_unit_test(any_ranges_are_found_as_promised),
	};
	return cmocka_run_group_tests_name("symbol/ranges", tests, NULL, NULL);
}
