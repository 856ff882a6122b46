// SPDX-License-Identifier: MIT
#include "cli/options.h" /* before cmocka.h, which has a macro fail() */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

struct fields {
	uint32_t rate;
	uint64_t duration_ns;
	const char *name;
	struct option_list outputs;
	bool flag, inlines;
	const char *form;
};

static const struct option_words forms = {
	.at = (const char *const[]){ "text", "md", "json", NULL },
	.later = (const char *const[]){ "html", NULL },
};

#define FIELD(f) .offset = offsetof(struct fields, f)
static const struct option table[] = {
	{ OPTION_UINT, 'F', "rate", "HZ", "", FIELD(rate) },
	{ OPTION_DURATION, 'd', "duration", "TIME", "", FIELD(duration_ns) },
	{ OPTION_STRING, 0, "name", "NAME", "", FIELD(name) },
	{ OPTION_LIST, 'o', "output", "FILE", "", FIELD(outputs) },
	{ OPTION_FLAG, 'q', "quiet", NULL, "", FIELD(flag) },
	{ OPTION_UNSET, 0, "no-inlines", NULL, "", FIELD(inlines) },
	{ .type = OPTION_IGNORED, .letter = 'g' },
	OPTION_GROUP("form"),
	{ OPTION_WORD, 0, "format", "NAME", "how it looks", FIELD(form), .words = &forms },
	OPTION_END,
};
static const struct command words_between = { .name = "report",
					      .usage = "report CAPTURE",
					      .summary = "Says what is hot.",
					      .options = table };
static const struct command words_end = { .name = "run",
					  .options = table,
					  .stops_at_first_word = true };

/* Splits a line at blanks; argv needs writable strings. */
struct line {
	char text[256], *argv[32];
};

static char **split(struct line *l, const char *text)
{
	size_t n = 0;
	snprintf(l->text, sizeof(l->text), "%s", text);
	for (char *word = strtok(l->text, " "); word; word = strtok(NULL, " "))
		l->argv[n++] = word;
	l->argv[n] = NULL;
	return l->argv;
}

static int parse(const struct command *c, const char *text, struct fields *f, struct arguments *a,
		 struct error *err, struct line *l)
{
	*f = (struct fields){ .inlines = true };
	*err = (struct error){ 0 };
	return options_parse(c, split(l, text), f, a, err);
}

static void all_forms_of_options(void **state)
{
	(void)state;
	struct fields f;
	struct arguments a;
	struct error err;
	struct line l;
	assert_int_equal(parse(&words_between,
			       "x -F99 --duration=2.5 in -o a --output b -qg --no-inlines", &f, &a,
			       &err, &l),
			 0);
	assert_int_equal(f.rate, 99);
	assert_int_equal(f.duration_ns, 2500000000);
	assert_int_equal(f.outputs.count, 2);
	assert_string_equal(f.outputs.at[1], "b");
	assert_true(f.flag);
	assert_false(f.inlines);
	assert_int_equal(a.count, 1);
	assert_string_equal(a.at[0], "in");
}

static void a_command_keeps_its_own_options(void **state)
{
	(void)state;
	struct fields f;
	struct arguments a;
	struct error err;
	struct line l;
	assert_int_equal(parse(&words_end, "run -q ls -F --rate", &f, &a, &err, &l), 0);
	assert_int_equal(a.count, 3);
	assert_string_equal(a.at[1], "-F");
	assert_int_equal(parse(&words_end, "run -q -- -odd -q", &f, &a, &err, &l), 0);
	assert_int_equal(a.count, 2);
	assert_string_equal(a.at[0], "-odd");
	assert_null(a.at[2]);
}

static void wrong_words_are_repeated(void **state)
{
	(void)state;
	static const struct {
		const char *line, *message;
	} cases[] = {
		{ "x -F 12x", "'12x'" },
		{ "x -F 0", "'0'" },
		{ "x -F -5", "'-5'" },
		{ "x -F 99999999999999999999", "'99999999999999999999'" },
		{ "x -d 5parsecs", "'5parsecs'" },
		{ "x -d 0", "'0'" },
		{ "x -d nan", "'nan'" },
		{ "x -d 1e5", "'1e5'" },
		{ "x --durration 5", "did you mean '--duration'" },

		{ "x --zzzzz", "'--zzzzz'" },
		{ "x -Z", "'-Z'" },
		{ "x --quiet=3", "takes no value" },
		{ "x --name", "wants NAME" },
		{ "x --format html", "html is not in this version; it has text, md, json" },
		{ "x --format jsn", "did you mean 'json'" },
		{ "x --format zebra", "there are text, md, json" },
		{ "x --form", "'--form'" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fields f;
		struct arguments a;
		struct error err;
		struct line l;
		assert_int_equal(parse(&words_between, cases[i].line, &f, &a, &err, &l), -EINVAL);
		if (!strstr(err.text, cases[i].message))
			fail_msg("'%s' gave '%s'", cases[i].line, err.text);
	}
}

static void help_shows_groups_words_and_keeps_the_width(void **state)
{
	(void)state;
	char text[4096] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");
	assert_non_null(out);
	options_help(&words_between, 60, out);
	fclose(out);
	assert_non_null(strstr(text, "usage: perfprof report CAPTURE\n"));
	assert_non_null(strstr(text, "\nform:\n      --format NAME"));
	assert_non_null(strstr(text, "how it looks: text (default),\n"));
	assert_non_null(strstr(text, "md or json\n"));
	assert_null(strstr(text, "-g"));
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		assert_true(strlen(line) <= 60);
}

static void sizes(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t bytes;
	} good[] = {
		{ "0", 0 },          { "4096", 4096 },  { "512K", 524288 },
		{ "24M", 25165824 }, { "1G", 1 << 30 },
	};
	static const char *const bad[] = { "",   "M",   "-1",    "1.5M", "24MB",
					   "1m", "24 ", "0x10K", "2T",   "99999999999999999G" };
	size_t bytes;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(parse_size(good[i].text, &bytes), 0);
		assert_int_equal(bytes, good[i].bytes);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse_size(bad[i], &bytes) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
}

static void durations(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = { { "10", 10000000000 },  { "2.5", 2500000000 },  { "500ms", 500000000 },
		     { "10s", 10000000000 }, { "2m", 120000000000 }, { ".5", 500000000 } };
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		uint64_t ns = 0;
		assert_int_equal(parse_duration_ns(good[i].text, &ns), 0);
		assert_int_equal(ns, good[i].ns);
	}
	uint64_t ns = 7;
	static const char *const bad[] = {
		"", "-1", "x", "1 s", "1S", "inf", "0x10", "1.2.3", "."
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse_duration_ns(bad[i], &ns) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
	assert_int_equal(ns, 7);
}

static void ranges_of_time(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t begin_ns, end_ns;
	} good[] = { { "1.5-3", 1500000000, 3000000000 },
		     { "2-", 2000000000, UINT64_MAX },
		     { "-500ms", 0, 500000000 },
		     { "0-1m", 0, 60000000000 },
		     { "0.0-.5", 0, 500000000 } };
	static const char *const bad[] = {
		"", "-", "3", "3-2", "2-2", "a-b", "1-2-3", "1--2", "1-x"
	};
	uint64_t begin_ns, end_ns;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(parse_time_range_ns(good[i].text, &begin_ns, &end_ns), 0);
		assert_int_equal(begin_ns, good[i].begin_ns);
		assert_int_equal(end_ns, good[i].end_ns);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse_time_range_ns(bad[i], &begin_ns, &end_ns) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
}

static void near_words(void **state)
{
	(void)state;
	static const char *const list[] = { "run", "attach", "report", NULL };
	assert_string_equal(nearest_word("atach", list), "attach");
	assert_string_equal(nearest_word("reprot", list), "report");
	assert_string_equal(nearest_word("runn", list), "run");
	assert_null(nearest_word("zebra", list));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_forms_of_options),
		cmocka_unit_test(a_command_keeps_its_own_options),
		cmocka_unit_test(wrong_words_are_repeated),
		cmocka_unit_test(help_shows_groups_words_and_keeps_the_width),
		cmocka_unit_test(sizes),
		cmocka_unit_test(durations),
		cmocka_unit_test(ranges_of_time),
		cmocka_unit_test(near_words),
	};
	return cmocka_run_group_tests_name("cli/options", tests, NULL, NULL);
}
