// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/vec.h"

static void pushes_keep_their_values(void **state)
{
	(void)state;
	VEC(uint32_t) v = { 0 };
	for (uint32_t i = 0; i < 10000; i++)
		assert_true(vec_push(&v, i * 3));
	assert_int_equal(v.count, 10000);
	assert_true(v.capacity >= 10000);
	for (uint32_t i = 0; i < 10000; i++)
		assert_int_equal(v.at[i], i * 3);
	vec_free(&v);
	assert_null(v.at);
	assert_int_equal(v.count + v.capacity, 0);
}

static void structs_with_commas(void **state)
{
	(void)state;
	struct pair {
		int a, b;
	};
	VEC(struct pair) v = { 0 };
	assert_true(vec_push(&v, (struct pair){ 1, 2 }));
	assert_int_equal(v.at[0].a, 1);
	assert_int_equal(v.at[0].b, 2);
	vec_free(&v);
}

static void reserve_grows_once(void **state)
{
	(void)state;
	VEC(uint64_t) v = { 0 };
	assert_true(vec_reserve(&v, 1000));
	uint64_t *before = v.at;
	for (uint64_t i = 0; i < 1000; i++)
		assert_true(vec_push(&v, i));
	assert_ptr_equal(v.at, before);
	vec_free(&v);
}

static void an_absurd_size_leaves_the_vector_unchanged(void **state)
{
	(void)state;
	VEC(uint64_t) v = { 0 };
	assert_true(vec_push(&v, 7));
	uint64_t *at = v.at;
	size_t capacity = v.capacity;
	assert_false(vec_reserve(&v, SIZE_MAX));
	assert_false(vec_reserve(&v, SIZE_MAX / 8 + 1));
	assert_ptr_equal(v.at, at);
	assert_int_equal(v.capacity, capacity);
	assert_int_equal(v.at[0], 7);
	vec_free(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pushes_keep_their_values),
		cmocka_unit_test(structs_with_commas),
		cmocka_unit_test(reserve_grows_once),
		cmocka_unit_test(an_absurd_size_leaves_the_vector_unchanged),
	};
	return cmocka_run_group_tests_name("base/vec", tests, NULL, NULL);
}
