// SPDX-License-Identifier: MIT
#include "fixture.h"

#include <string.h>

static const struct profile_module *find_module(const struct profile *p, const char *path)
{
	for (size_t i = 1; i < p->module_count; i++)
		if (!strcmp(profile_string(p, p->modules[i].path), path))
			return &p->modules[i];
	return NULL;
}

static const struct profile_function *find_function(const struct profile *p, const char *name)
{
	for (size_t i = 1; i < p->function_count; i++)
		if (!strcmp(profile_string(p, p->functions[i].name), name))
			return &p->functions[i];
	return NULL;
}

static const struct profile_frame *find_frame(const struct profile *p, uint64_t vaddr)
{
	for (size_t i = 1; i < p->frame_count; i++)
		if (p->frames[i].vaddr == vaddr)
			return &p->frames[i];
	return NULL;
}

static const char *frame_name(const struct profile *p, uint64_t vaddr)
{
	const struct profile_frame *f = find_frame(p, vaddr);
	assert_non_null(f);
	function_id g = p->lines[f->first_line + f->line_count - 1].function;
	return profile_string(p, p->functions[g.v].name);
}

static void any_order_gives_equal_bytes(void **state)
{
	(void)state;
	struct profile *p = fixture_profile(0);
	struct strbuf first = fixture_message(p);
	profile_destroy(p);
	for (uint64_t seed = 1; seed <= 200; seed++) {
		p = fixture_profile(seed);
		struct strbuf other = fixture_message(p);
		profile_destroy(p);
		assert_int_equal(other.length, first.length);
		assert_memory_equal(other.text, first.text, first.length);
		strbuf_deinit(&other);
	}
	strbuf_deinit(&first);
}

static void equal_build_ids_are_one_module(void **state)
{
	(void)state;
	struct profile *p = fixture_profile(0);
	assert_int_equal(p->module_count, 1 + 4);
	const struct profile_module *libc = find_module(p, "/lib/libc.so.6");
	assert_non_null(libc);
	assert_false(libc->deleted);
	assert_string_equal(profile_string(p, libc->build_id), "abcd01");
	assert_int_equal(libc->start_vaddr, 0x29000);
	assert_int_equal(libc->limit_vaddr, 0x2a000);
	assert_int_equal(libc->file_off, 0x28000);
	assert_string_equal(frame_name(p, 0x29d90), "memcpy");
	assert_null(find_module(p, "/lib/unused.so"));
	assert_true(find_module(p, "/opt/plug;in.so")->deleted);
	profile_destroy(p);
}

static void of_equal_frames_the_best_known_one_stays(void **state)
{
	(void)state;
	struct builder *b;
	struct profile *p;
	assert_int_equal(builder_create(&b, NULL), 0);
	for (size_t i = 0; i < 2; i++) {
		module_id m = builder_add_module(b, &(struct builder_module){ .path = "/x" });
		frame_id f = builder_frame(b, m, 0x10, FRAME_USER, NULL);
		if (i)
			builder_frame_function_start(b, f, 0x8);
		stack_id s = builder_stack(b, (stack_id){ 0 }, f);
		assert_int_equal(builder_sample(b, 0, (thread_id){ 0 }, s, ""), 0);
	}
	assert_int_equal(builder_freeze(b, &p, NULL), 0);
	assert_int_equal(p->frame_count, 2);
	assert_string_equal(frame_name(p, 0x10), "[x+0x8]"); /* behind [x+0x10] in order */
	assert_int_equal(p->samples[0].count, 2);
	profile_destroy(p);
	builder_destroy(b);
}

static void modules_without_build_id_are_one_by_path(void **state)
{
	(void)state;
	struct builder *b;
	struct profile *p;
	assert_int_equal(builder_create(&b, NULL), 0);
	stack_id s = { 0 };
	const char *paths[] = { "/a", "/a", "/b" };
	for (size_t i = 0; i < 3; i++) {
		module_id m = builder_add_module(b, &(struct builder_module){ .path = paths[i] });
		s = builder_stack(b, s, builder_frame(b, m, 16 * i + 16, FRAME_USER, NULL));
	}
	static const uint8_t id[] = { 1 };
	module_id m = builder_add_module(
		b, &(struct builder_module){ .path = "/a", .build_id = id, .build_id_size = 1 });
	s = builder_stack(b, s, builder_frame(b, m, 0x100, FRAME_USER, NULL));
	assert_int_equal(builder_sample(b, 0, builder_thread(b, 1, 1, "x"), s, ""), 0);
	assert_int_equal(builder_freeze(b, &p, NULL), 0);
	assert_int_equal(p->module_count, 1 + 3);
	profile_destroy(p);
	builder_destroy(b);
}

static void the_main_binary_is_module_1(void **state)
{
	(void)state;
	struct profile *p = fixture_profile(3);
	assert_string_equal(profile_string(p, p->modules[1].path), "/usr/bin/work");
	assert_int_equal(p->modules[1].start_vaddr, 0x401000);
	assert_int_equal(p->modules[1].file_off, 0x1000);
	profile_destroy(p);
}

static void frames_without_names_are_called_by_place(void **state)
{
	(void)state;
	struct profile *p = fixture_profile(0);
	assert_string_equal(frame_name(p, 0x1234), "[plug;in.so+0x1230]");
	assert_string_equal(frame_name(p, 0x1250), "[plug;in.so+0x1230]");
	assert_string_equal(frame_name(p, UINT64_C(0xffffffff81000123)),
			    "[kernel.kallsyms+0xffffffff81000123]");
	assert_string_equal(frame_name(p, 0x7f0000001000), "[anon]");
	assert_string_equal(frame_name(p, 0), "[truncated]");
	assert_int_equal(find_frame(p, 0)->kind, FRAME_TRUNCATED);
	assert_true(find_function(p, "[plug;in.so+0x1230]")->unnamed);
	assert_false(find_function(p, "[truncated]")->unnamed);
	assert_false(find_function(p, "main")->unnamed);
	profile_destroy(p);
}

static void kernel_frames_need_no_module(void **state)
{
	(void)state;
	struct builder *b;
	struct profile *p;
	assert_int_equal(builder_create(&b, NULL), 0);
	stack_id s = builder_stack(b, (stack_id){ 0 },
				   builder_frame(b, (module_id){ 0 }, 0xabc, FRAME_KERNEL, NULL));
	s = builder_stack(b, s, builder_frame(b, (module_id){ 0 }, 0xdef, FRAME_USER, NULL));
	assert_int_equal(builder_sample(b, 0, builder_thread(b, 1, 1, "x"), s, ""), 0);
	assert_int_equal(builder_freeze(b, &p, NULL), 0);
	assert_string_equal(frame_name(p, 0xabc), "[kernel.kallsyms+0xabc]");
	assert_string_equal(frame_name(p, 0xdef), "[unknown]");
	profile_destroy(p);
	builder_destroy(b);
}

static void a_threads_cpu_time_adds_up_exactly(void **state)
{
	(void)state;
	struct profile *p = fixture_profile(0);
	uint64_t by_tid[2] = { 0 }, count[2] = { 0 };
	for (size_t i = 0; i < p->sample_count; i++) {
		uint32_t which = p->threads[p->samples[i].thread.v].tid - 100;
		by_tid[which] += p->samples[i].cpu_ns;
		count[which] += p->samples[i].count;
	}
	assert_int_equal(by_tid[0], 6000001);
	assert_int_equal(by_tid[1], 22000001);
	assert_int_equal(count[0], 1 + 2 + 3);
	assert_int_equal(count[1], 4 + 5 + 6 + 7);
	for (size_t i = 0; i < p->sample_count; i++) {
		const struct profile_sample *s = &p->samples[i];
		assert_in_range(s->cpu_ns, s->count * 1000000, s->count * 1000000 + 1);
	}
	assert_int_equal(p->meta.unsampled_cpu_ns, 77);
	assert_int_equal(profile_total_cpu_ns(p), 28000002);
	assert_int_equal(profile_total_count(p), 28);
	profile_destroy(p);
}

/* In a small pid namespace the numbers of the run before come again. */
static void a_pid_of_another_run_is_another_thread(void **state)
{
	(void)state;
	struct builder *b;
	struct profile *p = NULL;
	assert_int_equal(builder_create(&b, NULL), 0);
	for (uint32_t run = 1; run <= 2; run++) {
		builder_set_run(b, run);
		thread_id thread = builder_thread(b, 5, 5, "work");
		builder_sample(b, run, thread, (stack_id){ 0 }, "");
		builder_thread_cpu(b, 5, 5, run * 1000);
		builder_thread_cpu(b, 5, 5, 1);
		builder_thread_cpu(b, 5, 6, 7); /* never sampled */
	}
	assert_int_equal(builder_freeze(b, &p, NULL), 0);
	assert_int_equal(p->sample_count, 2);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(p->threads[p->samples[i].thread.v].run, i + 1);
		assert_int_equal(p->samples[i].cpu_ns, (i + 1) * 1000 + 1);
	}
	assert_int_equal(p->meta.unsampled_cpu_ns, 14);
	builder_destroy(b);
	profile_destroy(p);
}

static void reasons_that_occur_are_counted(void **state)
{
	(void)state;
	struct profile *p = fixture_profile(0);
	assert_int_equal(p->meta.reason_count, 1);
	assert_string_equal(profile_string(p, p->meta.reasons[0].id), "read-failed");
	assert_string_equal(profile_string(p, p->meta.reasons[0].sentence),
			    "stack memory could not be read");
	assert_int_equal(p->meta.reasons[0].samples, 7);
	assert_int_equal(profile_truncated_count(p), 7);
	profile_destroy(p);
}

static void reasons_are_in_order(void **state)
{
	(void)state;
	const char *ids[] = { "b", "a", "c" };
	struct builder *b;
	struct profile *p;
	assert_int_equal(builder_create(&b, NULL), 0);
	frame_id cut = builder_frame(b, (module_id){ 0 }, 0, FRAME_TRUNCATED, NULL);
	stack_id s = { 0 };
	for (size_t i = 0; i < 3; i++) { /* ever deeper, which orders the samples */
		s = builder_stack(b, s, cut);
		assert_int_equal(builder_sample(b, 0, (thread_id){ 0 }, s, ids[i]), 0);
	}
	assert_int_equal(builder_reason(b, "a", "first words"), 0);
	assert_int_equal(builder_reason(b, "a", "last words"), 0);
	assert_int_equal(builder_freeze(b, &p, NULL), 0);
	assert_int_equal(p->meta.reason_count, 3);
	assert_string_equal(profile_string(p, p->meta.reasons[0].id), "a");
	assert_string_equal(profile_string(p, p->meta.reasons[0].sentence), "last words");
	assert_string_equal(profile_string(p, p->meta.reasons[1].sentence), "b");
	assert_string_equal(profile_string(p, p->meta.reasons[2].id), "c");
	profile_destroy(p);
	builder_destroy(b);
}

static void of_two_main_binaries_one_is_module_1(void **state)
{
	(void)state;
	struct builder *b;
	struct profile *p;
	const char *paths[] = { "/z", "/y", "/a" };
	stack_id s = { 0 };
	assert_int_equal(builder_create(&b, NULL), 0);
	for (size_t i = 0; i < 3; i++) {
		module_id m = builder_add_module(
			b, &(struct builder_module){ .path = paths[i], .is_main = i < 2 });
		s = builder_stack(b, s, builder_frame(b, m, 1, FRAME_USER, NULL));
	}
	assert_int_equal(builder_sample(b, 0, (thread_id){ 0 }, s, ""), 0);
	assert_int_equal(builder_freeze(b, &p, NULL), 0);
	assert_string_equal(profile_string(p, p->modules[1].path), "/y");
	assert_string_equal(profile_string(p, p->modules[2].path), "/a");
	assert_string_equal(profile_string(p, p->modules[3].path), "/z");
	profile_destroy(p);
	builder_destroy(b);
}

static void the_builder_goes_on_after_a_freeze(void **state)
{
	(void)state;
	struct builder *b = fixture_build(0);
	struct profile *first, *second;
	assert_int_equal(builder_freeze(b, &first, NULL), 0);
	assert_int_equal(builder_sample_count(b), 28);
	assert_int_equal(
		builder_sample(b, 0, builder_thread(b, 100, 102, "late"), (stack_id){ 1 }, ""), 0);
	assert_int_equal(builder_freeze(b, &second, NULL), 0);
	assert_int_equal(profile_total_count(first), 28);
	assert_int_equal(profile_total_count(second), 29);
	assert_int_equal(second->meta.unsampled_cpu_ns, 0);
	profile_destroy(first);
	profile_destroy(second);
	builder_destroy(b);
}

static void an_empty_builder_gives_an_empty_profile(void **state)
{
	(void)state;
	struct builder *b;
	struct profile *p;
	assert_int_equal(builder_create(&b, NULL), 0);
	assert_int_equal(builder_freeze(b, &p, NULL), 0);
	assert_int_equal(p->sample_count, 0);
	assert_int_equal(p->stack_count, 1);
	struct strbuf message = fixture_message(p);
	strbuf_deinit(&message);
	profile_destroy(p);
	builder_destroy(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_order_gives_equal_bytes),
		cmocka_unit_test(equal_build_ids_are_one_module),
		cmocka_unit_test(of_equal_frames_the_best_known_one_stays),
		cmocka_unit_test(modules_without_build_id_are_one_by_path),
		cmocka_unit_test(the_main_binary_is_module_1),
		cmocka_unit_test(frames_without_names_are_called_by_place),
		cmocka_unit_test(kernel_frames_need_no_module),
		cmocka_unit_test(a_threads_cpu_time_adds_up_exactly),
		cmocka_unit_test(a_pid_of_another_run_is_another_thread),
		cmocka_unit_test(reasons_that_occur_are_counted),
		cmocka_unit_test(reasons_are_in_order),
		cmocka_unit_test(of_two_main_binaries_one_is_module_1),
		cmocka_unit_test(the_builder_goes_on_after_a_freeze),
		cmocka_unit_test(an_empty_builder_gives_an_empty_profile),
	};
	return cmocka_run_group_tests_name("profile/builder", tests, NULL, NULL);
}
