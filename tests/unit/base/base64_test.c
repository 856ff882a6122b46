// SPDX-License-Identifier: MIT
#include "base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void assert_encodes(const char *plain, const char *expected)
{
	struct strbuf text = { 0 }, back = { 0 };
	size_t bad;
	base64_encode(&text, plain, strlen(plain), 0);
	assert_string_equal(strbuf_text(&text), expected);
	assert_true(base64_decode(&back, strbuf_text(&text), text.length, &bad));
	assert_string_equal(strbuf_text(&back), plain);
	strbuf_deinit(&text);
	strbuf_deinit(&back);
}

/* RFC 4648, 10 */
static void the_vectors_of_the_rfc(void **state)
{
	(void)state;
	assert_encodes("", "");
	assert_encodes("f", "Zg==");
	assert_encodes("fo", "Zm8=");
	assert_encodes("foo", "Zm9v");
	assert_encodes("foob", "Zm9vYg==");
	assert_encodes("fooba", "Zm9vYmE=");
	assert_encodes("foobar", "Zm9vYmFy");
	assert_encodes("\xfb\xff\xbf", "+/+/");
}

static void lines_have_the_columns_asked_for(void **state)
{
	(void)state;
	struct strbuf text = { 0 }, back = { 0 };
	size_t bad;
	base64_encode(&text, "foobarfoobar", 12, 8);
	assert_string_equal(strbuf_text(&text), "Zm9vYmFy\nZm9vYmFy\n");
	assert_true(base64_decode(&back, text.text, text.length, &bad));
	assert_string_equal(strbuf_text(&back), "foobarfoobar");
	strbuf_deinit(&text);
	strbuf_deinit(&back);
}

static void damage_is_told_by_its_place(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t bad;
	} cases[] = {
		{ "Zm9v!", 4 }, { "Zm9", 3 }, { "Z===", 1 }, { "Zg=v", 3 }, { "Zg==Zg==", 4 }
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct strbuf out = { 0 };
		size_t bad = 99;
		assert_false(base64_decode(&out, cases[i].text, strlen(cases[i].text), &bad));
		assert_int_equal(bad, cases[i].bad);
		strbuf_deinit(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vectors_of_the_rfc),
		cmocka_unit_test(lines_have_the_columns_asked_for),
		cmocka_unit_test(damage_is_told_by_its_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
