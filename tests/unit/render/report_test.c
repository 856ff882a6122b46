// SPDX-License-Identifier: MIT
#include "../analyze/stacks.h"

#include <math.h>

#include <cjson/cJSON.h>

#include "render/report.h"

static char *render(struct profile *p, struct report_options options)
{
	struct strbuf out = { 0 };
	assert_int_equal(report_render(p, &options, &out, NULL), 0);
	assert_int_equal(strlen(out.text), out.length);
	return out.text;
}

static cJSON *render_json(struct profile *p)
{
	char *text = render(p, (struct report_options){ .format = REPORT_JSON });
	cJSON *root = cJSON_Parse(text);
	assert_non_null(root);
	free(text);
	return root;
}

static double number(const cJSON *o, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);
	assert_true(cJSON_IsNumber(item));
	assert_true(isfinite(item->valuedouble));
	return item->valuedouble;
}

static const char *text(const cJSON *o, const char *key)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));
	assert_non_null(s);
	return s;
}

/* Makes one line of a paragraph. */
static void unwrap(char *text)
{
	char *to = text;
	for (const char *at = text; *at; at++)
		if (*at != '\n')
			*to++ = *at;
		else
			for (*to++ = ' '; at[1] == ' ';)
				at++;
	*to = '\0';
}

static void json_has_the_contracts_fields(void **state)
{
	(void)state;
	struct profile *p = stacks_profile("t;main@prog:3;hot@/lib/libx.so.1:7 30\n"
					   "t;[truncated];hot@/lib/libx.so.1:7 10\n");
	p->meta.lost_samples = 4;
	cJSON *root = render_json(p), *capture = cJSON_GetObjectItem(root, "capture");
	assert_string_equal(text(root, "schema"), "perfprof.report/1");
	assert_string_equal(text(capture, "command"), "prog --size 3");
	assert_true(number(capture, "samples") == 40);
	assert_true(number(capture, "lost_samples") == 4);
	assert_true(number(capture, "truncated_samples") == 10);
	assert_true(number(capture, "profiler_cpu_s") == 0.02);
	const cJSON *reason =
		cJSON_GetArrayItem(cJSON_GetObjectItem(capture, "truncated_reasons"), 0);
	assert_string_equal(text(reason, "id"), "no-rule");
	assert_true(number(reason, "samples") == 10);
	const cJSON *hot = cJSON_GetArrayItem(cJSON_GetObjectItem(root, "hotspots"), 0);
	assert_string_equal(text(hot, "function"), "hot");
	assert_string_equal(text(hot, "module"), "/lib/libx.so.1");
	assert_string_equal(text(hot, "file"), "hot.c");
	assert_true(number(hot, "line") == 7);
	assert_true(number(hot, "self_samples") == 40 && number(hot, "self_percent") == 100);
	const cJSON *mainf = cJSON_GetArrayItem(cJSON_GetObjectItem(root, "hotspots"), 1);
	assert_true(number(mainf, "self_percent") == 0 && number(mainf, "total_percent") == 75);
	assert_true(number(mainf, "total_low") < 75 && number(mainf, "total_high") > 75);
	const cJSON *module = cJSON_GetArrayItem(cJSON_GetObjectItem(root, "modules"), 0);
	assert_true(number(module, "truncated") == 10);
	assert_non_null(strstr(text(module, "why"), "no unwind rule"));
	cJSON_Delete(root);
	profile_destroy(p);
}

static void json_keeps_large_integers_and_bad_names(void **state)
{
	(void)state;
	struct profile *p = stacks_profile("t;ma\xff\"in\\\x01 3\n");
	p->meta.start_unix_ns = UINT64_C(0xffffffff81000123);
	cJSON *root = render_json(p), *capture = cJSON_GetObjectItem(root, "capture");
	assert_string_equal(text(capture, "start_unix_ns"), "18446744071578845475");
	const cJSON *hot = cJSON_GetArrayItem(cJSON_GetObjectItem(root, "hotspots"), 0);
	assert_string_equal(text(hot, "function"), "ma\xef\xbf\xbd\"in\\\x01");
	cJSON_Delete(root);
	profile_destroy(p);
}

static void the_answer_comes_first(void **state)
{
	(void)state;
	struct profile *p = stacks_profile("t;main@prog:3;warm@prog:2;hot@prog:7 30\n"
					   "t;main@prog:3 70\n");
	p->meta.kernel_sampled = false;
	p->meta.unsampled_kernel_ns = 820000000;
	char *report = render(p, (struct report_options){ .format = REPORT_TEXT });
	const char *first = strstr(report, "main takes 70.0 % of the user time");
	const char *sure = strstr(report, "100 samples at 100 Hz in 1.00 s");
	const char *complete = strstr(report, "Truncated 0.00 %");
	const char *kernel = strstr(report, "820 ms of system time, 82 % of the CPU time");
	const char *next = strstr(report, "sudo perfprof");
	const char *table = strstr(report, "Hot functions");
	assert_true(kernel && kernel < first && first < sure && sure < complete &&
		    complete < next && next < table);
	free(report);
	p->meta.unsampled_kernel_ns = 20000000; /* of 1 s */
	report = render(p, (struct report_options){ .format = REPORT_TEXT });
	complete = strstr(report, "Truncated 0.00 %");
	kernel = strstr(report, "The kernel could not be sampled");
	table = strstr(report, "Hot functions");
	assert_true(complete && complete < kernel && kernel < table);
	assert_null(strstr(report, "sudo perfprof"));
	free(report);
	report = render(p, (struct report_options){ .format = REPORT_MARKDOWN }); /* unwrapped */
	assert_non_null(strstr(report, "20 ms of system time are not in them"));
	free(report);
	p->meta.kernel_sampled = true;
	report = render(p, (struct report_options){ .format = REPORT_TEXT });
	assert_non_null(strstr(report, "main takes 70.0 % of the CPU time"));
	assert_null(strstr(report, "system time"));
	free(report);
	profile_destroy(p);
}

static void nothing_but_kernel_time_is_said_so(void **state)
{
	(void)state;
	struct profile *p = stacks_profile("");
	p->meta.duration_ns = 1000000000;
	p->meta.kernel_sampled = false;
	p->meta.unsampled_cpu_ns = 980000000;
	p->meta.unsampled_kernel_ns = 990000000; /* by a coarser clock */
	char *report = render(p, (struct report_options){ .format = REPORT_TEXT });
	assert_non_null(strstr(report, "990 ms of system time, 100 % of the CPU time, are not"));
	assert_non_null(strstr(report, "let root sample the kernel"));
	assert_non_null(strstr(report, "used 0 ms of user time; 0 samples expected"));
	free(report);
	profile_destroy(p);
}

/* 9,500 samples at 100 Hz stand for 95 s; chance explains 3 %. */
static void seconds_that_the_clock_corrects_are_said(void **state)
{
	(void)state;
	static const struct {
		uint64_t cpu_ns, lost;
		double percent;
		const char *sentence;
	} cases[] = {
		{ UINT64_C(99750000000), 0, 5, "by the clock that is 5.0 % more than the samples" },
		{ UINT64_C(90250000000), 0, -5,
		  "by the clock that is 5.0 % less than the samples" },
		{ UINT64_C(96900000000), 0, 2, NULL },
		{ UINT64_C(99750000000), 475, 0, NULL },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct profile *p = stacks_profile("t;main@prog:3 9500\n");
		p->samples[0].cpu_ns = cases[i].cpu_ns;
		p->meta.lost_samples = cases[i].lost;
		cJSON *root = render_json(p);
		const cJSON *capture = cJSON_GetObjectItem(root, "capture");
		assert_true(fabs(number(capture, "clock_percent") - cases[i].percent) < 1e-3);
		char *report = render(p, (struct report_options){ .format = REPORT_TEXT });
		unwrap(report);
		assert_int_equal(!!strstr(report, "by the clock"), !!cases[i].sentence);
		assert_true(!cases[i].sentence || strstr(report, cases[i].sentence));
		free(report);
		cJSON_Delete(root);
		profile_destroy(p);
	}
}

static void it_says_who_calls_and_what_holds_most(void **state)
{
	(void)state;
	struct profile *p = stacks_profile("t;start@prog;a@prog;hot@prog 40\n"
					   "t;start@prog;b@prog;hot@prog;hot@prog 20\n"
					   "t;start@prog;c@prog;hot@prog 4\n"
					   "t;start@prog;b@prog;cold@prog 36\n");
	char *report = render(p, (struct report_options){ .format = REPORT_TEXT });
	assert_non_null(strstr(report, "hot is called 62 % by a, 31 % by b\n"));
	const char *totals = strstr(report, "\nBy all that they call");
	assert_non_null(totals);
	const char *b = strstr(totals, "  56.00    46.2 - 65.3    0.00  b\n");
	const char *a = strstr(totals, "  40.00    30.9 - 49.8    0.00  a\n");
	assert_true(b && a && b < a);
	assert_null(strstr(totals, "  start\n")); /* is on every stack */
	free(report);
	cJSON *root = render_json(p);
	const cJSON *hot = cJSON_GetArrayItem(cJSON_GetObjectItem(root, "hotspots"), 0);
	const cJSON *callers = cJSON_GetObjectItem(hot, "callers");
	assert_int_equal(cJSON_GetArraySize(callers), 3);
	assert_string_equal(text(cJSON_GetArrayItem(callers, 0), "function"), "a");
	assert_true(number(cJSON_GetArrayItem(callers, 0), "samples") == 40);
	assert_true(number(cJSON_GetArrayItem(callers, 1), "percent") == 31.25);
	cJSON_Delete(root);
	profile_destroy(p);
}

static void nothing_is_claimed_of_a_foreign_file(void **state)
{
	(void)state;
	struct profile *p = stacks_profile("t;main;hot 40\nt;main 10\n");
	p->meta.foreign = true;
	char *report = render(p, (struct report_options){ .format = REPORT_TEXT });
	assert_null(strstr(report, "every stack is whole)"));
	assert_non_null(strstr(report, "does not say whether every stack is whole"));
	assert_non_null(strstr(report, "does not say at which rate"));
	assert_null(strstr(report, "CPU time"));
	assert_null(strstr(report, "lost"));
	assert_null(strstr(report, "perfprof itself"));
	assert_non_null(strstr(report, "80.0 % of the samples in its own code"));
	free(report);
	profile_destroy(p);
}

static void completed_stacks_are_counted(void **state)
{
	(void)state;
	struct profile *p = stacks_profile("t;main@prog:3;hot@prog:7 25\n"
					   "t;main@prog:3 75\n");
	for (size_t i = 0; i < p->sample_count; i++)
		p->samples[i].completed = p->samples[i].count == 25;
	char *report = render(p, (struct report_options){ .format = REPORT_TEXT, .columns = 200 });
	assert_non_null(strstr(report, "completed 25.00 % (25 stacks"));
	free(report);
	cJSON *root = render_json(p), *capture = cJSON_GetObjectItem(root, "capture");
	assert_int_equal(cJSON_GetObjectItem(capture, "completed_samples")->valueint, 25);
	cJSON_Delete(root);
	profile_destroy(p);
}

static void lines_keep_the_width(void **state)
{
	(void)state;
	struct profile *p = stacks_profile(
		"t;main@prog:3;a_function_with_a_name_that_is_far_too_long_for_any_line@/usr/lib/"
		"x86_64-linux-gnu/a-library-with-a-long-name.so.1:44 30\n"
		"t;[truncated];u![libz.so.1+0x10]@/usr/lib/libz.so.1 30\n");
	for (uint32_t columns = 80; columns <= 160; columns += 40) {
		char *report = render(p, (struct report_options){ .columns = columns }), *save;
		for (char *line = strtok_r(report, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save))
			assert_true(strlen(line) <= columns);
		free(report);
	}
	profile_destroy(p);
}

static void escape_sequences_do_not_reach_the_terminal(void **state)
{
	(void)state;
	struct profile *p = stacks_profile("t;\x1b[31mred|`<b> 3\n");
	char *report = render(p, (struct report_options){ .format = REPORT_TEXT });
	assert_null(strchr(report, '\x1b'));
	assert_non_null(strstr(report, "?[31mred"));
	free(report);
	report = render(p, (struct report_options){ .format = REPORT_MARKDOWN });
	assert_non_null(strstr(report, "`?[31mred\\|'<b>`"));
	assert_non_null(strstr(report, "?[31mred\\|'&lt;b> takes"));
	free(report);
	profile_destroy(p);
}

static void no_samples_are_explained(void **state)
{
	(void)state;
	struct profile *p = stacks_profile("");
	p->meta.rate_hz = 999;
	p->meta.unsampled_cpu_ns = 3000000;
	char *report = render(p, (struct report_options){ .format = REPORT_TEXT });
	assert_non_null(strstr(report, "prog --size 3 used 3 ms of CPU; 3 samples expected."));
	free(report);
	cJSON *root = render_json(p);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(root, "hotspots")), 0);
	cJSON_Delete(root);
	profile_destroy(p);
}

static void few_samples_are_said(void **state)
{
	(void)state;
	struct profile *p = stacks_profile("t;main@prog 4\n");
	char *report = render(p, (struct report_options){ .format = REPORT_TEXT });
	assert_non_null(strstr(report, "4 samples expected"));
	free(report);
	profile_destroy(p);
}

static void waiting_is_said(void **state)
{
	(void)state;
	struct profile *p = stacks_profile("t;main@prog 40\n");
	char *report = render(p, (struct report_options){ .columns = 1000 });
	assert_null(strstr(report, "waits"));
	free(report);
	p->meta.duration_ns *= 50;
	report = render(p, (struct report_options){ .columns = 1000 });
	assert_non_null(strstr(report, "it was on a CPU for 2 % of the time: it waits"));
	free(report);
	profile_destroy(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_has_the_contracts_fields),
		cmocka_unit_test(json_keeps_large_integers_and_bad_names),
		cmocka_unit_test(the_answer_comes_first),
		cmocka_unit_test(nothing_but_kernel_time_is_said_so),
		cmocka_unit_test(seconds_that_the_clock_corrects_are_said),
		cmocka_unit_test(it_says_who_calls_and_what_holds_most),
		cmocka_unit_test(nothing_is_claimed_of_a_foreign_file),
		cmocka_unit_test(completed_stacks_are_counted),
		cmocka_unit_test(lines_keep_the_width),
		cmocka_unit_test(escape_sequences_do_not_reach_the_terminal),
		cmocka_unit_test(no_samples_are_explained),
		cmocka_unit_test(few_samples_are_said),
		cmocka_unit_test(waiting_is_said),
	};
	return cmocka_run_group_tests_name("render/report", tests, NULL, NULL);
}
