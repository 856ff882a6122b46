// SPDX-License-Identifier: MIT
#include "fixture.h"
#include "message.h"

#include <errno.h>
#include <string.h>

#include "profile/pprof_fields.h"
#include "profile/protobuf.h"

enum { MS = 1000 * 1000, CELL = PROFILE_TIME_CELL_NS };

struct made { /* two threads with three stacks each, none of which anything refers to yet */
	struct builder *b;
	thread_id threads[2];
	stack_id stacks[3];
};

static struct made make(void)
{
	struct made m;
	assert_int_equal(builder_create(&m.b, NULL), 0);
	for (uint32_t i = 0; i < 2; i++)
		m.threads[i] = builder_thread(m.b, 1, 1 + i, i ? "b" : "a");
	for (uint32_t i = 0; i < 3; i++)
		m.stacks[i] = builder_stack(
			m.b, (stack_id){ 0 },
			builder_frame(m.b, (module_id){ 0 }, 0x30 - 0x10 * i, FRAME_JIT, NULL));
	return m;
}

static void add(struct made *m, uint64_t time_ns, unsigned thread, unsigned stack)
{
	assert_int_equal(builder_sample(m->b, time_ns, m->threads[thread], m->stacks[stack], ""),
			 0);
}

static struct profile *freeze(struct made *m)
{
	struct profile *p;
	struct error err = { 0 };
	assert_int_equal(builder_freeze(m->b, &p, NULL), 0);
	if (profile_check(p, &err) < 0)
		fail_msg("%s", err.text);
	builder_destroy(m->b);
	return p;
}

static void assert_time(const struct profile *p, size_t row, uint64_t time_ns, uint32_t tid,
			uint64_t leaf_vaddr, uint32_t count)
{
	assert_true(row < p->time_count);
	const struct profile_time *t = &p->times[row];
	const struct profile_sample *s = &p->samples[t->sample];
	assert_int_equal(t->time_ns, time_ns);
	assert_int_equal(p->threads[s->thread.v].tid, tid);
	assert_int_equal(p->frames[p->stack_frame[s->stack.v].v].vaddr, leaf_vaddr);
	assert_int_equal(t->count, count);
}

static void times_are_exact_and_in_order(void **state)
{
	(void)state;
	struct made m = make();
	builder_set_start(m.b, 1000);
	add(&m, 5000000123, 0, 0);
	add(&m, 900, 1, 2); /* before the clock was read */
	add(&m, 5000000123, 1, 1);
	add(&m, 2000, 0, 0);
	struct profile *p = freeze(&m);
	assert_int_equal(p->time_cell_ns, 0);
	assert_int_equal(p->time_count, 4);
	assert_time(p, 0, 0, 2, 0x10, 1);
	assert_time(p, 1, 1000, 1, 0x30, 1);
	/* Of one moment, in the order of samples: by frame, so by address. */
	assert_time(p, 2, 4999999123, 2, 0x20, 1);
	assert_time(p, 3, 4999999123, 1, 0x30, 1);
	profile_destroy(p);
}

static void a_range_has_its_begin_and_not_its_end(void **state)
{
	(void)state;
	struct made m = make();
	for (uint64_t i = 0; i < 10; i++)
		add(&m, i * 10, 0, 0);
	struct profile *p = freeze(&m);
	const struct {
		uint64_t begin_ns, end_ns;
		size_t first, limit;
	} cases[] = { { 0, 10, 0, 1 },    { 10, 31, 1, 4 },   { 11, 20, 2, 2 },
		      { 0, 1000, 0, 10 }, { 91, 95, 10, 10 }, { 50, 20, 5, 5 } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct profile_span span =
			profile_times_between(p, cases[i].begin_ns, cases[i].end_ns);
		assert_int_equal(span.first, cases[i].first);
		assert_int_equal(span.limit, cases[i].limit);
	}
	profile_destroy(p);
}

static uint64_t counted(const struct profile *p)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < p->time_count; i++)
		sum += p->times[i].count;
	return sum;
}

static void beyond_the_budget_there_are_cells(void **state)
{
	(void)state;
	struct made m = make();
	builder_set_time_budget(m.b, 400);
	for (uint64_t i = 0; i < 200; i++) /* five bytes each: a step of 3 bytes, a row; 5 a cell */
		add(&m, i * 4 * MS, i & 1, 0);
	struct profile *p = freeze(&m);
	assert_int_equal(p->time_cell_ns, CELL);
	assert_int_equal(p->time_count, 2 * 40);
	assert_time(p, 0, 0, 1, 0x30, 3);
	assert_time(p, 1, 0, 2, 0x30, 2);
	assert_time(p, 2, CELL, 1, 0x30, 2);
	assert_time(p, 79, 39 * CELL, 2, 0x30, 3);
	assert_int_equal(counted(p), 200);
	profile_destroy(p);
}

/* What the builder kept when it had room, rounded down, is what it keeps when it had not. */
static void cells_hold_what_exact_times_say(void **state)
{
	(void)state;
	struct random r = { 7 };
	struct made exact = make(), coarse = make();
	uint64_t time_ns = 0;
	builder_set_time_budget(coarse.b, 2000);
	for (unsigned i = 0; i < 5000; i++) {
		time_ns += random_between(&r, 0, 3 * MS);
		unsigned thread = (unsigned)random_between(&r, 0, 1);
		unsigned stack = (unsigned)random_between(&r, 0, 2);
		add(&exact, time_ns, thread, stack);
		add(&coarse, time_ns, thread, stack);
	}
	struct profile *p = freeze(&exact), *q = freeze(&coarse);
	assert_int_equal(p->time_cell_ns, 0);
	assert_int_equal(q->time_cell_ns % CELL, 0);
	assert_true(q->time_cell_ns > CELL && q->time_cell_ns < 4096 * (uint64_t)CELL);
	assert_int_equal(counted(p), 5000);
	assert_int_equal(counted(q), 5000);
	for (size_t i = 0; i < q->time_count; i++) {
		const struct profile_time *t = &q->times[i];
		struct profile_span span =
			profile_times_between(p, t->time_ns, t->time_ns + q->time_cell_ns);
		uint64_t count = 0;
		for (size_t j = span.first; j < span.limit; j++)
			count += p->times[j].sample == t->sample;
		assert_int_equal(t->count, count);
	}
	profile_destroy(p);
	profile_destroy(q);
}

static void without_room_for_any_cell_there_are_no_times(void **state)
{
	(void)state;
	struct made m = make();
	builder_set_time_budget(m.b, 8);
	for (unsigned i = 0; i < 100; i++)
		add(&m, i * MS, i & 1, i % 3);
	struct profile *p = freeze(&m);
	assert_int_equal(p->time_count, 0);
	assert_int_equal(p->time_cell_ns, 0);
	assert_int_equal(profile_total_count(p), 100);
	profile_destroy(p);
	m = make();
	builder_set_time_budget(m.b, 0);
	add(&m, 1, 0, 0);
	p = freeze(&m);
	assert_int_equal(p->time_count, 0);
	profile_destroy(p);
}

static size_t times_message_bytes(const struct profile *p)
{
	struct strbuf bytes = fixture_message(p);
	struct cursor c = cursor_of(bytes.text, bytes.length);
	struct protobuf_field f;
	size_t size = 0;
	while (protobuf_next(&c, &f)) {
		struct protobuf_field g;
		struct cursor capture = f.bytes;
		while (f.number == PROFILE_CAPTURE && protobuf_next(&capture, &g))
			if (g.number == CAPTURE_TIMES)
				size = cursor_left(&g.bytes);
	}
	strbuf_deinit(&bytes);
	return size;
}

/*
 * The builder's numbers of rows are small for what came first, the capture's are not: rows that the
 * builder counted as one byte have two here.
 */
static void the_capture_keeps_the_budget_too(void **state)
{
	(void)state;
	struct builder *b;
	struct profile *p;
	enum { BUDGET = 2600 };
	assert_int_equal(builder_create(&b, NULL), 0);
	builder_set_time_budget(b, BUDGET);
	thread_id t = builder_thread(b, 1, 1, "a");
	for (uint64_t i = 0; i < 600; i++) { /* the last one by address comes first */
		uint64_t vaddr = i < 400 ? 0x1000000 : 0x1000 + i;
		frame_id f = builder_frame(b, (module_id){ 0 }, vaddr, FRAME_JIT, NULL);
		stack_id s = builder_stack(b, (stack_id){ 0 }, f);
		assert_int_equal(builder_sample(b, i * MS, t, s, ""), 0);
	}
	assert_int_equal(builder_freeze(b, &p, NULL), 0);
	assert_int_equal(profile_check(p, NULL), 0);
	assert_int_equal(p->time_cell_ns, CELL);
	assert_int_equal(counted(p), 600);
	assert_in_range(times_message_bytes(p), 1, BUDGET + 32);
	profile_destroy(p);
	builder_destroy(b);
}

static struct profile *through_a_capture(const struct profile *p)
{
	struct strbuf once = { 0 }, twice = { 0 };
	struct error err = { 0 };
	struct profile *q = NULL;
	assert_int_equal(pprof_write(p, &once, NULL), 0);
	if (pprof_read(once.text, once.length, &q, &err) < 0 || profile_check(q, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(pprof_write(q, &twice, NULL), 0);
	assert_int_equal(twice.length, once.length);
	assert_memory_equal(twice.text, once.text, once.length);
	strbuf_deinit(&once);
	strbuf_deinit(&twice);
	return q;
}

static void assert_same_times(const struct profile *p, const struct profile *q)
{
	assert_int_equal(q->time_cell_ns, p->time_cell_ns);
	assert_int_equal(q->time_count, p->time_count);
	assert_memory_equal(q->times, p->times, p->time_count * sizeof(*p->times));
}

static void a_capture_carries_times(void **state)
{
	(void)state;
	for (unsigned budget = 400; budget <= 40000; budget *= 100) {
		struct made m = make();
		builder_set_time_budget(m.b, budget);
		for (unsigned i = 0; i < 300; i++)
			add(&m, i * (uint64_t)1234567, i % 2, i % 3);
		struct profile *p = freeze(&m), *q = through_a_capture(p);
		assert_true(p->time_count > 0);
		assert_int_equal(p->time_cell_ns != 0, budget == 400);
		assert_same_times(p, q);
		profile_destroy(p);
		profile_destroy(q);
	}
}

static void filters_keep_times(void **state)
{
	(void)state;
	for (unsigned budget = 400; budget <= 40000; budget *= 100) {
		struct made m = make();
		builder_set_time_budget(m.b, budget);
		for (unsigned i = 0; i < 300; i++)
			add(&m, i * (uint64_t)1234567, i % 2, i % 3);
		struct profile *p = freeze(&m), *q = NULL;
		struct profile_filter f = { .no_kernel = true };
		assert_int_equal(profile_filter(p, &f, &q, NULL), 0);
		assert_int_equal(profile_check(q, NULL), 0);
		assert_same_times(p, q);
		profile_destroy(p);
		profile_destroy(q);
	}
}

static void check_sees_wrong_times(void **state)
{
	(void)state;
	struct made m = make();
	for (unsigned i = 0; i < 4; i++)
		add(&m, i * CELL, 0, i % 2);
	struct profile *p = freeze(&m);
	struct error err;
	struct profile_time good[4];
	memcpy(good, p->times, sizeof(good));
	const struct {
		struct profile_time bad;
		const char *sentence;
	} cases[] = {
		{ { 2 * CELL, 9, 1 }, "row 2 of times has a sample that is not there" },
		{ { CELL - 1, 0, 1 }, "row 2 of times is out of order" },
		{ { 2 * CELL, 0, 0 },
		  "row 2 of times counts more samples than there are, or none" },
		{ { 2 * CELL, 0, 9 },
		  "row 2 of times counts more samples than there are, or none" },
		{ { 2 * CELL + 1, 1, 1 }, "row 2 of times does not begin a cell" },
	};
	p->time_cell_ns = CELL;
	assert_int_equal(profile_check(p, NULL), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		err = (struct error){ 0 };
		p->times[2] = cases[i].bad;
		assert_int_equal(profile_check(p, &err), -EBADMSG);
		assert_string_equal(err.text, cases[i].sentence);
		p->times[2] = good[2];
	}
	profile_destroy(p);
}

/* Two samples, of 3 and 4; `times` is our message's field 23. */
static int read_times(const struct message *times, struct profile **out, struct error *err)
{
	struct message m = { .size_bytes = 0 }, sample;
	put_text(&m, 6, "");
	put_text(&m, 6, "samples");
	put_text(&m, 6, "count");
	put_text(&m, 6, "tid");
	put_numbers(&m, 1, NUMBERS(1, 1, 2, 2));
	sample = numbers(NUMBERS(2, 3));
	put_numbers(&sample, 3, NUMBERS(1, 3, 3, 7));
	put_sub(&m, 2, &sample);
	sample = numbers(NUMBERS(2, 4));
	put_numbers(&sample, 3, NUMBERS(1, 3, 3, 8));
	put_sub(&m, 2, &sample);
	struct message capture = numbers(NUMBERS(1, 1));
	put_sub(&capture, 23, times);
	put_sub(&m, PROFILE_CAPTURE, &capture);
	return pprof_read(m.bytes, m.size_bytes, out, err);
}

static struct message packed(const uint64_t *values, size_t count)
{
	struct message m = { .size_bytes = 0 };
	for (size_t i = 0; i < count; i++)
		put_varint(&m, values[i]);
	return m;
}

#define PACKED(...) \
	packed((const uint64_t[]){ __VA_ARGS__ }, sizeof((uint64_t[]){ __VA_ARGS__ }) / 8)

static struct message times_message(uint64_t samples, uint64_t cell_ns, struct message step,
				    struct message sample, struct message count)
{
	struct message m = numbers(NUMBERS(1, samples, 2, cell_ns));
	put_sub(&m, 3, &step);
	put_sub(&m, 4, &sample);
	if (count.size_bytes)
		put_sub(&m, 5, &count);
	return m;
}

static void times_of_a_capture_are_read(void **state)
{
	(void)state;
	struct profile *p = NULL;
	struct message m =
		times_message(2, 2 * CELL, PACKED(0, 3, 200), PACKED(1, 0, 1), PACKED(2, 3, 1));
	assert_int_equal(read_times(&m, &p, NULL), 0);
	assert_int_equal(profile_check(p, NULL), 0);
	assert_int_equal(p->time_count, 3);
	assert_int_equal(p->time_cell_ns, 2 * CELL);
	assert_int_equal(p->times[2].time_ns, 203 * (uint64_t)2 * CELL);
	assert_int_equal(p->times[1].sample, 0);
	assert_int_equal(p->times[1].count, 3);
	profile_destroy(p);
	m = times_message(3, 0, PACKED(5), PACKED(1), packed(NULL, 0)); /* of another file */
	assert_int_equal(read_times(&m, &p, NULL), 0);
	assert_int_equal(p->time_count, 0);
	assert_int_equal(profile_total_count(p), 7);
	profile_destroy(p);
}

static void damaged_times_are_refused(void **state)
{
	(void)state;
	const struct message none = { .size_bytes = 0 };
	const struct message cases[] = {
		times_message(2, 0, PACKED(5, 5), PACKED(1), none),
		times_message(2, 0, PACKED(5), PACKED(1, 1), none),
		times_message(2, 0, PACKED(5), PACKED(2), none),
		times_message(2, 0, PACKED(5, 1), PACKED(1, 1), PACKED(1)),
		times_message(2, 0, PACKED(5), PACKED(1), PACKED(1, 1)),
		times_message(2, 0, PACKED(5), PACKED(1), PACKED(0)),
		times_message(2, 0, PACKED(5), PACKED(1), PACKED(5)),
		times_message(2, 0, PACKED(5, 5), PACKED(1, 1), PACKED(2, 3)),
		times_message(2, 3 * CELL, PACKED(5), PACKED(1), none),
		times_message(2, 1, PACKED(5), PACKED(1), none),
		times_message(2, CELL, PACKED(UINT64_MAX), PACKED(1), none),
		times_message(2, 0, PACKED(UINT64_MAX, 1), PACKED(1, 1), none),
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct profile *p = NULL;
		struct error err = { 0 };
		assert_int_equal(read_times(&cases[i], &p, &err), -EBADMSG);
		assert_non_null(strstr(err.text, "time"));
		assert_non_null(strstr(err.text, "at byte "));
	}
}

/* An address that was another function from 20 ms on, and yet another from 30 ms on. */
static void changed_frames_are_told_apart_by_time(void **state)
{
	(void)state;
	struct made m = make();
	frame_id frames[3];
	for (uint32_t i = 0; i < 3; i++) {
		const char *names[] = { "early", "late", "latest" };
		frames[i] = builder_new_frame(m.b, (module_id){ 0 }, 0x500, FRAME_JIT);
		struct builder_line line = { .name = names[i] };
		assert_int_equal(builder_name_frame(m.b, frames[i], &line, 1), 0);
	}
	stack_id outer = builder_stack(m.b, m.stacks[0], frames[0]);
	stack_id inner = builder_stack(
		m.b, outer, builder_frame(m.b, (module_id){ 0 }, 0x900, FRAME_JIT, NULL));
	builder_set_start(m.b, 1000 * MS);
	for (uint64_t ms = 10; ms < 40; ms += 2)
		assert_int_equal(builder_sample(m.b, (1000 + ms) * MS, m.threads[0], inner, ""), 0);
	add(&m, (uint64_t)1015 * MS, 0, 1);
	struct builder_change changes[] = {
		{ frames[0], (uint64_t)1030 * MS, frames[2] },
		{ frames[0], (uint64_t)1020 * MS, frames[1] },
	};
	assert_int_equal(builder_change_frames(m.b, changes, 2), 0);
	assert_int_equal(builder_sample_count(m.b), 16);
	struct profile *p = freeze(&m);
	assert_int_equal(p->sample_count, 4);
	assert_int_equal(p->time_count, 16);
	assert_int_equal(profile_total_count(p), 16);
	for (size_t i = 0; i < p->time_count; i++) {
		stack_id stack = p->samples[p->times[i].sample].stack;
		if (!p->stack_parent[stack.v].v)
			continue; /* the one that nothing changed */
		const struct profile_frame *f =
			&p->frames[p->stack_frame[p->stack_parent[stack.v].v].v];
		uint64_t ms = p->times[i].time_ns / MS;
		assert_string_equal(
			profile_string(p, p->functions[p->lines[f->first_line].function.v].name),
			ms < 20   ? "early"
			: ms < 30 ? "late"
				  : "latest");
	}
	profile_destroy(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_exact_and_in_order),
		cmocka_unit_test(a_range_has_its_begin_and_not_its_end),
		cmocka_unit_test(beyond_the_budget_there_are_cells),
		cmocka_unit_test(cells_hold_what_exact_times_say),
		cmocka_unit_test(without_room_for_any_cell_there_are_no_times),
		cmocka_unit_test(the_capture_keeps_the_budget_too),
		cmocka_unit_test(a_capture_carries_times),
		cmocka_unit_test(filters_keep_times),
		cmocka_unit_test(check_sees_wrong_times),
		cmocka_unit_test(times_of_a_capture_are_read),
		cmocka_unit_test(damaged_times_are_refused),
		cmocka_unit_test(changed_frames_are_told_apart_by_time),
	};
	return cmocka_run_group_tests_name("profile/times", tests, NULL, NULL);
}
