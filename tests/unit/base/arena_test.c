// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/arena.h"

static void memory_is_zeroed_aligned_and_disjoint(void **state)
{
	(void)state;
	struct arena a = { 0 };
	unsigned char *seen[500];
	for (size_t i = 0; i < 500; i++) {
		size_t n = i * 7 % 900 + 1;
		unsigned char *p = arena_alloc(&a, n);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(p[k], 0);
		memset(p, (int)(i & 0x7f) + 1, n);
		seen[i] = p;
	}
	for (size_t i = 0; i < 500; i++)
		for (size_t k = 0; k < i * 7 % 900 + 1; k++)
			assert_int_equal(seen[i][k], (i & 0x7f) + 1);
	arena_deinit(&a);
	assert_null(a.head);
}

static void blocks_bigger_than_the_usual_one(void **state)
{
	(void)state;
	struct arena a = { 0 };
	unsigned char *small = arena_alloc(&a, 10), *big = arena_alloc(&a, 5000000);
	assert_non_null(small);
	assert_non_null(big);
	big[4999999] = 1;
	assert_true(a.total_bytes >= 5000000);
	assert_non_null(arena_alloc(&a, 10));
	arena_deinit(&a);
}

static void size_zero_is_a_pointer_of_its_own_use(void **state)
{
	(void)state;
	struct arena a = { 0 };
	assert_non_null(arena_alloc(&a, 0));
	assert_non_null(arena_copy(&a, NULL, 0));
	assert_string_equal(arena_strndup(&a, "", 0), "");
	arena_deinit(&a);
}

static void absurd_sizes_yield_null(void **state)
{
	(void)state;
	struct arena a = { 0 };
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc(&a, SIZE_MAX - 7));
	assert_null(arena_strndup(&a, "x", SIZE_MAX));
	assert_null(arena_strndup(&a, "x", SIZE_MAX - 1));
	assert_null(a.head);
	arena_deinit(&a);
}

static void copies(void **state)
{
	(void)state;
	struct arena a = { 0 };
	char text[] = "abcdef";
	char *copy = arena_strndup(&a, text, 3);
	unsigned char *bytes = arena_copy(&a, text, 4);
	text[0] = 'X';
	assert_string_equal(copy, "abc");
	assert_memory_equal(bytes, "abcd", 4);
	arena_deinit(&a);
	arena_deinit(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed_aligned_and_disjoint),
		cmocka_unit_test(blocks_bigger_than_the_usual_one),
		cmocka_unit_test(size_zero_is_a_pointer_of_its_own_use),
		cmocka_unit_test(absurd_sizes_yield_null),
		cmocka_unit_test(copies),
	};
	return cmocka_run_group_tests_name("base/arena", tests, NULL, NULL);
}
