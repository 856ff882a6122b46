// SPDX-License-Identifier: MIT
#include "../analyze/stacks.h"

#include <errno.h>

#include "analyze/hotspots.h"
#include "profile/pprof.h"

/* 100 samples: 40 in hot below main, 30 in memcpy below hot, 20 in other, 10 in a worker's loop. */
static const char profile_text[] =
	"app;main@prog:3;hot@prog:7 40\n"
	"app;main@prog:3;hot@prog:7;memcpy@/lib/libc.so.6 30\n"
	"app;main@prog:3;other@prog:9;i!tiny@prog:2 20\n"
	"worker;[truncated];loop@prog:5;k!do_idle@[kernel.kallsyms] 10\n";

struct result {
	struct profile *p;
	struct profile_filter_found found;
	struct hotspots hot;
};

static struct result filter(struct profile_filter f)
{
	struct result r;
	struct profile *whole = stacks_profile(profile_text);
	f.found = &r.found;
	assert_int_equal(profile_filter(whole, &f, &r.p, NULL), 0);
	assert_int_equal(profile_check(r.p, NULL), 0);
	assert_int_equal(r.found.before, 100);
	assert_int_equal(r.found.kept, profile_total_count(r.p));
	assert_int_equal(hotspots_build(r.p, &r.hot, NULL), 0);
	profile_destroy(whole);
	return r;
}

static const struct hotspot *hotspot(const struct result *r, const char *name)
{
	for (size_t i = 0; i < r->hot.count; i++)
		if (!strcmp(profile_string(r->p, r->hot.at[i].function), name))
			return &r->hot.at[i];
	return NULL;
}

static void done(struct result *r)
{
	hotspots_deinit(&r->hot);
	profile_destroy(r->p);
}

static void focus_keeps_samples_with_a_match_anywhere(void **state)
{
	(void)state;
	struct result r = filter((struct profile_filter){ .focus = "^hot$" });
	assert_int_equal(profile_total_count(r.p), 70);
	assert_int_equal(hotspot(&r, "hot")->self, 40);
	assert_int_equal(hotspot(&r, "main")->total, 70);
	assert_null(hotspot(&r, "other"));
	assert_true(r.found.focus && r.found.ignore && r.found.hide && r.found.thread);
	assert_string_equal(profile_string(r.p, r.p->meta.selection), "--focus '^hot$'");
	assert_int_equal(r.p->meta.samples_before, 100);
	/* 100 samples are 1 s of CPU time. */
	assert_int_equal(profile_total_cpu_ns(r.p), 700000000);
	done(&r);
}

static void patterns_match_files_and_modules_too(void **state)
{
	(void)state;
	struct result r = filter((struct profile_filter){ .focus = "libc\\.so" });
	assert_int_equal(profile_total_count(r.p), 30);
	done(&r);
	r = filter((struct profile_filter){ .focus = "tiny\\.c|loop\\.c" });
	assert_int_equal(profile_total_count(r.p), 30);
	done(&r);
}

static void ignore_drops_samples_with_a_match(void **state)
{
	(void)state;
	struct result r = filter((struct profile_filter){ .focus = "main", .ignore = "mem|other" });
	assert_int_equal(profile_total_count(r.p), 40);
	assert_string_equal(profile_string(r.p, r.p->meta.selection),
			    "--focus 'main' --ignore 'mem|other'");
	done(&r);
}

static void hide_removes_functions_and_keeps_samples(void **state)
{
	(void)state;
	struct result r = filter((struct profile_filter){ .hide = "memcpy|other|truncated" });
	assert_int_equal(profile_total_count(r.p), 100);
	assert_null(hotspot(&r, "memcpy"));
	assert_int_equal(hotspot(&r, "hot")->self, 70);
	assert_null(hotspot(&r, "other")); /* an inlined call in it stays */
	assert_int_equal(hotspot(&r, "tiny")->self, 20);
	bool marked = false; /* nobody takes the worker's stack for a whole one */
	for (size_t i = 1; i < r.p->frame_count; i++)
		marked |= r.p->frames[i].kind == FRAME_TRUNCATED;
	assert_true(marked);
	done(&r);
	r = filter((struct profile_filter){ .hide = "." });
	assert_int_equal(profile_total_count(r.p), 100);
	done(&r);
}

static void threads_by_name_and_number(void **state)
{
	(void)state;
	static const struct {
		const char *thread;
		uint64_t samples;
	} cases[] = { { "work", 10 },    { "^work$", 0 }, { "app|worker", 100 },
		      { "^app-7$", 90 }, { "7", 100 },    { "70", 0 } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct result r = filter((struct profile_filter){ .thread = cases[i].thread });
		assert_int_equal(profile_total_count(r.p), cases[i].samples);
		assert_int_equal(r.found.thread, cases[i].samples != 0);
		done(&r);
	}
}

/* 30 samples in a at 0, 1, 2, ... ms, then 20 in b. */
static void a_range_of_time(void **state)
{
	(void)state;
	struct builder *b;
	struct profile *p, *out;
	assert_int_equal(builder_create(&b, NULL), 0);
	thread_id t = builder_thread(b, 7, 7, "app");
	for (unsigned i = 0; i < 50; i++) {
		char *name = i < 30 ? (char[]){ "a" } : (char[]){ "b" };
		stack_id s = builder_stack(b, (stack_id){ 0 }, stacks_frame(b, &name, 1));
		assert_int_equal(builder_sample(b, i * UINT64_C(1000000), t, s, ""), 0);
	}
	assert_int_equal(builder_thread_cpu(b, 7, 7, 50000000), 0);
	assert_int_equal(builder_freeze(b, &p, NULL), 0);
	struct profile_filter f = { .begin_ns = 20000000, .end_ns = 35000000 };
	assert_int_equal(profile_filter(p, &f, &out, NULL), 0);
	assert_int_equal(profile_check(out, NULL), 0);
	assert_int_equal(profile_total_count(out), 15);
	assert_int_equal(profile_total_cpu_ns(out), 15000000);
	assert_int_equal(out->time_count, 15);
	assert_int_equal(out->times[0].time_ns, 20000000);
	assert_string_equal(profile_string(out, out->meta.selection), "--time 0.02-0.035");
	profile_destroy(out);
	f = (struct profile_filter){ .begin_ns = 45000000, .end_ns = UINT64_MAX, .focus = "b" };
	assert_int_equal(profile_filter(p, &f, &out, NULL), 0);
	assert_int_equal(profile_total_count(out), 5);
	assert_string_equal(profile_string(out, out->meta.selection), "--focus 'b' --time 0.045-");
	profile_destroy(out);
	profile_destroy(p);
	builder_destroy(b);
}

static void what_meets_nothing_is_told(void **state)
{
	(void)state;
	struct result r = filter((struct profile_filter){
		.focus = "main", .ignore = "nix", .hide = "nil", .thread = "none" });
	assert_false(r.found.ignore || r.found.hide || r.found.thread);
	assert_true(r.found.focus);
	assert_int_equal(r.p->sample_count, 0);
	done(&r);
}

static void a_pattern_that_is_none_is_refused(void **state)
{
	(void)state;
	struct profile *p = stacks_profile(profile_text), *out = NULL;
	struct error err = { 0 };
	struct profile_filter f = { .hide = "a(b" };
	assert_int_equal(profile_filter(p, &f, &out, &err), -EINVAL);
	assert_non_null(strstr(err.text, "--hide 'a(b' is no regular expression: Unmatched ("));
	char longest[2048];
	memset(longest, 'a', sizeof(longest));
	longest[1025] = 0;
	f = (struct profile_filter){ .focus = longest };
	assert_int_equal(profile_filter(p, &f, &out, &err), -EINVAL);
	assert_non_null(strstr(err.text, "more than 1024 bytes"));
	longest[1024] = 0;
	assert_int_equal(profile_filter(p, &f, &out, &err), 0);
	profile_destroy(out);
	profile_destroy(p);
}

static void a_capture_keeps_what_was_selected(void **state)
{
	(void)state;
	struct result r = filter((struct profile_filter){ .focus = "hot" });
	struct strbuf packed = { 0 };
	struct profile *again, *twice;
	assert_int_equal(pprof_write(r.p, &packed, NULL), 0);
	assert_int_equal(pprof_read(packed.text, packed.length, &again, NULL), 0);
	assert_string_equal(profile_string(again, again->meta.selection), "--focus 'hot'");
	assert_int_equal(again->meta.samples_before, 100);
	struct profile_filter f = { .ignore = "memcpy" };
	assert_int_equal(profile_filter(again, &f, &twice, NULL), 0);
	assert_string_equal(profile_string(twice, twice->meta.selection),
			    "--focus 'hot' --ignore 'memcpy'");
	assert_int_equal(twice->meta.samples_before, 100);
	assert_int_equal(profile_total_count(twice), 40);
	profile_destroy(twice);
	profile_destroy(again);
	strbuf_deinit(&packed);
	done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(focus_keeps_samples_with_a_match_anywhere),
		cmocka_unit_test(patterns_match_files_and_modules_too),
		cmocka_unit_test(ignore_drops_samples_with_a_match),
		cmocka_unit_test(hide_removes_functions_and_keeps_samples),
		cmocka_unit_test(threads_by_name_and_number),
		cmocka_unit_test(a_range_of_time),
		cmocka_unit_test(what_meets_nothing_is_told),
		cmocka_unit_test(a_pattern_that_is_none_is_refused),
		cmocka_unit_test(a_capture_keeps_what_was_selected),
	};
	return cmocka_run_group_tests_name("profile/filter", tests, NULL, NULL);
}
