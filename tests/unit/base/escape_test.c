// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/escape.h"

typedef void (*escape_function)(struct strbuf *, const char *);

static void check(escape_function escape, const char *text, const char *expect)
{
	struct strbuf b = { 0 };
	escape(&b, text);
	assert_string_equal(strbuf_text(&b), expect);
	strbuf_deinit(&b);
}

static void utf8_by_rfc_3629(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t length;
	} cases[] = {
		{ "a", 1 },
		{ "\xc2\x80", 2 },
		{ "\xdf\xbf", 2 },
		{ "\xe0\xa0\x80", 3 },
		{ "\xed\x9f\xbf", 3 },
		{ "\xee\x80\x80", 3 },
		{ "\xef\xbf\xbf", 3 },
		{ "\xf0\x90\x80\x80", 4 },
		{ "\xf4\x8f\xbf\xbf", 4 },
		{ "\x80", 0 }, /* a continuation alone */
		{ "\xbf", 0 },
		{ "\xc0\x80", 0 }, /* overlong */
		{ "\xc1\xbf", 0 },
		{ "\xe0\x9f\xbf", 0 },
		{ "\xf0\x8f\xbf\xbf", 0 },
		{ "\xed\xa0\x80", 0 }, /* surrogates */
		{ "\xed\xbf\xbf", 0 },
		{ "\xf4\x90\x80\x80", 0 }, /* beyond U+10FFFF */
		{ "\xf5\x80\x80\x80", 0 },
		{ "\xff", 0 },
		{ "\xc3", 0 }, /* cut off */
		{ "\xe2\x82", 0 },
		{ "\xf0\x9f\x98", 0 },
		{ "\xc3(", 0 },
		{ "\xe2\x82(", 0 },
		{ "\xf0\x9f\x98(", 0 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(utf8_length(cases[i].text), cases[i].length);
}

static void terminal_obeys_nothing_of_a_target(void **state)
{
	(void)state;
	check(escape_terminal, "plain \xc3\xa9 \xf0\x9f\x98\x80",
	      "plain \xc3\xa9 \xf0\x9f\x98\x80");
	check(escape_terminal, "\x1b[31mred\x07", "?[31mred?");
	check(escape_terminal, "a\nb\tc\rd\x7f", "a?b?c?d?");
	check(escape_terminal,
	      "\xc2\x9b"
	      "31m",
	      "?31m"); /* C1: CSI */
	check(escape_terminal,
	      "\x9b"
	      "31m",
	      "?31m"); /* the same in Latin-1 */
	check(escape_terminal, "\xc2\x80\xc2\x9f\xc2\xa0", "??\xc2\xa0");
	check(escape_terminal, "cut\xe2\x82", "cut??");
}

static void xml_is_wellformed(void **state)
{
	(void)state;
	check(escape_xml, "std::map<a, b>& \"x\" 'y'",
	      "std::map&lt;a, b&gt;&amp; &quot;x&quot; &#39;y&#39;");
	check(escape_xml,
	      "a\x01"
	      "b\x1f",
	      "a\xef\xbf\xbd"
	      "b\xef\xbf\xbd");
	check(escape_xml, "\xff", "\xef\xbf\xbd");
	check(escape_xml, "\xef\xbf\xbe\xef\xbf\xbf", "\xef\xbf\xbd\xef\xbf\xbd");
	check(escape_xml, "\xef\xbf\xbc", "\xef\xbf\xbc");
	check(escape_xml, "\xc2\x85", "\xef\xbf\xbd");
	check(escape_xml, "</script>", "&lt;/script&gt;");
}

static void folded_keeps_one_frame_one_field(void **state)
{
	(void)state;
	check(escape_folded, "a;b c", "a:b c");
	check(escape_folded, "a\nb\x7f", "a?b?");
	check(escape_folded, "\xc3\xa9", "\xc3\xa9");
	check(escape_folded, "\xff", "\xff");
}

static void json_by_rfc_8259(void **state)
{
	(void)state;
	check(escape_json, "say \"hi\" \\ \n", "say \\\"hi\\\" \\\\ \\u000a");
	check(escape_json, "</script>", "\\u003c/script>");
	check(escape_json, "\xc0\x80\xe2\x82\xac", "\xef\xbf\xbd\xef\xbf\xbd\xe2\x82\xac");
	check(escape_json, "\x7f", "\\u007f");
}

static void markdown_stays_one_cell(void **state)
{
	(void)state;
	check(escape_markdown, "a|b `c` <d>\n", "a\\|b 'c' &lt;d>?");
	check(escape_markdown, "\xc2\x9b\xff", "??");
}

static void every_byte_alone_and_before_the_end(void **state)
{
	(void)state;
	static const escape_function all[] = { escape_terminal, escape_xml, escape_folded,
					       escape_json, escape_markdown };
	for (size_t f = 0; f < sizeof(all) / sizeof(*all); f++)
		for (int byte = 1; byte < 256; byte++) {
			/* Exactly two bytes: a read beyond the NUL is seen by the sanitizer. */
			char *text = test_malloc(2);
			text[0] = (char)byte;
			text[1] = 0;
			struct strbuf b = { 0 };
			all[f](&b, text);
			assert_true(b.length >= 1);
			for (size_t i = 0; i < b.length; i++)
				assert_true((unsigned char)b.text[i] >= 0x20);
			strbuf_deinit(&b);
			test_free(text);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_by_rfc_3629),
		cmocka_unit_test(terminal_obeys_nothing_of_a_target),
		cmocka_unit_test(xml_is_wellformed),
		cmocka_unit_test(folded_keeps_one_frame_one_field),
		cmocka_unit_test(json_by_rfc_8259),
		cmocka_unit_test(markdown_stays_one_cell),
		cmocka_unit_test(every_byte_alone_and_before_the_end),
	};
	return cmocka_run_group_tests_name("base/escape", tests, NULL, NULL);
}
