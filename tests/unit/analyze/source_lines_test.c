// SPDX-License-Identifier: MIT
#include "stacks.h"

#include <errno.h>

#include "analyze/source_lines.h"
#include "profile/pprof.h"
#include "profile/sources.h"

static const char profile_text[] = "app;main@prog:3;work@prog:10 40\n"
				   "app;main@prog:3;work@prog:12;memcpy@/lib/libc.so.6 30\n"
				   "app;main@prog:4;work@prog:12;work@prog:12;work@prog:10 20\n"
				   "app;main@prog:4;ns::list<int>::sort(int)@prog:7 9\n"
				   "app;main@prog:4;resort@prog:8 1\n";

static struct source_lines build(const struct profile *p, const char *name, size_t functions)
{
	struct source_lines s;
	assert_int_equal(source_lines_build(p, name, &s, NULL), 0);
	assert_int_equal(s.count, functions);
	assert_int_equal(s.samples, 100);
	return s;
}

static void samples_are_counted_by_line(void **state)
{
	(void)state;
	struct profile *p = stacks_profile(profile_text);
	struct source_lines s = build(p, "work", 1);
	const struct source_function *f = &s.at[0];
	assert_string_equal(profile_string(p, f->file), "work.c");
	assert_int_equal(f->self, 60);
	assert_int_equal(f->total, 90);
	assert_int_equal(f->line_count, 2);
	assert_int_equal(f->lines[0].line, 10);
	assert_int_equal(f->lines[0].self, 60);
	assert_int_equal(f->lines[0].total, 60);
	assert_int_equal(f->lines[1].line, 12);
	assert_int_equal(f->lines[1].self, 0);
	assert_int_equal(f->lines[1].total, 50); /* recursion counts once */
	source_lines_deinit(&s);
	profile_destroy(p);
}

static void names_are_whole_then_short_then_patterns(void **state)
{
	(void)state;
	struct profile *p = stacks_profile(profile_text);
	static const struct {
		const char *name;
		size_t functions;
		const char *first;
	} cases[] = { { "sort", 1, "ns::list<int>::sort(int)" },
		      { "ns::list<int>::sort(int)", 1, "ns::list<int>::sort(int)" },
		      { "sor[t]", 2, "ns::list<int>::sort(int)" },
		      { "^w|^mai", 2, "work" } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct source_lines s = build(p, cases[i].name, cases[i].functions);
		assert_string_equal(profile_string(p, s.at[0].function), cases[i].first);
		source_lines_deinit(&s);
	}
	static const char *const none[] = { "", "nix", "a(b" };
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		struct source_lines s;
		struct error err = { 0 };
		assert_int_equal(source_lines_build(p, none[i], &s, &err), -ENOENT);
		assert_non_null(strstr(err.text, "no sampled function is called '"));
	}
	profile_destroy(p);
}

static void assert_line(const struct profile *p, const char *file, uint32_t line, const char *text)
{
	size_t length = 0;
	bool newer = false;
	for (uint32_t i = 0; i < p->strings.count; i++) {
		if (strcmp(p->strings.text[i], file) != 0)
			continue;
		const char *found = profile_source_text(p, (string_id){ i }, line, &length, &newer);
		assert_int_equal(found != NULL, text != NULL);
		if (text) {
			assert_int_equal(length, strlen(text));
			assert_memory_equal(found, text, length);
			assert_true(newer);
		}
		return;
	}
	fail_msg("no string '%s'", file);
}

static void a_capture_keeps_source_lines(void **state)
{
	(void)state;
	struct profile *p = stacks_profile(profile_text), *again;
	struct source_list list = { 0 };
	const struct profile_source pieces[] = {
		{ "work.c", 40, "forty\n", true }, { "work.c", 9, "nine\n\n\televen\n", true },
		{ "work.c", 9, "nine\n", true },   { "nobody.c", 1, "secret\n", true },
		{ "main.c", 3, "main\n", true },
	};
	for (size_t i = 0; i < 5; i++)
		assert_true(sources_add(&list, &pieces[i]));
	assert_int_equal(profile_attach_sources(p, &list, NULL), 0);
	sources_deinit(&list);
	assert_int_equal(p->source_count, 3);
	assert_string_equal(p->sources[0].file, "main.c");
	struct strbuf packed = { 0 }, twice = { 0 };
	assert_int_equal(pprof_write(p, &packed, NULL), 0);
	assert_int_equal(pprof_read(packed.text, packed.length, &again, NULL), 0);
	assert_int_equal(pprof_write(again, &twice, NULL), 0);
	assert_int_equal(packed.length, twice.length);
	assert_memory_equal(packed.text, twice.text, packed.length);
	assert_line(again, "work.c", 9, "nine");
	assert_line(again, "work.c", 10, "");
	assert_line(again, "work.c", 11, "\televen");
	assert_line(again, "work.c", 12, NULL);
	assert_line(again, "work.c", 40, "forty");
	assert_line(again, "main.c", 3, "main");
	assert_line(again, "main.c", 2, NULL);
	strbuf_deinit(&packed);
	strbuf_deinit(&twice);
	profile_destroy(again);
	profile_destroy(p);
}

static void the_hottest_lines_come_first(void **state)
{
	(void)state;
	struct profile *p = stacks_profile(profile_text);
	struct source_line_id hot[3];
	assert_int_equal(profile_hot_lines(p, hot, 3), 3);
	assert_string_equal(profile_string(p, hot[0].file), "work.c");
	assert_int_equal(hot[0].line, 10);
	assert_int_equal(hot[1].line, 7);
	assert_string_equal(profile_string(p, hot[2].file), "resort.c");
	profile_destroy(p);
}

static void text_is_limited(void **state)
{
	(void)state;
	struct source_list list = { 0 };
	char *big = test_malloc(SOURCES_MAX_BYTES + 2);
	memset(big, 'x', SOURCES_MAX_BYTES + 1);
	big[SOURCES_MAX_BYTES + 1] = 0;
	struct profile_source piece = { "a.c", 1, big, false };
	assert_true(sources_add(&list, &piece));
	assert_int_equal(list.all.count, 0);
	big[SOURCES_MAX_BYTES] = 0;
	assert_true(sources_add(&list, &piece));
	assert_int_equal(list.all.count, 1);
	piece.text = "one more\n";
	assert_true(sources_add(&list, &piece));
	assert_int_equal(list.all.count, 1);
	sources_deinit(&list);
	test_free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_are_counted_by_line),
		cmocka_unit_test(names_are_whole_then_short_then_patterns),
		cmocka_unit_test(a_capture_keeps_source_lines),
		cmocka_unit_test(the_hottest_lines_come_first),
		cmocka_unit_test(text_is_limited),
	};
	return cmocka_run_group_tests_name("analyze/source_lines", tests, NULL, NULL);
}
