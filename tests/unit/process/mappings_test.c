// SPDX-License-Identifier: MIT
#include "process/mappings.h" /* before cmocka.h, which has a macro fail() */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct mapping of(uint64_t start, uint64_t end, uint64_t file_off, uint32_t file)
{
	return (struct mapping){ start, end, file_off, { file }, 0 };
}

static void add(struct mappings **m, struct mapping mapping)
{
	assert_true(mappings_add(m, &mapping));
}

static void assert_at(const struct mappings *m, uint64_t pc, uint32_t file, uint64_t file_off)
{
	const struct mapping *found = mappings_find(m, pc);
	assert_non_null(found);
	assert_int_equal(found->mapped.v, file);
	assert_int_equal(pc - found->start + found->file_off, file_off);
}

static void finds_by_half_open_intervals(void **state)
{
	(void)state;
	struct mappings *m = mappings_create();
	add(&m, of(0x5000, 0x6000, 0, 2));
	add(&m, of(0x1000, 0x2000, 0x100, 1));
	assert_null(mappings_find(m, 0xfff));
	assert_at(m, 0x1000, 1, 0x100);
	assert_at(m, 0x1fff, 1, 0x10ff);
	assert_null(mappings_find(m, 0x2000));
	assert_at(m, 0x5abc, 2, 0xabc);
	mappings_unref(m);
}

static void a_newer_mapping_wins(void **state)
{
	(void)state;
	struct mappings *m = mappings_create();
	add(&m, of(0x1000, 0x9000, 0, 1));
	add(&m, of(0x3000, 0x4000, 0x10, 2)); /* in the middle: both ends stay */
	assert_at(m, 0x2fff, 1, 0x1fff);
	assert_at(m, 0x3000, 2, 0x10);
	assert_at(m, 0x4000, 1, 0x3000);
	assert_int_equal(m->list.count, 3);
	add(&m, of(0x800, 0x3800, 0, 3)); /* covers the first, cuts the second */
	assert_at(m, 0x1000, 3, 0x800);
	assert_at(m, 0x3800, 2, 0x810);
	add(&m, of(0, 0x10000, 0, 4)); /* covers all */
	assert_int_equal(m->list.count, 1);
	add(&m, of(0x5000, 0x5000, 0, 5)); /* empty: nothing happens */
	assert_at(m, 0x5000, 4, 0x5000);
	mappings_unref(m);
}

static void a_fork_keeps_what_its_parent_changes(void **state)
{
	(void)state;
	struct mappings *parent = mappings_create();
	add(&parent, of(0x1000, 0x2000, 0, 1));
	struct mappings *child = mappings_ref(parent);
	add(&parent, of(0x1000, 0x2000, 0, 2));
	assert_at(child, 0x1000, 1, 0);
	assert_at(parent, 0x1000, 2, 0);
	mappings_unref(child);
	mappings_unref(parent);
	mappings_unref(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_by_half_open_intervals),
		cmocka_unit_test(a_newer_mapping_wins),
		cmocka_unit_test(a_fork_keeps_what_its_parent_changes),
	};
	return cmocka_run_group_tests_name("process/mappings", tests, NULL, NULL);
}
