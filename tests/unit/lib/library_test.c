// SPDX-License-Identifier: MIT
/* Only the public header: what a stranger can do. */
#include "perfprof.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <unistd.h>
#include <cmocka.h>

struct parts {
	uint32_t module, kernel, outer, inlined, system, frames[3], stack, thread;
};

static void fill_facts(struct perfprof_builder *b)
{
	static const char *const texts[] = { "work --fast", "perf", "auto", "cpu", "box", "6.1" };
	for (int i = 0; i < 6; i++)
		assert_int_equal(perfprof_builder_set_text(b, (enum perfprof_text_fact)i, texts[i]),
				 0);
	for (int i = 0; i < 10; i++)
		assert_int_equal(perfprof_builder_set_number(b, (enum perfprof_number_fact)i,
							     1000 + (uint64_t)i),
				 0);
	assert_int_equal(perfprof_builder_set_number(b, PERFPROF_NUMBER_KERNEL_SAMPLED, 1), 0);
	assert_int_equal(perfprof_builder_set_number(b, PERFPROF_NUMBER_FOREIGN, 0), 0);
	assert_int_equal(perfprof_builder_add_pid(b, 77), 0);
	assert_int_equal(perfprof_builder_add_note(b, "a note"), 0);
	assert_int_equal(perfprof_builder_add_reason(b, "no-rule", "no unwind rule"), 0);
}

/* main, with helper inlined, calls the kernel; the JIT's code is truncated. */
static struct parts fill(struct perfprof_builder *b)
{
	struct parts x;
	x.module = perfprof_builder_add_module(b, "/bin/work", "00ff");
	x.kernel = perfprof_builder_add_module(b, "[kernel.kallsyms]", NULL);
	assert_int_equal(perfprof_builder_set_module_range(b, x.module, 0x1000, 0x3000, 0x800), 0);
	x.outer = perfprof_builder_add_function(b, "main()", "main", "main.c", 3);
	x.inlined = perfprof_builder_add_function(b, "helper", NULL, "help.h", 8);
	x.system = perfprof_builder_add_function(b, "sys_read", NULL, NULL, 0);
	x.frames[0] = perfprof_builder_add_frame(b, x.module, 0x1234, PERFPROF_FRAME_USER);
	assert_int_equal(perfprof_builder_add_line(b, x.frames[0], x.inlined, 9), 0);
	assert_int_equal(perfprof_builder_add_line(b, x.frames[0], x.outer, 5), 0);
	x.frames[1] = perfprof_builder_add_frame(b, x.kernel, 0x5678, PERFPROF_FRAME_KERNEL);
	assert_int_equal(perfprof_builder_add_line(b, x.frames[1], x.system, 0), 0);
	x.frames[2] = perfprof_builder_add_frame(b, 0, 0, PERFPROF_FRAME_TRUNCATED);
	x.thread = perfprof_builder_add_thread(b, 10, 11, "worker");
	x.stack = perfprof_builder_add_stack(b, 0, x.frames[0]);
	uint32_t leaf = perfprof_builder_add_stack(b, x.stack, x.frames[1]);
	assert_int_equal(perfprof_builder_add_samples(b, x.thread, leaf, NULL, 3, 3000), 0);
	assert_int_equal(perfprof_builder_add_samples(b, x.thread, leaf, NULL, 2, 2000), 0);
	uint32_t cut = perfprof_builder_add_stack(b, 0, x.frames[2]);
	cut = perfprof_builder_add_stack(b, cut, x.frames[0]);
	assert_int_equal(perfprof_builder_add_samples(b, 0, cut, "no-rule", 1, 1000), 0);
	return x;
}

static struct perfprof_builder *builder(void)
{
	struct perfprof_builder *b = NULL;
	assert_int_equal(perfprof_builder_create(&b, NULL), 0);
	return b;
}

static struct perfprof_profile *built(void)
{
	struct perfprof_builder *b = builder();
	struct perfprof_profile *p = NULL;
	fill(b);
	fill_facts(b);
	assert_int_equal(perfprof_builder_build(b, &p, NULL), 0);
	perfprof_builder_destroy(b);
	return p;
}

static void assert_facts(const struct perfprof_profile *p)
{
	assert_string_equal(perfprof_fact_text(p, PERFPROF_TEXT_COMMAND), "work --fast");
	assert_string_equal(perfprof_fact_text(p, PERFPROF_TEXT_KERNEL), "6.1");
	assert_string_equal(perfprof_fact_text(p, (enum perfprof_text_fact)99), "");
	assert_int_equal(perfprof_fact_number(p, PERFPROF_NUMBER_CPUS), 1000);
	assert_int_equal(perfprof_fact_number(p, PERFPROF_NUMBER_DURATION_NS), 1003);
	assert_int_equal(perfprof_fact_number(p, PERFPROF_NUMBER_UNSAMPLED_KERNEL_NS), 1009);
	assert_int_equal(perfprof_fact_number(p, PERFPROF_NUMBER_KERNEL_SAMPLED), 1);
	assert_int_equal(perfprof_fact_number(p, PERFPROF_NUMBER_FOREIGN), 0);
	assert_int_equal(perfprof_fact_number(p, (enum perfprof_number_fact)99), 0);
	assert_int_equal(perfprof_pid_count(p), 1);
	assert_int_equal(perfprof_pid(p, 0), 77);
	assert_int_equal(perfprof_pid(p, 1), 0);
	assert_int_equal(perfprof_note_count(p), 1);
	assert_string_equal(perfprof_note(p, 0), "a note");
	assert_string_equal(perfprof_note(p, 1), "");
	assert_int_equal(perfprof_reason_count(p), 1);
	assert_string_equal(perfprof_reason_id(p, 0), "no-rule");
	assert_string_equal(perfprof_reason_sentence(p, 0), "no unwind rule");
	assert_int_equal(perfprof_reason_samples(p, 0), 1);
	assert_string_equal(perfprof_reason_id(p, 1), "");
}

static void assert_module(const struct perfprof_profile *p, uint32_t module)
{
	assert_int_equal(module, 1); /* the first one added is the command's */
	assert_string_equal(perfprof_module_path(p, module), "/bin/work");
	assert_string_equal(perfprof_module_build_id(p, module), "00ff");
	assert_int_equal(perfprof_module_start_vaddr(p, module), 0x1000);
	assert_int_equal(perfprof_module_limit_vaddr(p, module), 0x3000);
	assert_int_equal(perfprof_module_file_off(p, module), 0x800);
	assert_int_equal(perfprof_module_is_deleted(p, module), 0);
	assert_int_equal(perfprof_module_count(p), 2);
}

static void assert_main_frame(const struct perfprof_profile *p, uint32_t frame)
{
	assert_int_equal(perfprof_frame_kind(p, frame), PERFPROF_FRAME_USER);
	assert_int_equal(perfprof_frame_vaddr(p, frame), 0x1234);
	assert_module(p, perfprof_frame_module(p, frame));
	assert_int_equal(perfprof_frame_line_count(p, frame), 2);
	uint32_t helper = perfprof_frame_function(p, frame, 0);
	uint32_t outer = perfprof_frame_function(p, frame, 1);
	assert_int_equal(perfprof_frame_line(p, frame, 0), 9);
	assert_int_equal(perfprof_frame_line(p, frame, 1), 5);
	assert_int_equal(perfprof_frame_function(p, frame, 2), 0);
	assert_string_equal(perfprof_function_name(p, helper), "helper");
	assert_string_equal(perfprof_function_file(p, helper), "help.h");
	assert_string_equal(perfprof_function_name(p, outer), "main()");
	assert_string_equal(perfprof_function_system_name(p, outer), "main");
	assert_int_equal(perfprof_function_start_line(p, outer), 3);
	assert_int_equal(perfprof_function_is_unnamed(p, outer), 0);
}

/* The row of the whole stack, or of the truncated one. */
static size_t row_of(const struct perfprof_profile *p, int truncated)
{
	assert_int_equal(perfprof_sample_count(p), 2);
	return (*perfprof_sample_truncated(p, 0) != 0) == truncated ? 0 : 1;
}

static void assert_content(const struct perfprof_profile *p)
{
	assert_int_equal(perfprof_total_samples(p), 6);
	assert_int_equal(perfprof_total_cpu_ns(p), 6000);
	size_t whole = row_of(p, 0), cut = row_of(p, 1);
	assert_int_equal(perfprof_sample_samples(p, whole), 5);
	assert_int_equal(perfprof_sample_cpu_ns(p, whole), 5000);
	uint32_t thread = perfprof_sample_thread(p, whole);
	assert_int_equal(perfprof_thread_pid(p, thread), 10);
	assert_int_equal(perfprof_thread_tid(p, thread), 11);
	assert_string_equal(perfprof_thread_comm(p, thread), "worker");
	assert_int_equal(perfprof_thread_count(p), 1);

	uint32_t leaf = perfprof_sample_stack(p, whole), outer = perfprof_stack_parent(p, leaf);
	assert_true(outer && outer < leaf && leaf <= perfprof_stack_count(p));
	assert_int_equal(perfprof_stack_parent(p, outer), 0);
	uint32_t kernel = perfprof_stack_frame(p, leaf);
	assert_int_equal(perfprof_frame_kind(p, kernel), PERFPROF_FRAME_KERNEL);
	assert_string_equal(perfprof_function_name(p, perfprof_frame_function(p, kernel, 0)),
			    "sys_read");
	assert_main_frame(p, perfprof_stack_frame(p, outer));

	assert_string_equal(perfprof_sample_truncated(p, cut), "no-rule");
	assert_int_equal(perfprof_sample_thread(p, cut), 0);
	uint32_t marker = perfprof_stack_parent(p, perfprof_sample_stack(p, cut));
	assert_int_equal(perfprof_frame_kind(p, perfprof_stack_frame(p, marker)),
			 PERFPROF_FRAME_TRUNCATED);
}

static void test_what_was_built_is_read(void **state)
{
	(void)state;
	struct perfprof_profile *p = built();
	assert_content(p);
	assert_facts(p);
	perfprof_profile_destroy(p);
}

static void test_what_was_written_is_read(void **state)
{
	(void)state;
	struct perfprof_profile *p = built(), *again = NULL;
	void *bytes = NULL, *same = NULL;
	size_t size = 0, same_size = 0;
	assert_int_equal(perfprof_write_memory(p, PERFPROF_FORMAT_PPROF, 0, &bytes, &size, NULL),
			 0);
	assert_int_equal(perfprof_open_memory(bytes, size, &again, NULL), 0);
	assert_content(again);
	assert_facts(again);
	assert_int_equal(
		perfprof_write_memory(again, PERFPROF_FORMAT_PPROF, 0, &same, &same_size, NULL), 0);
	assert_int_equal(same_size, size);
	assert_memory_equal(same, bytes, size);
	perfprof_free(bytes);
	perfprof_free(same);
	perfprof_profile_destroy(p);
	perfprof_profile_destroy(again);
}

static void assert_folded(const struct perfprof_profile *p, unsigned flags, const char *expected)
{
	void *text = NULL;
	size_t size = 0;
	assert_int_equal(
		perfprof_write_memory(p, PERFPROF_FORMAT_FOLDED, flags, &text, &size, NULL), 0);
	assert_string_equal(text, expected);
	assert_int_equal(size, strlen(expected));
	perfprof_free(text);
}

static void test_flags_change_collapsed_stacks(void **state)
{
	(void)state;
	struct perfprof_profile *p = built();
	assert_folded(p, 0, "-;[truncated];main();helper 1\nworker;main();helper;sys_read 5\n");
	assert_folded(p, PERFPROF_WRITE_ANNOTATE | PERFPROF_WRITE_THREADS | PERFPROF_WRITE_CPU_NS,
		      "-;[truncated];main();helper_[i] 1000\n"
		      "worker-11;main();helper_[i];sys_read_[k] 5000\n");
	perfprof_profile_destroy(p);
}

static void test_a_filter_makes_a_copy(void **state)
{
	(void)state;
	struct perfprof_profile *p = built(), *copy = NULL;
	struct perfprof_filter *f = NULL;
	struct perfprof_error *err = NULL;
	assert_int_equal(perfprof_filter_create(&f, NULL), 0);
	assert_int_equal(perfprof_filter_add(f, PERFPROF_RULE_NO_INLINES, NULL, NULL), 0);
	assert_int_equal(perfprof_filter_add(f, PERFPROF_RULE_NO_KERNEL, NULL, NULL), 0);
	assert_int_equal(perfprof_filter_add(f, PERFPROF_RULE_NO_KERNEL, "x", NULL), -EINVAL);
	assert_int_equal(perfprof_filter_add(f, (enum perfprof_rule)999, NULL, &err), -EINVAL);
	assert_non_null(strstr(perfprof_error_text(err), "no filter rule 999"));
	perfprof_error_destroy(err);
	assert_int_equal(perfprof_filter_apply(f, p, &copy, NULL), 0);
	assert_folded(copy, 0, "-;[truncated];main() 1\nworker;main() 5\n");
	assert_content(p);
	perfprof_profile_destroy(copy);
	perfprof_profile_destroy(p);
	perfprof_filter_destroy(f);
}

/* What remains of built() under one rule, collapsed. */
static void assert_rule(enum perfprof_rule rule, const char *argument, const char *expected)
{
	struct perfprof_profile *p = built(), *copy = NULL;
	struct perfprof_filter *f = NULL;
	assert_int_equal(perfprof_filter_create(&f, NULL), 0);
	assert_int_equal(perfprof_filter_add(f, rule, "to be replaced", NULL), 0);
	assert_int_equal(perfprof_filter_add(f, rule, argument, NULL), 0);
	assert_int_equal(perfprof_filter_apply(f, p, &copy, NULL), 0);
	assert_folded(copy, 0, expected);
	perfprof_profile_destroy(copy);
	perfprof_profile_destroy(p);
	perfprof_filter_destroy(f);
}

static void test_rules_with_patterns(void **state)
{
	(void)state;
	assert_rule(PERFPROF_RULE_FOCUS, "^sys_", "worker;main();helper;sys_read 5\n");
	assert_rule(PERFPROF_RULE_IGNORE, "^sys_", "-;[truncated];main();helper 1\n");
	assert_rule(PERFPROF_RULE_HIDE, "helper",
		    "-;[truncated];main() 1\nworker;main();sys_read 5\n");
	assert_rule(PERFPROF_RULE_THREAD, "work", "worker;main();helper;sys_read 5\n");
}

static void test_a_wrong_pattern_is_named(void **state)
{
	(void)state;
	struct perfprof_profile *p = built(), *copy = NULL;
	struct perfprof_filter *f = NULL;
	struct perfprof_error *err = NULL;
	assert_int_equal(perfprof_filter_create(&f, NULL), 0);
	assert_int_equal(perfprof_filter_add(f, PERFPROF_RULE_FOCUS, NULL, NULL), -EINVAL);
	assert_int_equal(perfprof_filter_add(f, PERFPROF_RULE_FOCUS, "a(", NULL), 0);
	assert_int_equal(perfprof_filter_apply(f, p, &copy, &err), -EINVAL);
	assert_non_null(strstr(perfprof_error_text(err), "a("));
	assert_null(copy);
	perfprof_error_destroy(err);
	perfprof_profile_destroy(p);
	perfprof_filter_destroy(f);
}

static void test_an_id_that_is_not_there_gives_nothing(void **state)
{
	(void)state;
	struct perfprof_profile *p = built();
	static const uint32_t wrong[] = { 0, 1000, UINT32_MAX };
	for (size_t i = 0; i < 3; i++) {
		uint32_t w = wrong[i];
		assert_string_equal(perfprof_module_path(p, w), "");
		assert_string_equal(perfprof_module_build_id(p, w), "");
		assert_int_equal(perfprof_module_limit_vaddr(p, w), 0);
		assert_string_equal(perfprof_function_name(p, w), "");
		assert_string_equal(perfprof_function_file(p, w), "");
		assert_int_equal(perfprof_frame_line_count(p, w), 0);
		assert_int_equal(perfprof_frame_function(p, w, 0), 0);
		assert_int_equal(perfprof_frame_module(p, w), 0);
		assert_int_equal(perfprof_stack_parent(p, w), 0);
		assert_int_equal(perfprof_stack_frame(p, w), 0);
		assert_string_equal(perfprof_thread_comm(p, w), "");
	}
	assert_int_equal(perfprof_sample_samples(p, 2), 0);
	assert_int_equal(perfprof_sample_stack(p, SIZE_MAX), 0);
	assert_string_equal(perfprof_sample_truncated(p, 2), "");
	perfprof_profile_destroy(p);
}

static void test_errors_say_what_and_where(void **state)
{
	(void)state;
	struct perfprof_profile *p = NULL;
	struct perfprof_error *err = NULL;
	assert_int_equal(perfprof_open("/nowhere/x", &p, &err), -ENOENT);
	assert_int_equal(perfprof_error_code(err), -ENOENT);
	assert_string_equal(perfprof_error_text(err),
			    "cannot open '/nowhere/x': No such file or directory");
	perfprof_error_destroy(err);
	err = NULL;
	assert_int_equal(perfprof_open_memory("a;b 1\nc d\n", 10, &p, &err), -EBADMSG);
	assert_non_null(strstr(perfprof_error_text(err), "line 2"));
	perfprof_error_destroy(err);
	assert_int_equal(perfprof_open_memory(NULL, 0, &p, NULL), -EBADMSG);
	assert_int_equal(perfprof_open_fd(-1, &p, NULL), -EBADF);
	assert_null(p);
	assert_string_equal(perfprof_error_text(NULL), "");
	assert_int_equal(perfprof_error_code(NULL), 0);
}

static void test_null_may_be_destroyed(void **state)
{
	(void)state;
	perfprof_error_destroy(NULL);
	perfprof_profile_destroy(NULL);
	perfprof_filter_destroy(NULL);
	perfprof_builder_destroy(NULL);
	perfprof_free(NULL);
}

static void test_formats_and_flags_of_later_versions_are_refused(void **state)
{
	(void)state;
	struct perfprof_profile *p = built();
	struct perfprof_error *err = NULL;
	void *bytes = NULL;
	size_t size = 0;
	assert_int_equal(perfprof_write_memory(p, (enum perfprof_format)99, 0, &bytes, &size, NULL),
			 -EINVAL);
	assert_int_equal(perfprof_write_memory(p, PERFPROF_FORMAT_OF_NAME, 0, &bytes, &size, NULL),
			 -EINVAL);
	assert_int_equal(perfprof_write_memory(p, PERFPROF_FORMAT_FOLDED, 64, &bytes, &size, NULL),
			 -EINVAL);
	assert_int_equal(perfprof_write_file(p, "x.tar", PERFPROF_FORMAT_OF_NAME, 0, &err),
			 -EINVAL);
	assert_non_null(strstr(perfprof_error_text(err), "'x.tar'"));
	perfprof_error_destroy(err);
	assert_int_equal(perfprof_write_fd(p, -1, PERFPROF_FORMAT_FOLDED, 0, NULL), -EBADF);
	perfprof_profile_destroy(p);
}

static void test_a_descriptor_is_written_and_read(void **state)
{
	(void)state;
	struct perfprof_profile *p = built(), *again = NULL;
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(perfprof_write_fd(p, ends[1], PERFPROF_FORMAT_PPROF, 0, NULL), 0);
	close(ends[1]);
	assert_int_equal(perfprof_open_fd(ends[0], &again, NULL), 0);
	assert_content(again);
	close(ends[0]);
	perfprof_profile_destroy(p);
	perfprof_profile_destroy(again);
}

/* What `wrong` does to a builder that is otherwise fine is its first failure. */
static void assert_sticks(void (*wrong)(struct perfprof_builder *, const struct parts *), int code,
			  const char *sentence)
{
	struct perfprof_builder *b = builder();
	struct parts x = fill(b);
	struct perfprof_profile *p = NULL;
	struct perfprof_error *err = NULL;
	wrong(b, &x);
	assert_int_equal(perfprof_builder_add_module(b, "/later", NULL), 0);
	assert_int_equal(perfprof_builder_add_samples(b, 0, x.stack, NULL, 1, 1), code);
	assert_int_equal(perfprof_builder_build(b, &p, &err), code);
	assert_string_equal(perfprof_error_text(err), sentence);
	assert_null(p);
	perfprof_error_destroy(err);
	perfprof_builder_destroy(b);
}

static void frame_in_no_module(struct perfprof_builder *b, const struct parts *x)
{
	(void)x;
	assert_int_equal(perfprof_builder_add_frame(b, 99, 0, PERFPROF_FRAME_USER), 0);
}

static void frame_of_no_kind(struct perfprof_builder *b, const struct parts *x)
{
	(void)x;
	assert_int_equal(perfprof_builder_add_frame(b, 0, 0, (enum perfprof_kind)4), 0);
}

static void line_of_another_frame(struct perfprof_builder *b, const struct parts *x)
{
	assert_int_equal(perfprof_builder_add_line(b, x->frames[0], x->outer, 1), -EINVAL);
}

static void line_in_no_function(struct perfprof_builder *b, const struct parts *x)
{
	assert_int_equal(perfprof_builder_add_line(b, x->frames[2], 99, 1), -EINVAL);
}

static void stack_on_no_stack(struct perfprof_builder *b, const struct parts *x)
{
	assert_int_equal(perfprof_builder_add_stack(b, 99, x->frames[0]), 0);
}

static void stack_of_no_frame(struct perfprof_builder *b, const struct parts *x)
{
	assert_int_equal(perfprof_builder_add_stack(b, x->stack, 0), 0);
}

static void samples_of_no_thread(struct perfprof_builder *b, const struct parts *x)
{
	assert_int_equal(perfprof_builder_add_samples(b, 99, x->stack, NULL, 1, 1), -EINVAL);
}

static void too_many_samples(struct perfprof_builder *b, const struct parts *x)
{
	assert_int_equal(perfprof_builder_add_samples(b, 0, x->stack, NULL, UINT64_MAX, 1),
			 -EOVERFLOW);
}

static void function_without_a_name(struct perfprof_builder *b, const struct parts *x)
{
	(void)x;
	assert_int_equal(perfprof_builder_add_function(b, NULL, "x", "x", 1), 0);
}

static void range_that_ends_early(struct perfprof_builder *b, const struct parts *x)
{
	assert_int_equal(perfprof_builder_set_module_range(b, x->module, 2, 1, 0), -EINVAL);
}

static void unknown_fact(struct perfprof_builder *b, const struct parts *x)
{
	(void)x;
	assert_int_equal(perfprof_builder_set_number(b, (enum perfprof_number_fact)99, 0), -EINVAL);
}

static void too_many_cpus(struct perfprof_builder *b, const struct parts *x)
{
	(void)x;
	assert_int_equal(perfprof_builder_set_number(b, PERFPROF_NUMBER_CPUS, UINT64_C(1) << 32),
			 -EOVERFLOW);
}

static void test_a_builder_remembers_its_first_failure(void **state)
{
	(void)state;
	assert_sticks(frame_in_no_module, -EINVAL, "a frame is in a module that was not added");
	assert_sticks(frame_of_no_kind, -EINVAL, "a frame has a kind that does not exist");
	assert_sticks(line_of_another_frame, -EINVAL,
		      "a line is added to a frame that is not the last one");
	assert_sticks(line_in_no_function, -EINVAL, "a line is in a function that was not added");
	assert_sticks(stack_on_no_stack, -EINVAL,
		      "a stack has a parent or a frame that was not added");
	assert_sticks(stack_of_no_frame, -EINVAL,
		      "a stack has a parent or a frame that was not added");
	assert_sticks(samples_of_no_thread, -EINVAL,
		      "samples have a thread or a stack that was not added");
	assert_sticks(too_many_samples, -EOVERFLOW, "the samples add up to more than 64 bits");
	assert_sticks(function_without_a_name, -EINVAL, "a function has no name");
	assert_sticks(range_that_ends_early, -EINVAL, "a module ends before it begins");
	assert_sticks(unknown_fact, -EINVAL, "a fact is set that this version does not have");
	assert_sticks(too_many_cpus, -EOVERFLOW, "a fact is set to a number that is too large");
}

static void test_a_builder_goes_on_after_a_profile(void **state)
{
	(void)state;
	struct perfprof_builder *b = builder();
	struct perfprof_profile *p = NULL, *more = NULL;
	struct parts x = fill(b);
	assert_int_equal(perfprof_builder_build(b, &p, NULL), 0);
	assert_int_equal(perfprof_fact_number(p, PERFPROF_NUMBER_FOREIGN), 1);
	assert_int_equal(perfprof_builder_add_samples(b, x.thread, x.stack, NULL, 10, 10), 0);
	assert_int_equal(perfprof_builder_build(b, &more, NULL), 0);
	assert_int_equal(perfprof_total_samples(p), 6);
	assert_int_equal(perfprof_total_samples(more), 16);
	perfprof_profile_destroy(p);
	perfprof_profile_destroy(more);
	perfprof_builder_destroy(b);
}

static void assert_time(const struct perfprof_profile *p, size_t index, uint64_t time_ns,
			uint64_t samples)
{
	assert_int_equal(perfprof_time_ns(p, index), time_ns);
	assert_int_equal(perfprof_time_samples(p, index), samples);
	assert_string_equal(perfprof_sample_truncated(p, perfprof_time_sample(p, index)), "");
}

static void test_times_are_kept_in_order(void **state)
{
	(void)state;
	struct perfprof_builder *b = builder();
	struct perfprof_profile *p = NULL, *again = NULL;
	struct parts x = fill(b);
	void *bytes = NULL;
	size_t size = 0;
	assert_int_equal(perfprof_builder_add_samples_at(b, 500, x.thread, x.stack, NULL, 2, 9), 0);
	assert_int_equal(perfprof_builder_add_samples_at(b, 100, x.thread, x.stack, NULL, 1, 9), 0);
	assert_int_equal(perfprof_builder_build(b, &p, NULL), 0);
	perfprof_builder_destroy(b);
	perfprof_write_memory(p, PERFPROF_FORMAT_PPROF, 0, &bytes, &size, NULL);
	assert_int_equal(perfprof_open_memory(bytes, size, &again, NULL), 0);
	assert_int_equal(perfprof_total_samples(again), 9);
	assert_int_equal(perfprof_time_cell_ns(again), 0);
	assert_int_equal(perfprof_time_count(again), 2);
	struct perfprof_filter *f = NULL;
	struct perfprof_profile *late = NULL;
	assert_int_equal(perfprof_filter_create(&f, NULL), 0);
	perfprof_filter_set_times(f, 200, 501);
	assert_int_equal(perfprof_filter_apply(f, again, &late, NULL), 0);
	assert_int_equal(perfprof_total_samples(late), 2);
	perfprof_filter_destroy(f);
	perfprof_profile_destroy(late);
	assert_time(again, 0, 100, 1);
	assert_time(again, 1, 500, 2);
	assert_int_equal(perfprof_time_samples(again, 2), 0);
	perfprof_free(bytes);
	perfprof_profile_destroy(p);
	perfprof_profile_destroy(again);
}

static void test_profiles_add_up(void **state)
{
	(void)state;
	struct perfprof_profile *p = built(), *sum = NULL;
	const struct perfprof_profile *const two[] = { p, p };
	assert_int_equal(perfprof_merge(two, 0, &sum, NULL), -EINVAL);
	assert_int_equal(perfprof_merge(two, 2, &sum, NULL), 0);
	assert_folded(sum, 0, "-;[truncated];main();helper 2\nworker;main();helper;sys_read 10\n");
	assert_int_equal(perfprof_total_cpu_ns(sum), 12000);
	assert_content(p);
	perfprof_profile_destroy(sum);
	perfprof_profile_destroy(p);
}

static void test_an_empty_builder_makes_an_empty_profile(void **state)
{
	(void)state;
	struct perfprof_builder *b = builder();
	struct perfprof_profile *p = NULL;
	assert_int_equal(perfprof_builder_build(b, &p, NULL), 0);
	assert_int_equal(perfprof_sample_count(p), 0);
	assert_int_equal(perfprof_module_count(p), 0);
	assert_folded(p, 0, "");
	perfprof_profile_destroy(p);
	perfprof_builder_destroy(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_built_is_read),
		cmocka_unit_test(test_what_was_written_is_read),
		cmocka_unit_test(test_flags_change_collapsed_stacks),
		cmocka_unit_test(test_a_filter_makes_a_copy),
		cmocka_unit_test(test_rules_with_patterns),
		cmocka_unit_test(test_a_wrong_pattern_is_named),
		cmocka_unit_test(test_an_id_that_is_not_there_gives_nothing),
		cmocka_unit_test(test_errors_say_what_and_where),
		cmocka_unit_test(test_null_may_be_destroyed),
		cmocka_unit_test(test_formats_and_flags_of_later_versions_are_refused),
		cmocka_unit_test(test_a_descriptor_is_written_and_read),
		cmocka_unit_test(test_a_builder_remembers_its_first_failure),
		cmocka_unit_test(test_a_builder_goes_on_after_a_profile),
		cmocka_unit_test(test_times_are_kept_in_order),
		cmocka_unit_test(test_profiles_add_up),
		cmocka_unit_test(test_an_empty_builder_makes_an_empty_profile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
