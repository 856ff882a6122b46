// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "base/map.h"
#include "base/random.h"

enum { KEYS = 512, TURNS = 200000 };

/* The oracle is an array: every key that the walk uses is below KEYS. */
static void a_random_walk_agrees_with_an_array(void **state)
{
	(void)state;
	struct map64 m = { 0 };
	struct random r = { .state = 1 };
	uint32_t truth[KEYS] = { 0 };
	size_t count = 0;
	for (unsigned i = 0; i < TURNS; i++) {
		uint64_t key = random_between(&r, 0, KEYS - 1);
		if (random_between(&r, 0, 2)) {
			uint32_t row = (uint32_t)random_between(&r, 1, UINT32_MAX);
			count += !truth[key];
			truth[key] = row;
			assert_true(map64_put(&m, key, row));
		} else {
			count -= truth[key] != 0;
			truth[key] = 0;
			map64_remove(&m, key);
		}
		assert_int_equal(m.count, count);
		uint64_t asked = random_between(&r, 0, KEYS - 1);
		assert_int_equal(map64_get(&m, asked), truth[asked]);
	}
	for (uint64_t key = 0; key < KEYS; key++)
		assert_int_equal(map64_get(&m, key), truth[key]);
	map64_deinit(&m);
}

/* Keys whose hashes begin at one slot of a table of 16, some of which wrap over its end. */
static size_t keys_of_slot(size_t slot, uint64_t *keys, size_t want)
{
	size_t n = 0;
	for (uint64_t key = 1; n < want; key++)
		if ((hash_u64(key) & 15) == slot)
			keys[n++] = key;
	return n;
}

static void removal_inside_a_run_of_collisions(void **state)
{
	(void)state;
	for (unsigned gone = 0; gone < 8; gone++) {
		struct map64 m = { 0 };
		uint64_t keys[8];
		keys_of_slot(14, keys, 5);
		keys_of_slot(15, keys + 5, 2);
		keys_of_slot(0, keys + 7, 1);
		for (uint32_t i = 0; i < 8; i++)
			assert_true(map64_put(&m, keys[i], i + 1));
		assert_int_equal(m.capacity, 16);
		map64_remove(&m, keys[gone]);
		for (uint32_t i = 0; i < 8; i++)
			assert_int_equal(map64_get(&m, keys[i]), i == gone ? 0 : i + 1);
		map64_deinit(&m);
	}
}

static void an_empty_map_answers(void **state)
{
	(void)state;
	struct map64 m = { 0 };
	assert_int_equal(map64_get(&m, 5), 0);
	map64_remove(&m, 5);
	assert_true(map64_put(&m, 0, 9));
	assert_true(map64_put(&m, UINT64_MAX, 10));
	assert_int_equal(map64_get(&m, 0), 9);
	assert_int_equal(map64_get(&m, UINT64_MAX), 10);
	map64_remove(&m, 0);
	map64_remove(&m, 0);
	assert_int_equal(m.count, 1);
	map64_deinit(&m);
}

static bool index_has(const struct row_index *ix, uint64_t hash, uint32_t wanted)
{
	uint32_t row;
	for (struct index_probe p = index_find(ix, hash); (row = index_next(ix, &p));)
		if (row == wanted)
			return true;
	return false;
}

static void an_index_yields_all_rows_of_a_hash(void **state)
{
	(void)state;
	struct row_index ix = { 0 };
	assert_false(index_has(&ix, 1, 1));
	/* Three rows a hash, and hashes that share their low bits. */
	for (uint32_t row = 1; row <= 3000; row++)
		assert_true(index_add(&ix, (uint64_t)(row % 1000) << 4, row));
	for (uint32_t row = 1; row <= 3000; row++) {
		assert_true(index_has(&ix, (uint64_t)(row % 1000) << 4, row));
		assert_false(index_has(&ix, (uint64_t)(row % 1000) << 4, row + 1));
	}
	index_deinit(&ix);
}

static void bytes_hash_by_content_and_length(void **state)
{
	(void)state;
	char a[32] = "the same sixteen bytes and more", b[40];
	memcpy(b + 3, a, sizeof(a)); /* another alignment */
	for (size_t n = 0; n < sizeof(a); n++)
		assert_true(hash_bytes(a, n) == hash_bytes(b + 3, n));
	for (size_t n = 1; n < sizeof(a); n++)
		assert_true(hash_bytes(a, n) != hash_bytes(a, n - 1));
	assert_true(hash_bytes("\0", 1) != hash_bytes("\0\0", 2));
	assert_true(hash_bytes("12345678\0", 9) != hash_bytes("12345678", 8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_random_walk_agrees_with_an_array),
		cmocka_unit_test(removal_inside_a_run_of_collisions),
		cmocka_unit_test(an_empty_map_answers),
		cmocka_unit_test(an_index_yields_all_rows_of_a_hash),
		cmocka_unit_test(bytes_hash_by_content_and_length),
	};
	return cmocka_run_group_tests_name("base/map", tests, NULL, NULL);
}
