// SPDX-License-Identifier: MIT
#include "format/folded.h"
#include "profile/builder.h"

/* Behind ours, since cmocka has a macro called fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct profile *read_text(const char *text)
{
	struct error err = { 0 };
	struct profile *p = NULL;
	if (folded_read(text, strlen(text), &p, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(profile_check(p, &err), 0);
	return p;
}

/* What a text becomes when it is read and written with `options`. */
static void assert_becomes(const char *text, struct folded_options options, const char *expected)
{
	struct profile *p = read_text(text);
	struct strbuf out = { 0 };
	assert_int_equal(folded_write(p, &options, &out, NULL), 0);
	assert_string_equal(strbuf_text(&out), expected);
	strbuf_deinit(&out);
	profile_destroy(p);
}

static void assert_refused(const char *text, const char *sentence)
{
	struct error err = { 0 };
	struct profile *p = NULL;
	assert_int_equal(folded_read(text, strlen(text), &p, &err), -74); /* EBADMSG */
	assert_string_equal(err.text, sentence);
}

static struct profile *build(void (*fill)(struct builder *b))
{
	struct builder *b;
	struct profile *p = NULL;
	assert_int_equal(builder_create(&b, NULL), 0);
	fill(b);
	assert_int_equal(builder_freeze(b, &p, NULL), 0);
	builder_destroy(b);
	return p;
}

static frame_id named(struct builder *b, uint64_t vaddr, enum frame_kind kind, const char *name)
{
	frame_id f = builder_frame(b, (module_id){ 0 }, vaddr, kind, NULL);
	assert_int_equal(builder_name_frame(b, f, &(struct builder_line){ .name = name }, 1), 0);
	return f;
}

static void fill_one_of_each(struct builder *b)
{
	struct builder_line inlined[] = { { .name = "in;ner" },
					  { .name = "middle" },
					  { .name = "out\ner" } };
	frame_id f = builder_frame(b, (module_id){ 0 }, 1, FRAME_USER, NULL);
	assert_int_equal(builder_name_frame(b, f, inlined, 3), 0);
	stack_id user = builder_stack(b, (stack_id){ 0 }, f);
	stack_id jit = builder_stack(b, user, named(b, 2, FRAME_JIT, "hot"));
	stack_id kernel = builder_stack(b, jit, named(b, 3, FRAME_KERNEL, "read"));
	thread_id one = builder_thread(b, 10, 10, "a;b c"),
		  two = builder_thread(b, 10, 11, "a;b c");
	for (int i = 0; i < 3; i++)
		assert_int_equal(builder_sample(b, 0, one, kernel, ""), 0);
	assert_int_equal(builder_sample(b, 0, two, kernel, ""), 0);
	assert_int_equal(builder_sample(b, 0, two, user, ""), 0);
	assert_int_equal(builder_thread_cpu(b, 10, 10, 3000), 0);
	assert_int_equal(builder_thread_cpu(b, 10, 11, 500), 0);
}

static void assert_folds_to(const struct profile *p, struct folded_options options,
			    const char *expected)
{
	struct strbuf out = { 0 };
	assert_int_equal(folded_write(p, &options, &out, NULL), 0);
	assert_string_equal(strbuf_text(&out), expected);
	strbuf_deinit(&out);
}

static void equal_stacks_of_two_threads_add_up(void **state)
{
	(void)state;
	struct profile *p = build(fill_one_of_each);
	assert_folds_to(p, (struct folded_options){ 0 },
			"a:b c;out?er;middle;in:ner 1\n"
			"a:b c;out?er;middle;in:ner;hot;read 4\n");
	assert_folds_to(p, (struct folded_options){ .annotate = true },
			"a:b c;out?er;middle_[i];in:ner_[i] 1\n"
			"a:b c;out?er;middle_[i];in:ner_[i];hot_[j];read_[k] 4\n");
	assert_folds_to(p, (struct folded_options){ .threads = true },
			"a:b c-10;out?er;middle;in:ner;hot;read 3\n"
			"a:b c-11;out?er;middle;in:ner 1\n"
			"a:b c-11;out?er;middle;in:ner;hot;read 1\n");
	assert_folds_to(p, (struct folded_options){ .weight_ns = true },
			"a:b c;out?er;middle;in:ner 250\n"
			"a:b c;out?er;middle;in:ner;hot;read 3250\n");
	profile_destroy(p);
}

static void marks_become_kinds_and_inlined_lines(void **state)
{
	(void)state;
	struct profile *p = read_text("t;main;outer;inner_[i];core_[i];entry_[k];hot_[j] 5\n");
	size_t kinds[4] = { 0 }, lines = 0;
	for (size_t i = 1; i < p->frame_count; i++) {
		kinds[p->frames[i].kind]++;
		if (p->frames[i].line_count == 3)
			lines++;
	}
	assert_int_equal(kinds[FRAME_USER], 2);
	assert_int_equal(kinds[FRAME_KERNEL], 1);
	assert_int_equal(kinds[FRAME_JIT], 1);
	assert_int_equal(lines, 1);
	assert_string_equal(profile_string(p, p->threads[1].comm), "t");
	profile_destroy(p);
	const char *text = "t;main;outer;inner_[i];core_[i];entry_[k];hot_[j] 5\n";
	assert_becomes(text, (struct folded_options){ .annotate = true }, text);
}

static void a_truncated_stack_stays_one(void **state)
{
	(void)state;
	struct profile *p = read_text("t;[truncated];leaf 2\nt;main 1\n");
	assert_int_equal(p->meta.reason_count, 1);
	assert_int_equal(p->meta.reasons[0].samples, 2);
	profile_destroy(p);
	assert_becomes("t;[truncated];leaf 2\n", (struct folded_options){ 0 },
		       "t;[truncated];leaf 2\n");
}

static void made_up_names_are_known_as_such(void **state)
{
	(void)state;
	struct profile *p = read_text("t;[libx.so+0x12af];[anon];[x+0x];f[1] 1\n");
	size_t unnamed = 0;
	for (size_t i = 1; i < p->function_count; i++)
		unnamed += p->functions[i].unnamed;
	assert_int_equal(unnamed, 2);
	profile_destroy(p);
}

static void other_tools_files_are_read(void **state)
{
	(void)state;
	struct folded_options plain = { 0 };
	assert_becomes("b;x 1\r\na;y z w 2\r\n\r\n", plain, "a;y z w 2\nb;x 1\n");
	assert_becomes("# a comment\na;x 1\n", plain, "a;x 1\n");
	assert_becomes("#a;x 1\n", plain, "#a;x 1\n");
	assert_becomes("a;x\t3", plain, "a;x 3\n");
	assert_becomes("a;;x; 3\n", plain, "a;x 3\n");
	assert_becomes("a;x 1\na;x 2\n", plain, "a;x 3\n");
	assert_becomes("-;x 1\n", plain, "-;x 1\n");
	assert_becomes("alone 7\n", plain, "alone 7\n");
	assert_becomes("", plain, "");
}

static void ids_of_threads_are_taken_from_their_names(void **state)
{
	(void)state;
	struct folded_options plain = { 0 }, threads = { .threads = true };
	assert_becomes("V8_Worker-12/34;x 1\n", threads, "V8_Worker-34;x 1\n");
	assert_becomes("a-?/34;x 1\n", threads, "a-34;x 1\n");
	assert_becomes("[main tid=34];x 1\n", threads, "main-34;x 1\n");
	assert_becomes("a-12/34;x 1\na-12/35;x 1\n", plain, "a;x 2\n");
	struct profile *p = read_text("a-12/34;x 1\n");
	assert_int_equal(p->threads[1].pid, 12);
	profile_destroy(p);
	/* A number alone may be a part of the name: it stays. */
	assert_becomes("worker-12;x 1\n", threads, "worker-12;x 1\n");
	assert_becomes("-1/2;x 1\na/2;x 1\n[kworker/2];x 1\n", threads,
		       "-1/2;x 1\n[kworker/2];x 1\na/2;x 1\n");
}

static void stacks_without_a_thread_begin_with_a_frame(void **state)
{
	(void)state;
	struct folded_options all = { .annotate = true };
	assert_becomes("<module> (x.py:12);work (x.py:3) 5\n", all,
		       "-;<module> (x.py:12);work (x.py:3) 5\n");
	assert_becomes("java/lang/Thread.run_[j];Foo.bar_[0];Foo.baz_[1];read_[k] 2\n", all,
		       "-;java/lang/Thread.run_[j];Foo.bar_[j];Foo.baz_[j];read_[k] 2\n");
	assert_becomes("libc.so.1`_start;a.out`main 2\n", all, "-;libc.so.1`_start;a.out`main 2\n");
	assert_becomes("sd-pam (x);main 2\n", all, "sd-pam (x);main 2\n");
}

static void decimal_counts_are_rounded(void **state)
{
	(void)state;
	struct folded_options plain = { 0 };
	assert_becomes("a;x 2.5\n", plain, "a;x 3\n");
	assert_becomes("a;x 2.4999\n", plain, "a;x 2\n");
	assert_becomes("a;x 1.25e+02\n", plain, "a;x 125\n");
	assert_becomes("a;x 1234e-2\n", plain, "a;x 12\n");
	assert_becomes("a;x .75\n", plain, "a;x 1\n");
	assert_becomes("a;x 18446744073709551615\n", plain, "a;x 18446744073709551615\n");
	assert_becomes("a;x 0.2\n", plain, "");
}

static void errors_name_the_line(void **state)
{
	(void)state;
	assert_refused("a;x 1\na;b\n", "line 2 does not end in a count");
	assert_refused("a;x 1\n\n\na;b 1x\n", "line 4 does not end in a count");
	assert_refused("a;b -1\n", "line 1 does not end in a count");
	assert_refused("a;b 1e\n", "line 1 does not end in a count");
	assert_refused("a;b 1e9999999999\n", "line 1 does not end in a count");
	assert_refused("a;b 18446744073709551616\n", "line 1 does not end in a count");
	assert_refused("a;b .\n", "line 1 does not end in a count");
	assert_refused(" 5\n", "line 1 has a count and no stack");
	assert_refused("a 18446744073709551615\nb 1\n", "the counts up to line 2 exceed 64 bits");
	struct error err = { 0 };
	struct profile *p = NULL;
	assert_int_equal(folded_read("a 1\na;\0 1\n", 11, &p, &err), -74);
	assert_string_equal(err.text, "line 2 has a NUL byte");
}

static void collapsed_stacks_are_recognised(void **state)
{
	(void)state;
	const char *yes[] = { "a;b 1\n", "a;b;c 12\nd;e 1.5\n", "# x\na;b 1", "a 1\n" };
	const char *no[] = { "",
			     "\n\n",
			     "<svg width=\"1\">\n",
			     "{\"a\": 1}\n",
			     "a;b\n",
			     "perf 123 456.789: cycles:\n\tffff main (/bin/x)\n",
			     " 1\n" };
	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		assert_true(folded_is(yes[i], strlen(yes[i])));
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		assert_false(folded_is(no[i], strlen(no[i])));
	assert_false(folded_is("a\0b 1\n", 6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_stacks_of_two_threads_add_up),
		cmocka_unit_test(marks_become_kinds_and_inlined_lines),
		cmocka_unit_test(a_truncated_stack_stays_one),
		cmocka_unit_test(made_up_names_are_known_as_such),
		cmocka_unit_test(other_tools_files_are_read),
		cmocka_unit_test(ids_of_threads_are_taken_from_their_names),
		cmocka_unit_test(stacks_without_a_thread_begin_with_a_frame),
		cmocka_unit_test(decimal_counts_are_rounded),
		cmocka_unit_test(errors_name_the_line),
		cmocka_unit_test(collapsed_stacks_are_recognised),
	};
	return cmocka_run_group_tests_name("format/folded", tests, NULL, NULL);
}
