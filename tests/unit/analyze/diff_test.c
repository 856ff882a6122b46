// SPDX-License-Identifier: MIT
#include "analyze/diff.h"
#include "analyze/diff_gate.h"
#include "base/random.h"
#include "stacks.h"

#include <errno.h>
#include <math.h>

enum { FUNCTIONS = 12, PAIRS = 1000, LEAST = 500, MOST = 8000, POWER_PAIRS = 200 };

static void build(const struct profile *base, const struct profile *next, enum diff_by by,
		  struct diff *out)
{
	const struct profile *const *const sides[SIDES] = { &base, &next };
	const size_t counts[SIDES] = { 1, 1 };
	struct diff_options options = { .by = by };
	assert_int_equal(diff_build(sides, counts, &options, out, NULL), 0);
}

static const struct change *find(const struct diff *d, const char *name)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct diff_row *r = &d->table.rows.at[d->changes[i].row];
		if (!strcmp(strings_text(&d->table.strings, r->name), name))
			return &d->changes[i];
	}
	return NULL;
}

static double draw(struct random *random)
{
	return (double)(random_u64(random) >> 11) / 9007199254740992.0;
}

/* Shares of which the least are a thousandth of the greatest. */
static void draw_shares(struct random *random, double *shares)
{
	double sum = 0;
	for (int i = 0; i < FUNCTIONS; i++)
		sum += shares[i] = pow(10, -3 * draw(random));
	for (int i = 0; i < FUNCTIONS; i++)
		shares[i] /= sum;
}

/* A capture of samples drawn by lot, of `n` in each run; CPU time is what the samples stand for. */
static struct profile *draw_profile(struct random *random, const double *shares, uint64_t n,
				    uint32_t run_count)
{
	struct builder *b;
	struct profile *p;
	stack_id stacks[FUNCTIONS];
	assert_int_equal(builder_create(&b, NULL), 0);
	builder_meta(b)->command = builder_intern(b, "prog");
	builder_meta(b)->rate_hz = 1000;
	module_id module = stacks_module(b, "prog");
	for (int i = 0; i < FUNCTIONS; i++) {
		char name[16];
		snprintf(name, sizeof(name), "f%d", i);
		struct builder_line line = { .name = name, .system_name = name };
		frame_id f = builder_frame(b, module, (uint64_t)i + 1, FRAME_USER, NULL);
		assert_int_equal(builder_name_frame(b, f, &line, 1), 0);
		stacks[i] = builder_stack(b, (stack_id){ 0 }, f);
	}
	for (uint32_t run = 1; run <= run_count; run++) {
		uint64_t counts[FUNCTIONS] = { 0 };
		if (run_count > 1)
			builder_set_run(b, run);
		thread_id thread = builder_thread(b, 7, 7, "prog");
		for (uint64_t k = 0; k < n; k++) {
			double at = draw(random);
			int i = 0;
			while (i < FUNCTIONS - 1 && (at -= shares[i]) >= 0)
				i++;
			counts[i]++;
		}
		for (int i = 0; i < FUNCTIONS; i++)
			assert_int_equal(builder_add_counts(b, thread, stacks[i], "", counts[i],
							    counts[i] * 1000000),
					 0);
		if (run_count > 1)
			assert_int_equal(builder_end_run(b, n * 1000000), 0);
	}
	assert_int_equal(builder_freeze(b, &p, NULL), 0);
	builder_destroy(b);
	return p;
}

static size_t alarms(const struct diff *d)
{
	size_t n = 0;
	for (size_t i = 0; i < d->count; i++)
		n += d->changes[i].verdict != DIFF_NO_CHANGE;
	return n;
}

static enum diff_verdict mirrored(enum diff_verdict v)
{
	switch (v) {
	case DIFF_SLOWER: return DIFF_FASTER;
	case DIFF_FASTER: return DIFF_SLOWER;
	case DIFF_APPEARED: return DIFF_VANISHED;
	case DIFF_VANISHED: return DIFF_APPEARED;
	case DIFF_NO_CHANGE: break;
	}
	return v;
}

static void assert_mirror(const struct diff *d, const struct diff *m)
{
	assert_int_equal(d->count, m->count);
	for (size_t i = 0; i < d->count; i++) {
		const struct change *c = &d->changes[i];
		const struct change *o =
			find(m, strings_text(&d->table.strings, d->table.rows.at[c->row].name));
		assert_non_null(o);
		assert_int_equal(o->verdict, mirrored(c->verdict));
		assert_true(fabs(o->share.low + c->share.high) < 1e-12);
		assert_true(fabs(o->share.high + c->share.low) < 1e-12);
		assert_true(fabs(o->cost.low + c->cost.high) < 1e-9 * fabs(c->cost.high) + 1e-12);
	}
}

/* In at most 6 % of pairs any function of equal programs may be called changed. */
static void false_alarms(enum diff_by by, uint32_t runs, struct random random)
{
	size_t wrong = 0;
	for (int pair = 0; pair < PAIRS; pair++) {
		double shares[FUNCTIONS];
		draw_shares(&random, shares);
		uint64_t n = random_between(&random, LEAST, MOST) / runs;
		uint64_t m = random_between(&random, LEAST, MOST) / runs;
		struct profile *a =
			draw_profile(&random, shares, by == DIFF_BY_SHARE ? m : n, runs);
		struct profile *b = draw_profile(&random, shares, n, runs);
		struct diff d, mirror;
		build(a, b, by, &d);
		build(b, a, by, &mirror);
		assert_mirror(&d, &mirror);
		wrong += alarms(&d) > 0;
		diff_deinit(&d);
		diff_deinit(&mirror);
		profile_destroy(a);
		profile_destroy(b);
	}
	print_message("%zu of %d pairs of equal programs with a false alarm\n", wrong, PAIRS);
	assert_true(wrong <= PAIRS * 6 / 100);
}

static void equal_programs_by_share(void **state)
{
	(void)state;
	false_alarms(DIFF_BY_SHARE, 1, (struct random){ 1 });
}

static void equal_programs_of_several_runs(void **state)
{
	(void)state;
	false_alarms(DIFF_BY_SECONDS, 5, (struct random){ 2 });
}

/* Their totals differ at will, so that seconds do: shares do not. */
static void intervals_hold_the_truth(void **state)
{
	(void)state;
	struct random random = { 3 };
	size_t held = 0, all = 0;
	for (int pair = 0; pair < PAIRS; pair++) {
		double base[FUNCTIONS], next[FUNCTIONS];
		draw_shares(&random, base);
		draw_shares(&random, next);
		struct profile *a =
			draw_profile(&random, base, random_between(&random, LEAST, MOST), 1);
		struct profile *b =
			draw_profile(&random, next, random_between(&random, LEAST, MOST), 1);
		struct diff d;
		build(a, b, DIFF_BY_SHARE, &d);
		for (int i = 0; i < FUNCTIONS; i++) {
			char name[16];
			snprintf(name, sizeof(name), "f%d", i);
			const struct change *c = find(&d, name);
			double truth = next[i] - base[i];
			if (!c)
				continue;
			held += c->share.low <= truth && truth <= c->share.high;
			all++;
		}
		diff_deinit(&d);
		profile_destroy(a);
		profile_destroy(b);
	}
	print_message("%zu of %zu intervals hold the truth\n", held, all);
	assert_true(all > (size_t)(PAIRS * FUNCTIONS) * 9 / 10);
	assert_true((double)held / (double)all >=
		    0.99); /* each is one of twelve that hold together */
}

/*
 * One of 30 % is slower by 5 %. The best test of shares that is corrected for all 12 sees it in some 28 % of pairs
 * of 20 s at 999 Hz, and in 95 % of pairs of 83 s: 1.03 points at a standard error of 0.46 and of 0.22, of which
 * 2.87 are needed.
 */
static double found_of_power(uint64_t samples, struct random random)
{
	size_t found = 0;
	for (int pair = 0; pair < POWER_PAIRS; pair++) {
		double base[FUNCTIONS], next[FUNCTIONS];
		for (int i = 0; i < FUNCTIONS; i++) {
			base[i] = i ? 0.7 / (FUNCTIONS - 1) : 0.3;
			next[i] = (i ? base[i] : 0.315) / 1.015;
		}
		struct profile *a = draw_profile(&random, base, samples, 1);
		struct profile *b = draw_profile(&random, next, samples, 1);
		struct diff d;
		build(a, b, DIFF_BY_SHARE, &d);
		found += find(&d, "f0")->verdict == DIFF_SLOWER;
		diff_deinit(&d);
		profile_destroy(a);
		profile_destroy(b);
	}
	return (double)found / POWER_PAIRS;
}

static void small_changes_are_found_as_often_as_can_be(void **state)
{
	(void)state;
	double some = found_of_power(19980, (struct random){ 4 });
	double most = found_of_power(82917, (struct random){ 5 });
	print_message("5 %% of 30 %% is found in %.0f %% and %.0f %%\n", 100 * some, 100 * most);
	assert_true(some > 0.2 && some < 0.36);
	assert_true(most > 0.92);
}

static void nothing_against_one_is_no_difference(void **state)
{
	(void)state;
	struct profile *a = stacks_profile("prog;main 900\n");
	struct profile *b = stacks_profile("prog;main 900\nprog;main;rare 1\n");
	for (enum diff_by by = DIFF_BY_SHARE; by <= DIFF_BY_RATE; by++) {
		struct diff d;
		build(a, b, by, &d);
		assert_int_equal(alarms(&d), 0);
		assert_false(find(&d, "rare")->is_judged);
		diff_deinit(&d);
	}
	profile_destroy(a);
	profile_destroy(b);
}

static void one_function_of_a_run_is_slower_and_the_rest_is_as_it_was(void **state)
{
	(void)state;
	struct profile *a = stacks_profile("prog;main;hot 3000\nprog;main;rest 7000\n");
	struct profile *b =
		stacks_profile("prog;main;hot 4000\nprog;main;rest 7000\nprog;main;more 300\n");
	struct diff d;
	build(a, b, DIFF_BY_KIND, &d);
	assert_int_equal(d.by, DIFF_BY_SECONDS);
	assert_int_equal(find(&d, "hot")->verdict, DIFF_SLOWER);
	assert_int_equal(find(&d, "more")->verdict, DIFF_APPEARED);
	assert_int_equal(find(&d, "rest")->verdict, DIFF_NO_CHANGE);
	assert_true(fabs(find(&d, "hot")->cost.delta - 10) < 1e-9); /* 1000 samples at 100 Hz */
	diff_deinit(&d);
	build(a, b, DIFF_BY_SHARE, &d);
	assert_int_equal(find(&d, "rest")->verdict, DIFF_FASTER);
	diff_deinit(&d);
	profile_destroy(a);
	profile_destroy(b);
}

/* A machine that is 8 % slower as a whole is within what single runs are granted. */
static void a_single_run_that_is_slower_as_a_whole_is_no_finding(void **state)
{
	(void)state;
	struct profile *a = stacks_profile("prog;main;hot 3000\nprog;main;rest 7000\n");
	struct profile *b = stacks_profile("prog;main;hot 3240\nprog;main;rest 7560\n");
	struct profile *twice = stacks_profile("prog;main;hot 6000\nprog;main;rest 14000\n");
	struct diff d;
	build(a, b, DIFF_BY_KIND, &d);
	assert_int_equal(alarms(&d), 0);
	assert_int_equal(d.total_verdict, DIFF_NO_CHANGE);
	diff_deinit(&d);
	build(a, twice, DIFF_BY_KIND, &d);
	assert_int_equal(alarms(&d), 2);
	assert_int_equal(d.total_verdict, DIFF_SLOWER);
	diff_deinit(&d);
	profile_destroy(a);
	profile_destroy(b);
	profile_destroy(twice);
}

static size_t exceeded(const struct diff *d, const char *text)
{
	struct diff_gate gate;
	struct strbuf why = { 0 };
	assert_int_equal(diff_gate_parse(text, &gate, NULL), 0);
	size_t n = diff_gate_exceeded(d, &gate, &why);
	assert_int_equal(n > 0, why.length > 0);
	strbuf_deinit(&why);
	return n;
}

/* hot grows by a third: surely more than 10 %, not surely more than 30 %; its share is 38 % now. */
static void gates_fail_only_where_the_interval_lies_beyond(void **state)
{
	(void)state;
	struct profile *a = stacks_profile("prog;main;hot(int) 3000\nprog;main;rest 7000\n");
	struct profile *b = stacks_profile(
		"prog;main;hot(int) 4000\nprog;main;rest 6000\nprog;main;more 300\nprog;rare 1\n");
	struct diff d;
	build(a, b, DIFF_BY_SHARE, &d);
	assert_int_equal(exceeded(&d, "func(hot) > +10%"), 1);
	assert_int_equal(exceeded(&d, "func(hot(int)) > +10 %"), 1);
	assert_int_equal(exceeded(&d, " func(h*)>+10% "), 1);
	assert_int_equal(exceeded(&d, "func(hot) > +30%"), 0);
	assert_int_equal(exceeded(&d, "func(ho) > +10%"), 0);
	assert_int_equal(exceeded(&d, "func(hot) > 35%"), 1);
	assert_int_equal(exceeded(&d, "func(hot) > 38.5%"), 0);
	assert_int_equal(exceeded(&d, "func(*) > +10%"), 2); /* hot and more, which is new */
	assert_int_equal(exceeded(&d, "func(rare) > +0%"), 0);
	assert_int_equal(exceeded(&d, "total_cpu > +3%"), 0);
	diff_deinit(&d);
	profile_destroy(a);
	profile_destroy(b);
}

static void what_is_no_gate_is_refused(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"",
		"total_cpu",
		"total_cpu > 3%",
		"total_cpu > +3",
		"total_cpu >= +3%",
		"total_cpu < +3%",
		"total > +3%",
		"func() > 3%",
		"func(a > 3%",
		"func(a) > 3% more",
		"func(a) > nan%",
		"func(a) > +-3%",
		"func(a) > 0x3%",
		"func(a) > 1e3%",
		"func(a) > 1.2.3%",
		"func(a)",
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct diff_gate gate;
		struct error err = { 0 };
		assert_int_equal(diff_gate_parse(wrong[i], &gate, &err), -EINVAL);
		assert_non_null(strstr(err.text, wrong[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_programs_by_share),
		cmocka_unit_test(equal_programs_of_several_runs),
		cmocka_unit_test(intervals_hold_the_truth),
		cmocka_unit_test(small_changes_are_found_as_often_as_can_be),
		cmocka_unit_test(nothing_against_one_is_no_difference),
		cmocka_unit_test(one_function_of_a_run_is_slower_and_the_rest_is_as_it_was),
		cmocka_unit_test(gates_fail_only_where_the_interval_lies_beyond),
		cmocka_unit_test(what_is_no_gate_is_refused),
		cmocka_unit_test(a_single_run_that_is_slower_as_a_whole_is_no_finding),
	};
	return cmocka_run_group_tests_name("analyze/diff", tests, NULL, NULL);
}
