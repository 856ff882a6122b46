// SPDX-License-Identifier: MIT
#include "fixture.h"

#include <errno.h>
#include <string.h>

static void assert_wrong(const struct profile *p, const char *sentence)
{
	struct error err = { 0 };
	assert_int_equal(profile_check(p, &err), -EBADMSG);
	assert_string_equal(err.text, sentence);
}

/* Damages one field, looks at the sentence, repairs it. */
#define ASSERT_CAUGHT(field, value, sentence)      \
	do {                                       \
		__typeof__(field) kept_ = (field); \
		(field) = (value);                 \
		assert_wrong(p, sentence);         \
		(field) = kept_;                   \
	} while (0)

static void check_names_the_table_and_row(void **state)
{
	(void)state;
	struct profile *p = fixture_profile(0);
	assert_int_equal(profile_check(p, NULL), 0);
	ASSERT_CAUGHT(p->modules[2].path.v, 9999,
		      "row 2 of modules has a string that is not there");
	ASSERT_CAUGHT(p->modules[1].start_vaddr, UINT64_MAX,
		      "row 1 of modules ends before it begins");
	ASSERT_CAUGHT(p->functions[3].name.v, 0, "row 3 of functions has no name");
	ASSERT_CAUGHT(p->functions[3].file.v, UINT32_MAX,
		      "row 3 of functions has a string that is not there");
	ASSERT_CAUGHT(p->lines[0].function.v, (uint32_t)p->function_count,
		      "row 0 of lines has a function that is not there");
	ASSERT_CAUGHT(p->frames[1].module.v, (uint32_t)p->module_count,
		      "row 1 of frames has a module that is not there");
	ASSERT_CAUGHT(p->frames[1].line_count, UINT32_MAX,
		      "row 1 of frames has no lines, or lines that are not there");
	ASSERT_CAUGHT(p->frames[1].kind, (enum frame_kind)4, "row 1 of frames has an unknown kind");
	ASSERT_CAUGHT(p->stack_parent[2].v, 2, "row 2 of stacks comes before its parent");
	ASSERT_CAUGHT(p->stack_frame[2].v, 0, "row 2 of stacks has a frame that is not there");
	ASSERT_CAUGHT(p->threads[1].comm.v, 9999,
		      "row 1 of threads has a string that is not there");
	ASSERT_CAUGHT(p->samples[6].stack.v, (uint32_t)p->stack_count,
		      "row 6 of samples has a stack or thread that is not there");
	ASSERT_CAUGHT(p->samples[0].truncated.v, 9999,
		      "row 0 of samples has a string that is not there");
	ASSERT_CAUGHT(p->meta.notes[0].v, 9999, "row 0 of notes has a string that is not there");
	ASSERT_CAUGHT(p->meta.kernel.v, 9999, "row 5 of facts has a string that is not there");
	ASSERT_CAUGHT(p->meta.reasons[0].id.v, 9999,
		      "row 0 of reasons has a string that is not there");
	assert_int_equal(profile_check(p, NULL), 0);
	profile_destroy(p);
}

static void the_canonical_order_holds(void **state)
{
	(void)state;
	struct profile *p = fixture_profile(5);
	for (uint32_t i = 1; i < p->strings.count; i++)
		assert_true(strcmp(p->strings.text[i - 1], p->strings.text[i]) < 0);
	for (size_t i = 2; i < p->stack_count; i++) {
		uint64_t before =
			(uint64_t)p->stack_parent[i - 1].v << 32 | p->stack_frame[i - 1].v;
		uint64_t here = (uint64_t)p->stack_parent[i].v << 32 | p->stack_frame[i].v;
		assert_true(before < here);
	}
	for (size_t i = 1; i < p->sample_count; i++) {
		const struct profile_sample *a = &p->samples[i - 1], *b = &p->samples[i];
		assert_true(a->stack.v < b->stack.v ||
			    (a->stack.v == b->stack.v && a->thread.v < b->thread.v));
	}
	profile_destroy(p);
}

static struct profile *filtered(struct profile_filter filter)
{
	struct profile *p = fixture_profile(0), *out = NULL;
	assert_int_equal(profile_filter(p, &filter, &out, NULL), 0);
	assert_int_equal(profile_check(out, NULL), 0);
	assert_int_equal(profile_total_count(out), profile_total_count(p));
	assert_int_equal(profile_total_cpu_ns(out), profile_total_cpu_ns(p));
	profile_destroy(p);
	return out;
}

static void a_filter_of_nothing_changes_nothing(void **state)
{
	(void)state;
	struct profile *p = fixture_profile(0);
	struct profile *same = filtered((struct profile_filter){ 0 });
	struct strbuf before = fixture_message(p), after = fixture_message(same);
	assert_int_equal(after.length, before.length);
	assert_memory_equal(after.text, before.text, before.length);
	strbuf_deinit(&before);
	strbuf_deinit(&after);
	profile_destroy(p);
	profile_destroy(same);
}

static void without_inlines_only_the_outermost_line_stays(void **state)
{
	(void)state;
	struct profile *p = filtered((struct profile_filter){ .no_inlines = true });
	bool found = false;
	for (size_t i = 1; i < p->frame_count; i++) {
		assert_int_equal(p->frames[i].line_count, 1);
		if (p->frames[i].vaddr != 0x401234)
			continue;
		found = true;
		const struct profile_line *line = &p->lines[p->frames[i].first_line];
		assert_string_equal(profile_string(p, p->functions[line->function.v].name),
				    "sort(int*, int)");
		assert_int_equal(line->line, 44);
	}
	assert_true(found);
	profile_destroy(p);
}

static void without_kernel_the_samples_stay_with_the_caller(void **state)
{
	(void)state;
	struct profile *p = filtered((struct profile_filter){ .no_kernel = true });
	for (size_t i = 1; i < p->frame_count; i++)
		assert_int_not_equal(p->frames[i].kind, FRAME_KERNEL);
	for (size_t i = 1; i < p->module_count; i++)
		assert_string_not_equal(profile_string(p, p->modules[i].path), "[kernel.kallsyms]");
	uint64_t on_jit = 0;
	for (size_t i = 0; i < p->sample_count; i++)
		if (p->frames[p->stack_frame[p->samples[i].stack.v].v].kind == FRAME_JIT)
			on_jit += p->samples[i].count;
	assert_int_equal(on_jit, 6);
	assert_int_equal(p->meta.reasons[0].samples, 7);
	profile_destroy(p);
}

static void made_up_names_are_known_by_their_form(void **state)
{
	(void)state;
	const char *yes[] = { "[a+0x0]", "[libc.so.6+0x12af]", "[a+b+0x1]", "[anon]", "[unknown]" };
	const char *no[] = { NULL,     "",       "main",    "[vdso]",   "[truncated]",    "[a+0x]",
			     "[a+0x1", "a+0x1]", "[a+0xg]", "[a+0x1]b", "operator[](int)" };
	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		assert_true(profile_name_is_place(yes[i]));
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		assert_false(profile_name_is_place(no[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_names_the_table_and_row),
		cmocka_unit_test(the_canonical_order_holds),
		cmocka_unit_test(a_filter_of_nothing_changes_nothing),
		cmocka_unit_test(without_inlines_only_the_outermost_line_stays),
		cmocka_unit_test(without_kernel_the_samples_stay_with_the_caller),
		cmocka_unit_test(made_up_names_are_known_by_their_form),
	};
	return cmocka_run_group_tests_name("profile/profile", tests, NULL, NULL);
}
