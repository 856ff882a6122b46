// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "symbol/demangle.h"

#include <cmocka.h>

static void check(const char *mangled, const char *wanted)
{
	struct strbuf out = { 0 };
	strbuf_puts(&out, "<");
	assert_int_equal(demangle(mangled, &out), wanted != NULL);
	assert_string_equal(strbuf_text(&out) + 1, wanted ? wanted : "");
	strbuf_deinit(&out);
}

static void names_become_readable(void **state)
{
	(void)state;
	/* From the Itanium C++ ABI, 5.1, and Rust RFC 2603. */
	check("_Z1fv", "f()");
	check("_Z3fooILi2EEvRAplT_Li1E_i", "void foo<2>(int (&) [(2)+(1)])");
	check("_ZNKSt6vectorIiSaIiEE4sizeEv",
	      "std::vector<int, std::allocator<int> >::size() const");
	check("_ZN1AC4Ev", "A::A()");
	check("_ZL7countedi.cold", "counted(int) [clone .cold]");
	check("_ZNSs4swapERSs",
	      "std::basic_string<char, std::char_traits<char>, std::allocator<char> >::swap("
	      "std::basic_string<char, std::char_traits<char>, std::allocator<char> >&)");
	check("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core::fmt::Formatter::pad");
	check("_RNvC6_123foo3bar", "123foo::bar");
	check("_RINvNtC3std3mem8align_ofdE", "std::mem::align_of::<f64>");
	check("_Z1fv@plt", "f()@plt");
}

static void what_is_not_mangled_stays(void **state)
{
	(void)state;
	check("main", NULL);
	check("", NULL);
	check("_", NULL);
	check("_Z", NULL);
	check("_Zebra crossing", NULL);
	check("_R", NULL);
	check("_ZN", NULL);
	check("@plt", NULL);
	check("_Z@plt", NULL);
	check("operator new", NULL);
}

/* Parameters a, b<a, a>, b<b<a, a>, b<a, a>>, ...: each names the one before it twice. */
static void doubling_name(char *out, int levels)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	out = stpcpy(out, "_Z1f1a1bIS_S_E");
	for (int i = 1; i <= levels; i++)
		out += sprintf(out, "S0_IS%c_S%c_E", digits[i], digits[i]);
}

static void exploding_names_are_refused_soon(void **state)
{
	(void)state;
	char name[1024];
	struct strbuf out = { 0 };
	doubling_name(name, 2);
	check(name, "f(a, b<a, a>, b<b<a, a>, b<a, a> >, b<b<b<a, a>, b<a, a> >, b<b<a, a>, b<a, "
		    "a> > >)");
	doubling_name(name, 34); /* would have 2^36 leaves */
	clock_t begin = clock();
	assert_false(demangle(name, &out));
	assert_int_equal(out.length, 0);
	assert_true(clock() - begin < 2 * CLOCKS_PER_SEC);
	strbuf_deinit(&out);
}

static void long_and_deep_names_are_bounded(void **state)
{
	(void)state;
	static char name[1 << 20];
	static const char *const repeated[] = { "P",  "N", "I",   "1",    "_",
						"St", "F", "A1_", "DpT_", "XsrT_" };
	static const size_t lengths[] = { 1000, 1023, 1024, 4000, 4096, 4097, sizeof(name) - 8 };
	for (size_t r = 0; r < sizeof(repeated) / sizeof(repeated[0]); r++) {
		for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
			size_t part = strlen(repeated[r]), at = 4;
			memcpy(name, "_Z1f", 4);
			for (; at + part < lengths[l]; at += part)
				memcpy(name + at, repeated[r], part);
			name[at] = 0;
			struct strbuf out = { 0 };
			demangle(name, &out);
			memcpy(name, "_RNv", 4);
			demangle(name, &out);
			strbuf_deinit(&out);
		}
	}
	/* An honest name of 2,000 bytes is still demangled. */
	strcpy(name, "_Z1f");
	for (int i = 0; i < 500; i++)
		strcat(name, i % 2 ? "Pi" : "Rd");
	struct strbuf out = { 0 };
	assert_true(demangle(name, &out));
	strbuf_deinit(&out);
	strcpy(name, "_ZN");
	for (int i = 0; i < 150; i++)
		strcat(name, "12namespace_ab");
	strcat(name, "1fEv");
	assert_true(demangle(name, &out));
	strbuf_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_become_readable),
		cmocka_unit_test(what_is_not_mangled_stays),
		cmocka_unit_test(exploding_names_are_refused_soon),
		cmocka_unit_test(long_and_deep_names_are_bounded),
	};
	return cmocka_run_group_tests_name("symbol/demangle", tests, NULL, NULL);
}
