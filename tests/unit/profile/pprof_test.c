// SPDX-License-Identifier: MIT
#include "fixture.h"
#include "message.h"

#include <errno.h>

static struct profile *read_back(const void *bytes, size_t size_bytes)
{
	struct error err = { 0 };
	struct profile *p = NULL;
	if (pprof_read(bytes, size_bytes, &p, &err) < 0)
		fail_msg("%s", err.text);
	if (profile_check(p, &err) < 0)
		fail_msg("%s", err.text);
	return p;
}

static struct profile *read_message(const struct message *m)
{
	assert_true(pprof_is(m->bytes, m->size_bytes));
	return read_back(m->bytes, m->size_bytes);
}

#define ASSERT_SAME_TABLE(table, count)                                                       \
	do {                                                                                  \
		assert_int_equal(p->count, q->count);                                         \
		for (size_t i_ = 0; i_ < p->count; i_++)                                      \
			assert_memory_equal(&p->table[i_], &q->table[i_], sizeof(*p->table)); \
	} while (0)

/* Field by field: what is not written is missed here, although it is written twice the same. */
static void assert_same_profile(const struct profile *p, const struct profile *q)
{
	assert_int_equal(p->strings.count, q->strings.count);
	for (uint32_t i = 0; i < p->strings.count; i++)
		assert_string_equal(p->strings.text[i], q->strings.text[i]);
	ASSERT_SAME_TABLE(lines, line_count);
	ASSERT_SAME_TABLE(frames, frame_count);
	ASSERT_SAME_TABLE(stack_parent, stack_count);
	ASSERT_SAME_TABLE(stack_frame, stack_count);
	ASSERT_SAME_TABLE(threads, thread_count);
	ASSERT_SAME_TABLE(samples, sample_count);
	ASSERT_SAME_TABLE(times, time_count);
	assert_int_equal(p->time_cell_ns, q->time_cell_ns);
	assert_int_equal(p->module_count, q->module_count);
	for (size_t i = 0; i < p->module_count; i++) { /* has padding */
		const struct profile_module *a = &p->modules[i], *b = &q->modules[i];
		assert_int_equal(a->path.v, b->path.v);
		assert_int_equal(a->build_id.v, b->build_id.v);
		assert_int_equal(a->start_vaddr, b->start_vaddr);
		assert_int_equal(a->limit_vaddr, b->limit_vaddr);
		assert_int_equal(a->file_off, b->file_off);
		assert_int_equal(a->deleted, b->deleted);
	}
	assert_int_equal(p->function_count, q->function_count);
	for (size_t i = 0; i < p->function_count; i++) {
		const struct profile_function *a = &p->functions[i], *b = &q->functions[i];
		assert_int_equal(a->name.v, b->name.v);
		assert_int_equal(a->system_name.v, b->system_name.v);
		assert_int_equal(a->file.v, b->file.v);
		assert_int_equal(a->start_line, b->start_line);
		assert_int_equal(a->unnamed, b->unnamed);
	}
}

static void assert_round_trip(const struct profile *p)
{
	struct strbuf once = { 0 }, twice = { 0 };
	assert_int_equal(pprof_write(p, &once, NULL), 0);
	struct profile *q = read_back(once.text, once.length);
	assert_int_equal(pprof_write(q, &twice, NULL), 0);
	assert_int_equal(twice.length, once.length);
	assert_memory_equal(twice.text, once.text, once.length);
	assert_same_profile(p, q);
	profile_destroy(q);
	strbuf_deinit(&once);
	strbuf_deinit(&twice);
}

static void a_capture_read_and_written_is_the_same_file(void **state)
{
	(void)state;
	struct builder *b;
	struct profile *p = fixture_profile(0);
	assert_round_trip(p);
	profile_destroy(p);
	assert_int_equal(builder_create(&b, NULL), 0);
	assert_int_equal(builder_freeze(b, &p, NULL), 0);
	assert_round_trip(p);
	profile_destroy(p);
	builder_destroy(b);
}

static void every_fact_survives(void **state)
{
	(void)state;
	struct profile *p = fixture_profile(0);
	struct strbuf bytes = { 0 };
	assert_int_equal(pprof_write(p, &bytes, NULL), 0);
	profile_destroy(p);
	p = read_back(bytes.text, bytes.length);
	const struct profile_meta *m = &p->meta;
	assert_string_equal(profile_string(p, m->command), "work --fast");
	assert_string_equal(profile_string(p, m->backend), "perf");
	assert_string_equal(profile_string(p, m->unwind), "auto");
	assert_string_equal(profile_string(p, m->event), "cpu");
	assert_string_equal(profile_string(p, m->host), "box");
	assert_string_equal(profile_string(p, m->kernel), "6.1.0");
	assert_int_equal(m->cpus, 2);
	assert_int_equal(m->rate_hz, 999);
	assert_int_equal(m->start_unix_ns, UINT64_C(1700000000123456789));
	assert_int_equal(m->duration_ns, 2500000000);
	assert_int_equal(m->lost_samples, 5);
	assert_int_equal(m->throttled, 6);
	assert_int_equal(m->fixed_period_samples, 7);
	assert_int_equal(m->profiler_cpu_ns, 8);
	assert_int_equal(m->profiler_kernel_ns, 10);
	assert_int_equal(m->profiler_written_bytes, 11);
	assert_int_equal(m->wanted_rate_hz, 1999);
	assert_int_equal(m->unsampled_kernel_ns, 9);
	assert_int_equal(m->unsampled_cpu_ns, 77);
	assert_true(m->kernel_sampled);
	assert_false(m->foreign);
	assert_int_equal(m->pid_count, 1);
	assert_int_equal(m->pids[0], 100);
	assert_int_equal(m->note_count, 1);
	assert_string_equal(profile_string(p, m->notes[0]), "2 children outlived CMD");
	assert_int_equal(m->reason_count, 1);
	assert_string_equal(profile_string(p, m->reasons[0].sentence),
			    "stack memory could not be read");
	profile_destroy(p);
	strbuf_deinit(&bytes);
}

static void targets_have_a_pid_inside(void **state)
{
	(void)state;
	struct builder *b;
	struct profile *p;
	struct strbuf bytes = { 0 };
	assert_int_equal(builder_create(&b, NULL), 0);
	for (uint32_t pid = 50; pid < 54; pid++)
		assert_int_equal(builder_target_pid(b, pid), 0);
	builder_target_inner_pid(b, 51, 1);
	builder_target_inner_pid(b, 53, 700);
	builder_target_inner_pid(b, 50, 9); /* out of order: not asked for here */
	assert_int_equal(builder_freeze(b, &p, NULL), 0);
	assert_int_equal(pprof_write(p, &bytes, NULL), 0);
	profile_destroy(p);
	builder_destroy(b);
	assert_int_equal(pprof_read(bytes.text, bytes.length, &p, NULL), 0);
	assert_int_equal(p->meta.pid_count, 4);
	static const uint32_t inner[] = { 0, 1, 0, 700 };
	assert_memory_equal(p->meta.inner_pids, inner, sizeof(inner));
	profile_destroy(p);
	strbuf_deinit(&bytes);
}

static void completed_samples_have_a_label(void **state)
{
	(void)state;
	struct builder *b;
	struct profile *p;
	assert_int_equal(builder_create(&b, NULL), 0);
	frame_id frame = builder_frame(b, (module_id){ 0 }, 0x10, FRAME_JIT, NULL);
	struct builder_row row = { .leaf = builder_stack(b, (stack_id){ 0 }, frame),
				   .completed = true,
				   .count = 3 };
	assert_true(builder_add_row(b, &row).v);
	row.completed = false;
	row.count = 4;
	assert_true(builder_add_row(b, &row).v);
	assert_int_equal(builder_freeze(b, &p, NULL), 0);
	assert_int_equal(p->sample_count, 2);
	for (size_t i = 0; i < p->sample_count; i++)
		assert_int_equal(p->samples[i].count, p->samples[i].completed ? 3 : 4);
	assert_round_trip(p);
	struct strbuf bytes = { 0 };
	assert_int_equal(pprof_write(p, &bytes, NULL), 0);
	struct profile *q = read_back(bytes.text, bytes.length);
	assert_int_equal(q->samples[0].completed, p->samples[0].completed);
	assert_int_equal(q->samples[1].completed, p->samples[1].completed);
	strbuf_deinit(&bytes);
	profile_destroy(q);
	profile_destroy(p);
	builder_destroy(b);
}

static void our_message_is_the_last_field(void **state)
{
	(void)state;
	struct profile *p = fixture_profile(0);
	struct strbuf bytes = fixture_message(p);
	struct cursor c = cursor_of(bytes.text, bytes.length);
	uint64_t tag = 0;
	int ours = 0;
	while (cursor_left(&c)) {
		tag = cursor_uleb(&c);
		uint64_t value = cursor_uleb(&c);
		if ((tag & 7) == 2)
			cursor_take(&c, value);
		ours += tag >> 3 > 15;
	}
	assert_null(c.bad);
	assert_int_equal(ours, 1);
	assert_int_equal(tag, UINT64_C(536870911) << 3 | 2);
	profile_destroy(p);
	strbuf_deinit(&bytes);
}

/* The text of default_sample_type, field 14, in the string table, field 6. */
static void assert_default_type(const struct profile *p, const char *expected)
{
	struct strbuf bytes = fixture_message(p);
	struct cursor c = cursor_of(bytes.text, bytes.length);
	const char *texts[64] = { NULL };
	uint64_t sizes[64], count = 0, wanted = 0;
	while (cursor_left(&c)) {
		uint64_t tag = cursor_uleb(&c), value = cursor_uleb(&c);
		if (tag >> 3 == 14)
			wanted = value;
		const char *text = (tag & 7) == 2 ? cursor_take(&c, value) : NULL;
		if (tag >> 3 != 6 || count == 64)
			continue;
		texts[count] = text;
		sizes[count++] = value;
	}
	assert_in_range(wanted, 1, count - 1);
	assert_int_equal(sizes[wanted], strlen(expected));
	assert_memory_equal(texts[wanted], expected, strlen(expected));
	strbuf_deinit(&bytes);
}

static void the_default_type_is_one_that_has_values(void **state)
{
	(void)state;
	struct builder *b;
	struct profile *p = fixture_profile(0);
	assert_default_type(p, "cpu");
	profile_destroy(p);
	assert_int_equal(builder_create(&b, NULL), 0);
	assert_int_equal(builder_freeze(b, &p, NULL), 0);
	assert_default_type(p, "cpu");
	profile_destroy(p);
	assert_int_equal(builder_sample(b, 0, (thread_id){ 0 }, (stack_id){ 0 }, ""), 0);
	assert_int_equal(builder_freeze(b, &p, NULL), 0);
	assert_default_type(p, "samples");
	profile_destroy(p);
	builder_destroy(b);
}

/* Two types, a mapping, functions f and g, locations 7 (f) and 9 (g inlined into f, in the kernel). */
static struct message foreign(void)
{
	static const char *const strings[] = {
		"",    "samples", "count",  "cpu", "nanoseconds", "/bin/x (deleted)",  "f", "g",
		"f.c", "thread",  "worker", "tid", "my build",    "[kernel.kallsyms]",
	};
	struct message m = { .size_bytes = 0 }, line, location;
	struct message sample = numbers(NUMBERS(1, 9, 1, 7, 2, 3, 2, 3000000));
	put_numbers(&sample, 3, NUMBERS(1, 9, 2, 10));
	put_numbers(&sample, 3, NUMBERS(1, 11, 3, 77));
	put_sub(&m, 2, &sample); /* before all that it refers to */
	location = numbers(NUMBERS(1, 9, 2, 200, 3, UINT64_C(0xffffffff81000010)));
	line = numbers(NUMBERS(1, 31, 2, 5));
	put_sub(&location, 4, &line);
	line = numbers(NUMBERS(1, 30, 2, 6));
	put_sub(&location, 4, &line);
	put_sub(&m, 4, &location);
	location = numbers(NUMBERS(1, 7, 2, 100, 3, 0x401010));
	line = numbers(NUMBERS(1, 30));
	put_sub(&location, 4, &line);
	put_sub(&m, 4, &location);
	put_numbers(&m, 5, NUMBERS(1, 30, 2, 6, 4, 8, 5, 4));
	put_numbers(&m, 5, NUMBERS(1, 31, 3, 7));
	put_numbers(&m, 3, NUMBERS(1, 100, 2, 0x400000, 3, 0x500000, 4, 0x1000, 5, 5, 6, 12));
	put_numbers(&m, 3,
		    NUMBERS(1, 200, 2, UINT64_C(0xffffffff81000000), 3,
			    UINT64_C(0xffffffff82000000), 5, 13));
	put_numbers(&m, 1, NUMBERS(1, 1, 2, 2));
	put_numbers(&m, 1, NUMBERS(1, 3, 2, 4));
	put_numbers(&m, 11, NUMBERS(1, 3, 2, 4));
	put_number(&m, 12, 10000000);
	put_number(&m, 9, 5);
	for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++)
		put_text(&m, 6, strings[i]);
	return m;
}

static void a_foreign_file_in_any_order_is_read(void **state)
{
	(void)state;
	struct message m = foreign();
	struct profile *p = read_message(&m);
	assert_true(p->meta.foreign);
	assert_int_equal(p->meta.rate_hz, 100);
	assert_int_equal(p->meta.start_unix_ns, 5);
	assert_int_equal(p->module_count, 3);
	assert_string_equal(profile_string(p, p->modules[1].path), "/bin/x");
	assert_string_equal(profile_string(p, p->modules[1].build_id), "my build");
	assert_true(p->modules[1].deleted);
	assert_int_equal(p->modules[1].start_vaddr, 0x400000);
	assert_int_equal(p->modules[1].limit_vaddr, 0x500000);
	assert_int_equal(p->modules[1].file_off, 0x1000);
	assert_int_equal(p->sample_count, 1);
	const struct profile_sample *s = &p->samples[0];
	assert_int_equal(s->count, 3);
	assert_int_equal(s->cpu_ns, 3000000);
	assert_int_equal(p->threads[s->thread.v].tid, 77);
	assert_string_equal(profile_string(p, p->threads[s->thread.v].comm), "worker");

	const struct profile_frame *leaf = &p->frames[p->stack_frame[s->stack.v].v];
	assert_int_equal(leaf->kind, FRAME_KERNEL);
	assert_int_equal(leaf->line_count, 2);
	const struct profile_line *inner = &p->lines[leaf->first_line];
	assert_string_equal(profile_string(p, p->functions[inner->function.v].name), "g");
	assert_int_equal(inner->line, 5);
	stack_id outer = p->stack_parent[s->stack.v];
	const struct profile_frame *root = &p->frames[p->stack_frame[outer.v].v];
	const struct profile_function *f = &p->functions[p->lines[root->first_line].function.v];
	assert_string_equal(profile_string(p, f->name), "f");
	assert_string_equal(profile_string(p, f->file), "f.c");
	assert_int_equal(f->start_line, 4);
	assert_int_equal(p->stack_parent[outer.v].v, 0);
	assert_round_trip(p);
	profile_destroy(p);
}

static void anonymous_code_has_no_module(void **state)
{
	(void)state;
	struct message m = { .size_bytes = 0 };
	put_text(&m, 6, "");
	put_text(&m, 6, "//anon");
	put_text(&m, 6, "count");
	put_numbers(&m, 1, NUMBERS(1, 2, 2, 2));
	put_numbers(&m, 3, NUMBERS(1, 4, 2, 0x1000, 3, 0x2000, 5, 1));
	put_numbers(&m, 4, NUMBERS(1, 1, 2, 4, 3, 0x1234));
	put_numbers(&m, 2, NUMBERS(1, 1, 2, 1));
	struct profile *p = read_message(&m);
	assert_int_equal(p->frames[1].kind, FRAME_JIT);
	assert_int_equal(p->frames[1].module.v, 0);
	assert_int_equal(p->frames[1].vaddr, 0x1234);
	assert_string_equal(profile_string(p, p->functions[1].name), "[anon]");
	profile_destroy(p);
}

static void frames_without_a_mapping_have_kinds(void **state)
{
	(void)state;
	struct message m = { .size_bytes = 0 }, anonymous = numbers(NUMBERS(1, 2, 3, 0x20));
	put_text(&m, 6, "");
	put_text(&m, 6, "[anon]");
	put_text(&m, 6, "count");
	put_numbers(&m, 1, NUMBERS(1, 2, 2, 2));
	put_numbers(&m, 5, NUMBERS(1, 1, 2, 1));
	put_numbers(&m, 4, NUMBERS(1, 1, 3, UINT64_C(0xffffffff81000000)));
	put_numbers(&anonymous, 4, NUMBERS(1, 1));
	put_sub(&m, 4, &anonymous);
	put_numbers(&m, 4, NUMBERS(1, 3, 3, 0x30));
	put_numbers(&m, 2, NUMBERS(1, 1, 1, 2, 1, 3, 2, 1));
	struct profile *p = read_message(&m);
	assert_int_equal(p->frame_count, 4);
	for (size_t i = 1; i < p->frame_count; i++) {
		const struct profile_frame *f = &p->frames[i];
		assert_int_equal(f->kind, f->vaddr == 0x20   ? FRAME_JIT
					  : f->vaddr == 0x30 ? FRAME_USER
							     : FRAME_KERNEL);
	}
	profile_destroy(p);
}

static void two_mappings_of_a_file_are_one_module(void **state)
{
	(void)state;
	struct message m = { .size_bytes = 0 };
	put_text(&m, 6, "");
	put_text(&m, 6, "/bin/x");
	put_text(&m, 6, "nanoseconds");
	put_numbers(&m, 1, NUMBERS(1, 2, 2, 2));
	put_number(&m, 12, 5);
	put_numbers(&m, 11, NUMBERS(2, 2));
	put_numbers(&m, 3, NUMBERS(1, 1, 2, 0x9000, 3, 0xc000, 4, 0x2000, 5, 1));
	put_numbers(&m, 3, NUMBERS(1, 2, 2, 0x7000, 3, 0x9000, 4, 0, 5, 1));
	put_numbers(&m, 4, NUMBERS(1, 1, 2, 1, 3, 0x9010));
	put_numbers(&m, 4, NUMBERS(1, 2, 2, 2, 3, 0x8010));
	put_numbers(&m, 2, NUMBERS(1, 1, 1, 2, 2, 10));
	put_numbers(&m, 2, NUMBERS(1, 1, 1, 2, 2, 20)); /* the same stack again */
	struct profile *p = read_message(&m);
	assert_int_equal(p->module_count, 2);
	assert_int_equal(p->modules[1].start_vaddr, 0x7000);
	assert_int_equal(p->modules[1].limit_vaddr, 0xc000);
	assert_int_equal(p->modules[1].file_off, 0);
	assert_int_equal(p->sample_count, 1);
	assert_int_equal(p->samples[0].cpu_ns, 30);
	assert_int_equal(p->samples[0].count, 6);
	assert_round_trip(p);
	profile_destroy(p);
}

/* A message of one sample without a stack, with the given types and values. */
static struct profile *read_values(const char *const (*types)[2], size_t count,
				   const uint64_t *values, uint64_t period)
{
	struct message m = { .size_bytes = 0 }, sample = { .size_bytes = 0 };
	uint64_t next = 1;
	put_text(&m, 6, "");
	for (size_t i = 0; i < count; i++, next += 2) {
		put_text(&m, 6, types[i][0]);
		put_text(&m, 6, types[i][1]);
		put_numbers(&m, 1, NUMBERS(1, next, 2, next + 1));
		put_number(&sample, 2, values[i]);
	}
	put_sub(&m, 2, &sample);
	put_text(&m, 6, "nanoseconds");
	put_numbers(&m, 11, NUMBERS(2, next));
	put_number(&m, 12, period);
	return read_message(&m);
}

#define ASSERT_VALUES(types, values, period, expected_count, expected_cpu_ns)             \
	do {                                                                              \
		struct profile *p_ = read_values(types, sizeof(types) / sizeof(*(types)), \
						 (const uint64_t[])values, period);       \
		assert_int_equal(profile_total_count(p_), expected_count);                \
		assert_int_equal(profile_total_cpu_ns(p_), expected_cpu_ns);              \
		profile_destroy(p_);                                                      \
	} while (0)
#define V(...)              \
	{                   \
		__VA_ARGS__ \
	}

static void counts_and_times_are_found_by_their_types(void **state)
{
	(void)state;
	static const char *const go[][2] = { { "samples", "count" }, { "cpu", "nanoseconds" } };
	static const char *const node[][2] = { { "sample", "count" }, { "wall", "microseconds" } };
	static const char *const time_only[][2] = { { "cpu", "nanoseconds" } };
	static const char *const heap[][2] = { { "alloc_objects", "count" },
					       { "alloc_space", "bytes" },
					       { "inuse_objects", "count" },
					       { "inuse_space", "bytes" } };
	static const char *const space[][2] = { { "space", "bytes" } };
	static const char *const many[][2] = { { "wall", "nanoseconds" },
					       { "cpu", "milliseconds" },
					       { "samples", "count" },
					       { "other", "count" } };
	ASSERT_VALUES(go, V(7, 70), 10, 7, 70);
	ASSERT_VALUES(node, V(7, 70), 0, 7, 70000);
	ASSERT_VALUES(time_only, V(25), 10, 3, 25);
	ASSERT_VALUES(time_only, V(1), 10, 1, 1);
	ASSERT_VALUES(time_only, V(0), 10, 0, 0);
	ASSERT_VALUES(time_only, V(25), 0, 25, 25);
	ASSERT_VALUES(heap, V(1, 2, 3, 4), 512, 3, 0);
	ASSERT_VALUES(space, V(4096), 0, 4096, 0);
	ASSERT_VALUES(many, V(1, 2, 3, 4), 0, 3, 2000000);
}

static void a_file_that_another_tool_rewrote_is_foreign(void **state)
{
	(void)state;
	struct message m = { .size_bytes = 0 }, ours = { .size_bytes = 0 };
	put_number(&ours, 1, 1);
	put_text(&ours, 2, "command");
	put_raw(&ours, 21, "\0\1", 2);
	put_numbers(&m, 4, NUMBERS(1, 1)); /* one location, and kinds for two */
	put_sub(&m, 536870911, &ours);
	struct profile *p = read_back(m.bytes, m.size_bytes);
	assert_true(p->meta.foreign);
	assert_string_equal(profile_string(p, p->meta.command), "");
	profile_destroy(p);
}

static void a_truncated_frame_without_our_message_is_known_by_name(void **state)
{
	(void)state;
	struct message m = { .size_bytes = 0 }, location = numbers(NUMBERS(1, 1));
	put_text(&m, 6, "");
	put_text(&m, 6, "[truncated]");
	put_text(&m, 6, "count");
	put_numbers(&m, 1, NUMBERS(1, 2, 2, 2));
	put_numbers(&m, 5, NUMBERS(1, 1, 2, 1));
	put_numbers(&location, 4, NUMBERS(1, 1));
	put_sub(&m, 4, &location);
	put_numbers(&m, 2, NUMBERS(1, 1, 2, 1));
	struct profile *p = read_message(&m);
	assert_int_equal(p->frames[1].kind, FRAME_TRUNCATED);
	profile_destroy(p);
}

static void assert_refused(const struct message *m, const char *sentence)
{
	struct error err = { 0 };
	struct profile *p = NULL;
	assert_int_equal(pprof_read(m->bytes, m->size_bytes, &p, &err), -EBADMSG);
	assert_string_equal(err.text, sentence);
	assert_null(p);
}

static void errors_name_the_byte(void **state)
{
	(void)state;
	struct message m = { { 0x0a, 0x05, 1 }, 3 };
	assert_refused(&m, "the message is damaged or cut off at byte 2 of the profile");
	m = (struct message){ { 0x0b, 0x05, 1 }, 3 };
	assert_refused(&m, "the message is damaged or cut off at byte 0 of the profile");
	m = numbers(NUMBERS(9, 1, 2, 1));
	assert_refused(&m, "a field has the wrong type at byte 2 of the profile");
	m.size_bytes = 0;
	put_numbers(&m, 4, NUMBERS(1, 1, 2, 5));
	assert_refused(&m, "a location names a mapping that is not there at byte 2 of the profile");
	m.size_bytes = 0;
	put_numbers(&m, 4, NUMBERS(3, 1));
	assert_refused(&m, "a location is damaged at byte 2 of the profile");
	m.size_bytes = 0;
	put_numbers(&m, 5, NUMBERS(1, 1, 2, 9));
	assert_refused(&m, "a function is damaged at byte 2 of the profile");
	m.size_bytes = 0;
	put_numbers(&m, 1, NUMBERS(1, 0));
	put_numbers(&m, 2, NUMBERS(1, 4, 2, 1));
	assert_refused(&m, "a sample names a location that is not there at byte 6 of the profile");
	m.size_bytes = 0;
	put_numbers(&m, 1, NUMBERS(1, 0));
	put_numbers(&m, 2, NUMBERS(2, 1, 2, 1));
	assert_refused(&m,
		       "a sample has not one value for each sample type at byte 6 of the profile");
	m.size_bytes = 0;
	put_numbers(&m, 1, NUMBERS(1, 0));
	put_numbers(&m, 2, NUMBERS(2, UINT64_MAX));
	assert_refused(&m, "a sample is negative (a difference of two profiles?) at byte 6 of the "
			   "profile");
}

static void a_cut_file_is_never_taken_for_a_whole_one(void **state)
{
	(void)state;
	struct message m = foreign();
	size_t whole = m.size_bytes, accepted = 0;
	for (m.size_bytes = 0; m.size_bytes < whole; m.size_bytes++) {
		struct error err = { 0 };
		struct profile *p = NULL;
		if (pprof_read(m.bytes, m.size_bytes, &p, &err) == 0)
			accepted++; /* between two fields, before the sample */
		else
			assert_non_null(strstr(err.text, "at byte"));
		profile_destroy(p);
	}
	assert_in_range(accepted, 1, 3);
	struct profile *p = fixture_profile(0), *q = NULL;
	struct strbuf packed = { 0 };
	assert_int_equal(pprof_write(p, &packed, NULL), 0);
	for (size_t n = 0; n < packed.length; n++)
		if (pprof_read(packed.text, n, &q, NULL) == 0) {
			assert_int_equal(n, 0); /* no bytes are an empty message */
			profile_destroy(q);
		}
	profile_destroy(p);
	strbuf_deinit(&packed);
}

static void a_newer_version_says_so(void **state)
{
	(void)state;
	struct message m = { .size_bytes = 0 };
	put_numbers(&m, 536870911, NUMBERS(1, 2));
	assert_refused(&m, "the capture has version 2 of perfprof's message, and this perfprof "
			   "reads version 1: use a newer one");
}

static void a_small_file_may_not_cost_all_memory(void **state)
{
	(void)state;
	/* One sample whose stack is 2^20 + 1 times location 1: 1 KB gzipped. */
	size_t depth = ((size_t)1 << 20) + 1;
	struct message list = { .size_bytes = 0 }, sample = { .size_bytes = 0 };
	put_varint(&list, 1 << 3 | 2);
	put_varint(&list, depth);
	put_varint(&sample, 2 << 3 | 2);
	put_varint(&sample, list.size_bytes + depth);
	size_t size_bytes = sample.size_bytes + list.size_bytes + depth;
	uint8_t *bytes = malloc(size_bytes);
	assert_non_null(bytes);
	memcpy(bytes, sample.bytes, sample.size_bytes);
	memcpy(bytes + sample.size_bytes, list.bytes, list.size_bytes);
	memset(bytes + size_bytes - depth, 1, depth);
	struct error err = { 0 };
	struct profile *p = NULL;
	assert_int_equal(pprof_read(bytes, size_bytes, &p, &err), -EFBIG);
	assert_string_equal(err.text,
			    "a sample has more than 1048576 locations, which is the limit");
	free(bytes);
}

/* What a table may have depends on the file: a message of 2^22 + 1 empty strings is one, or a few KB gzipped. */
static void tables_may_be_as_large_as_their_file_explains(void **state)
{
	(void)state;
	const size_t size_bytes = 2 * (((size_t)1 << 22) + 1002);
	uint8_t *bytes = malloc(size_bytes);
	assert_non_null(bytes);
	for (size_t i = 0; i < size_bytes; i++)
		bytes[i] = i % 2 ? 0 : 6 << 3 | 2;
	struct error err = { 0 };
	struct profile *p = NULL;
	assert_int_equal(pprof_read_unpacked(bytes, size_bytes, 250, &p, &err), -EFBIG);
	assert_string_equal(err.text, "the profile has more than 4195304 parts, which is the limit "
				      "for its size");
	assert_int_equal(pprof_read_unpacked(bytes, size_bytes, size_bytes, &p, &err), 0);
	profile_destroy(p);
	free(bytes);
}

static void profiles_are_recognised(void **state)
{
	(void)state;
	struct message m = foreign();
	assert_true(pprof_is(m.bytes, m.size_bytes));
	const char *no[] = { "", "main;f 1\n", "<svg>", "{\"a\":1}", "\n\n\n\n", "PERFILE2" };
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		assert_false(pprof_is(no[i], strlen(no[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_capture_read_and_written_is_the_same_file),
		cmocka_unit_test(every_fact_survives),
		cmocka_unit_test(targets_have_a_pid_inside),
		cmocka_unit_test(completed_samples_have_a_label),
		cmocka_unit_test(our_message_is_the_last_field),
		cmocka_unit_test(the_default_type_is_one_that_has_values),
		cmocka_unit_test(a_foreign_file_in_any_order_is_read),
		cmocka_unit_test(anonymous_code_has_no_module),
		cmocka_unit_test(frames_without_a_mapping_have_kinds),
		cmocka_unit_test(two_mappings_of_a_file_are_one_module),
		cmocka_unit_test(counts_and_times_are_found_by_their_types),
		cmocka_unit_test(a_file_that_another_tool_rewrote_is_foreign),
		cmocka_unit_test(a_truncated_frame_without_our_message_is_known_by_name),
		cmocka_unit_test(errors_name_the_byte),
		cmocka_unit_test(a_cut_file_is_never_taken_for_a_whole_one),
		cmocka_unit_test(a_newer_version_says_so),
		cmocka_unit_test(a_small_file_may_not_cost_all_memory),
		cmocka_unit_test(tables_may_be_as_large_as_their_file_explains),
		cmocka_unit_test(profiles_are_recognised),
	};
	return cmocka_run_group_tests_name("profile/pprof", tests, NULL, NULL);
}
