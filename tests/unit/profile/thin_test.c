// SPDX-License-Identifier: MIT
#include "profile/thin.h"

#include "profile/journal.h"

#include "fixture.h"

/* Row 0 of `early` is sampled in the first half only, at 1000 Hz; `late` in the second, at 250. */
static void sample(struct builder *b, uint64_t vaddr, uint64_t from_ms, uint64_t count,
		   uint64_t step_ms)
{
	thread_id t = builder_thread(b, 1, 1, "t");
	stack_id stack = builder_stack(b, (stack_id){ 0 },
				       builder_frame(b, (module_id){ 0 }, vaddr, FRAME_JIT, NULL));
	for (uint64_t i = 0; i < count; i++)
		assert_int_equal(builder_sample(b, (from_ms + i * step_ms) * 1000000, t, stack, ""),
				 0);
}

static uint64_t count_of(const struct profile *p, uint64_t vaddr)
{
	for (size_t i = 0; i < p->sample_count; i++)
		if (p->frames[p->stack_frame[p->samples[i].stack.v].v].vaddr == vaddr)
			return p->samples[i].count;
	return 0;
}

static struct profile *frozen(struct builder *b)
{
	struct profile *p = NULL;
	struct error err = { 0 };
	assert_int_equal(builder_freeze(b, &p, NULL), 0);
	if (profile_check(p, &err) < 0)
		fail_msg("%s", err.text);
	return p;
}

static void halves_at_two_rates_weigh_the_same(void **state)
{
	(void)state;
	struct random random = { 7 };
	struct builder *b;
	assert_int_equal(builder_create(&b, NULL), 0);
	sample(b, 0x1000, 0, 40000, 1);
	sample(b, 0x3000, 20000, 1, 1); /* a row that may go as a whole */
	assert_int_equal(builder_thin(b, 250, 1000, &random), 0);
	uint64_t before = builder_sample_count(b);
	sample(b, 0x2000, 40000, 10000, 4);
	assert_int_equal(builder_sample_count(b), before + 10000);
	struct profile *p = frozen(b);
	uint64_t early = count_of(p, 0x1000), late = count_of(p, 0x2000);
	assert_int_equal(late, 10000);
	assert_in_range(early, 9600, 10400); /* 4.6 standard errors; the seed is fixed */
	assert_in_range(count_of(p, 0x3000), 0, 1);
	assert_int_equal(profile_total_count(p), early + late + count_of(p, 0x3000));
	/* Each sample that is left has its own time still, and the times are spread as the samples were. */
	uint64_t timed = 0, first_half = 0;
	for (size_t i = 0; i < p->time_count; i++) {
		timed += p->times[i].count;
		first_half += p->times[i].time_ns < UINT64_C(20000) * 1000000;
	}
	assert_int_equal(timed, profile_total_count(p));
	assert_in_range(first_half, early / 2 - 400, early / 2 + 400);
	profile_destroy(p);
	builder_destroy(b);
}

static void rows_without_samples_go(void **state)
{
	(void)state;
	struct random random = { 1 };
	struct builder *b;
	assert_int_equal(builder_create(&b, NULL), 0);
	for (uint64_t i = 0; i < 100; i++)
		sample(b, 0x1000 + i, i, 1, 1);
	assert_int_equal(builder_thin(b, 1, 10, &random), 0);
	struct profile *p = frozen(b);
	assert_in_range(p->sample_count, 2, 25);
	for (size_t i = 0; i < p->sample_count; i++)
		assert_int_equal(p->samples[i].count, 1);
	assert_int_equal(p->time_count, p->sample_count);
	for (size_t i = 0; i < p->time_count; i++) { /* each at its own time: i ms */
		stack_id s = p->samples[p->times[i].sample].stack;
		assert_int_equal(p->times[i].time_ns / 1000000,
				 p->frames[p->stack_frame[s.v].v].vaddr - 0x1000);
	}
	profile_destroy(p);
	/* Those that come again find their rows. */
	for (uint64_t i = 0; i < 100; i++)
		sample(b, 0x1000 + i, 200 + i, 1, 1);
	p = frozen(b);
	assert_int_equal(p->sample_count, 100);
	profile_destroy(p);
	builder_destroy(b);
}

static void cells_are_thinned_too(void **state)
{
	(void)state;
	struct random random = { 3 };
	struct builder *b;
	assert_int_equal(builder_create(&b, NULL), 0);
	sample(b, 0x1000, 0, 10000, 1);
	assert_int_equal(builder_set_time_cell(b, PROFILE_TIME_CELL_NS), 0);
	assert_int_equal(builder_thin(b, 1, 2, &random), 0);
	struct profile *p = frozen(b);
	uint64_t timed = 0;
	for (size_t i = 0; i < p->time_count; i++) {
		timed += p->times[i].count;
		assert_in_range(p->times[i].count, 1, 20);
	}
	assert_in_range(timed, 4770, 5230);
	assert_int_equal(timed, count_of(p, 0x1000));
	profile_destroy(p);
	builder_destroy(b);
}

/* The journal that begins behind it holds what is left, and its times. */
static void a_journal_can_begin_behind_it(void **state)
{
	(void)state;
	struct random random = { 5 };
	struct builder *b;
	struct journal *j;
	struct strbuf member = { 0 };
	struct profile *q = NULL;
	struct error err = { 0 };
	assert_int_equal(builder_create(&b, NULL), 0);
	for (uint64_t ms = 0; ms < 100; ms++)
		for (uint64_t i = 0; i < 10; i++)
			sample(b, 0x1000 + i, ms, 1, 1);
	assert_int_equal(builder_thin(b, 1, 2, &random), 0);
	assert_int_equal(builder_set_time_cell(b, PROFILE_TIME_CELL_NS), 0);
	assert_int_equal(journal_create(b, &j, NULL), 0);
	assert_int_equal(journal_member(j, &member, NULL), 0);
	struct profile *p = frozen(b);
	if (journal_read(member.text, member.length, NULL, NULL, &q, NULL, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(profile_total_count(q), profile_total_count(p));
	assert_in_range(profile_total_count(p), 400, 620);
	assert_int_equal(q->sample_count, p->sample_count);
	assert_int_equal(q->time_count, p->time_count);
	for (size_t i = 0; i < p->sample_count; i++)
		assert_int_equal(q->samples[i].count, p->samples[i].count);
	for (size_t i = 0; i < p->time_count; i++)
		assert_memory_equal(&q->times[i], &p->times[i], sizeof(*p->times));
	profile_destroy(p);
	profile_destroy(q);
	strbuf_deinit(&member);
	journal_destroy(j);
	builder_destroy(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(halves_at_two_rates_weigh_the_same),
		cmocka_unit_test(rows_without_samples_go),
		cmocka_unit_test(cells_are_thinned_too),
		cmocka_unit_test(a_journal_can_begin_behind_it),
	};
	return cmocka_run_group_tests_name("profile/thin", tests, NULL, NULL);
}
