// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "render/short_name.h"

#include <cmocka.h>

static void assert_short(const char *name, size_t width, const char *expected)
{
	struct strbuf out = { 0 };
	short_name(&out, name, width);
	assert_string_equal(strbuf_text(&out), expected);
	strbuf_deinit(&out);
}

static void a_name_that_fits_stays(void **state)
{
	(void)state;
	assert_short("f(unsigned int, char const*)", 28, "f(unsigned int, char const*)");
	assert_short("", 5, "");
}

static void parameters_go_first(void **state)
{
	(void)state;
	assert_short("v8::internal::JsonParser::Parse(v8::internal::Handle<v8::internal::Object>)",
		     40, "v8::internal::JsonParser::Parse(...)");
	assert_short("a::long_name_of(int (*)(char), unsigned long) const", 32,
		     "a::long_name_of(...) const");
	assert_short("a::long_name_of(unsigned long, unsigned) [clone .isra.0]", 40,
		     "a::long_name_of(...) [clone .isra.0]");
	assert_short("Class::operator()(unsigned long, unsigned long)", 30,
		     "Class::operator()(...)");
}

static void template_arguments_go_next(void **state)
{
	(void)state;
	assert_short("void sort_them<char const*, less<unsigned> >(char const*, char const*)", 24,
		     "void sort_them<...>(...)");
	assert_short("box<some_long_type>::operator<<(std::ostream&)", 30,
		     "box<...>::operator<<(...)");
}

static void what_is_no_cxx_loses_its_middle(void **state)
{
	(void)state;
	assert_short("<alloc::raw_vec::RawVecInner>::finish_grow", 30,
		     "<alloc::raw_ve...::finish_grow");
	assert_short("main.(*Type).WithAVeryLongName", 20, "main.(*Ty...LongName");
	assert_short("(anonymous namespace)::worker_of_many_things", 20, "(anonymou...y_things");
	assert_short("broken<<<<(((((((((((((((((((((", 12, "broke...((((");
	assert_short("))))))))))))))))>>>>>>>>>>>>>>>>", 9, ")))...>>>");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_that_fits_stays),
		cmocka_unit_test(parameters_go_first),
		cmocka_unit_test(template_arguments_go_next),
		cmocka_unit_test(what_is_no_cxx_loses_its_middle),
	};
	return cmocka_run_group_tests_name("render/short_name", tests, NULL, NULL);
}
