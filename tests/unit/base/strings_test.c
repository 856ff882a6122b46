// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "base/strings.h"

static void appends_and_stays_terminated(void **state)
{
	(void)state;
	struct strbuf b = { 0 };
	assert_string_equal(strbuf_text(&b), "");
	strbuf_puts(&b, "ab");
	strbuf_putc(&b, 'c');
	strbuf_add(&b, "d\0e", 3);
	strbuf_add(&b, NULL, 0);
	assert_int_equal(b.length, 6);
	assert_memory_equal(b.text, "abcd\0e\0", 7);
	strbuf_clear(&b);
	assert_string_equal(strbuf_text(&b), "");
	strbuf_deinit(&b);
	strbuf_deinit(&b);
}

static void numbers(void **state)
{
	(void)state;
	const uint64_t values[] = { 0, 1, 9, 10, 99, 100, 1234567890, UINT64_MAX };
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		char expect[32];
		struct strbuf b = { 0 };
		snprintf(expect, sizeof(expect), "x%llu", (unsigned long long)values[i]);
		strbuf_putc(&b, 'x');
		strbuf_u64(&b, values[i]);
		assert_string_equal(b.text, expect);
		strbuf_deinit(&b);
	}
}

static void printf_of_any_length(void **state)
{
	(void)state;
	char big[5000];
	memset(big, 'y', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	struct strbuf b = { 0 };
	for (int i = 0; i < 3; i++)
		strbuf_printf(&b, "%d:%s;", i, big);
	assert_int_equal(b.length, 3 * (2 + 4999 + 1));
	assert_memory_equal(b.text + 5002, "1:yy", 4);
	strbuf_deinit(&b);
}

static void a_failed_reserve_is_sticky_until_cleared(void **state)
{
	(void)state;
	struct strbuf b = { 0 };
	strbuf_puts(&b, "kept");
	assert_false(strbuf_reserve(&b, SIZE_MAX));
	assert_true(b.failed);
	strbuf_puts(&b, "lost");
	strbuf_printf(&b, "lost %d", 1);
	strbuf_u64(&b, 1);
	assert_string_equal(b.text, "kept");
	assert_false(strbuf_reserve(&b, 1));
	strbuf_clear(&b);
	strbuf_puts(&b, "new");
	assert_string_equal(b.text, "new");
	strbuf_deinit(&b);
}

static void equal_strings_have_equal_ids(void **state)
{
	(void)state;
	struct strings s;
	assert_int_equal(strings_init(&s), 0);
	assert_int_equal(strings_intern(&s, "").v, 0);
	assert_int_equal(strings_intern(&s, NULL).v, 0);
	assert_int_equal(strings_intern(&s, "a").v, 1);
	assert_int_equal(strings_intern_bytes(&s, "ab", 1).v, 1);
	assert_int_equal(strings_intern_bytes(&s, "a\0", 2).v, 2);
	assert_int_equal(strings_intern_bytes(&s, "a\0b", 3).v, 3);
	assert_string_equal(strings_text(&s, (string_id){ 1 }), "a");
	assert_string_equal(strings_text(&s, (string_id){ 99 }), "");
	strings_deinit(&s);
}

static void many_strings_keep_their_addresses(void **state)
{
	(void)state;
	struct strings s;
	assert_int_equal(strings_init(&s), 0);
	const char *first = strings_text(&s, strings_intern(&s, "string 0"));
	char text[32];
	for (uint32_t turn = 0; turn < 2; turn++)
		for (uint32_t i = 0; i < 20000; i++) {
			snprintf(text, sizeof(text), "string %u", i);
			assert_int_equal(strings_intern(&s, text).v, i + 1);
			text[0] = 'X';
		}
	assert_int_equal(s.count, 20001);
	assert_ptr_equal(strings_text(&s, (string_id){ 1 }), first);
	assert_string_equal(strings_text(&s, (string_id){ 20000 }), "string 19999");
	strings_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(appends_and_stays_terminated),
		cmocka_unit_test(numbers),
		cmocka_unit_test(printf_of_any_length),
		cmocka_unit_test(a_failed_reserve_is_sticky_until_cleared),
		cmocka_unit_test(equal_strings_have_equal_ids),
		cmocka_unit_test(many_strings_keep_their_addresses),
	};
	return cmocka_run_group_tests_name("base/strings", tests, NULL, NULL);
}
