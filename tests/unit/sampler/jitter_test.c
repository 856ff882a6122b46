// SPDX-License-Identifier: MIT
#include "sampler/jitter.h" /* before cmocka.h, which has a macro fail() */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/clock.h"

/*
 * A model of one thread with one cpu-clock event: it runs `burst_ns` at a time, once in `cycle_ns`
 * of wall time, and each burst has its warm part at the end. The event ticks as the kernel's does:
 * a period that is interrupted by sleep goes on afterwards, and a change restarts it.
 */
struct model {
	uint64_t burst_ns, cycle_ns;
	uint64_t work_ns;        /* the work's own cycle; its last quarter is warm */
	uint64_t cpu_ns, now_ns; /* now_ns: wall */
	uint64_t left_ns;        /* until the next tick */
	struct jitter_event event;
	uint64_t samples, warm;
	bool of_cpu; /* the event is a CPU's: it ticks on while the thread sleeps, and nobody sees that */
};

static void tick(struct model *m, struct jitter *j, bool running)
{
	m->left_ns = m->event.period_ns;
	if (m->of_cpu ? !running : !jitter_sample(j, &m->event, m->now_ns))
		return;
	m->samples++;
	m->warm += m->cpu_ns % m->work_ns >= m->work_ns / 4 * 3;
}

/* Runs the thread for some wall time. */
static void run(struct model *m, struct jitter *j, uint64_t wall_ns)
{
	while (wall_ns) {
		uint64_t at = m->now_ns % m->cycle_ns;
		bool running = at < m->burst_ns, counts = running || m->of_cpu;
		uint64_t step = running ? m->burst_ns - at : m->cycle_ns - at;
		if (step > wall_ns)
			step = wall_ns;
		if (counts && step > m->left_ns)
			step = m->left_ns;
		m->now_ns += step;
		wall_ns -= step;
		if (running)
			m->cpu_ns += step;
		if (!counts)
			continue;
		m->left_ns -= step;
		if (!m->left_ns)
			tick(m, j, running);
	}
}

static void poll_once(struct model *m, struct jitter *j)
{
	bool all = m->now_ns >= j->next_ns;
	if (m->of_cpu && all)
		m->left_ns = jitter_change_of_cpu(j, &m->event, m->now_ns);
	else if (m->event.samples && (all || m->event.lead))
		m->left_ns =
			jitter_change(j, &m->event, m->now_ns,
				      jitter_runs_through(&m->event, m->now_ns) ? 0 : m->cpu_ns);
	if (all)
		jitter_schedule(j, m->now_ns);
}

struct result {
	double mean, variance_ratio, rate;
};

enum way { BY_JITTER, FIXED, OF_CPU };

static struct result simulate_with(enum way way, uint64_t burst_ns, uint64_t cycle_ns,
				   uint64_t work_ns, uint64_t cpu_ns)
{
	bool off = way == FIXED;
	enum { RUNS = 400 };
	double sum = 0, squares = 0, binomial = 0, samples = 0;
	struct random lateness = { 99 };
	for (uint64_t seed = 1; seed <= RUNS; seed++) {
		struct model m = { .burst_ns = burst_ns,
				   .cycle_ns = cycle_ns,
				   .work_ns = work_ns,
				   .of_cpu = way == OF_CPU };
		struct jitter j;
		jitter_init(&j, 1001001, 10000, seed);
		jitter_schedule(&j, 0);
		j.off = off;
		m.cpu_ns = off ? seed * 2501 : 0; /* a phase of its own for each run */
		m.left_ns = m.of_cpu ? jitter_begin_of_cpu(&j, &m.event, 0)
				     : jitter_begin(&j, &m.event);
		for (uint64_t begin_ns = m.cpu_ns; m.cpu_ns - begin_ns < cpu_ns;) {
			run(&m, &j, NSEC_PER_MSEC + random_between(&lateness, 0, 200000));
			if (!off)
				poll_once(&m, &j);
		}
		double share = (double)m.warm / (double)m.samples;
		sum += share;
		squares += (share - 0.25) * (share - 0.25);
		binomial += 0.25 * 0.75 / (double)m.samples;
		samples += (double)m.samples * 1e9 / (double)m.cpu_ns;
	}
	struct result r = { sum / RUNS, squares / binomial, samples / RUNS };
	print_message("burst %lu us in %lu us, work %lu us: mean %.4f, variance x%.2f, %.1f "
		      "samples a second\n",
		      burst_ns / 1000, cycle_ns / 1000, work_ns / 1000, r.mean, r.variance_ratio,
		      r.rate);
	return r;
}

static struct result simulate(uint64_t burst_ns, uint64_t cycle_ns, uint64_t work_ns,
			      uint64_t cpu_ns)
{
	return simulate_with(BY_JITTER, burst_ns, cycle_ns, work_ns, cpu_ns);
}

/* Of 400 runs: the mean's own error is 0.001, that of the variance 7 %. */
static void assert_true_to_life(struct result r)
{
	assert_true(r.variance_ratio < 1.5);
	assert_true(r.mean > 0.239 && r.mean < 0.261);
	assert_true(r.rate > 979 && r.rate < 1040);
}

static const uint64_t forever = UINT64_C(1) << 60;

static void periodic_work_is_not_aliased(void **state)
{
	(void)state;
	assert_true_to_life(simulate(forever, forever, 1001001 / 3, 500 * NSEC_PER_MSEC));
	assert_true_to_life(simulate(forever, forever, 2002002, 500 * NSEC_PER_MSEC));
	assert_true_to_life(simulate(forever, forever, 500000, 500 * NSEC_PER_MSEC));
	/* The worst case: a period near the nominal one stays where it is until the next change. */
	assert_true_to_life(simulate(forever, forever, 1001001, 500 * NSEC_PER_MSEC));
}

/* Changes that came faster than ticks left one tick of four at 99 Hz. */
static void low_rates_keep_their_ticks(void **state)
{
	(void)state;
	for (uint64_t rate_hz = 10; rate_hz <= 500; rate_hz *= 7) {
		const uint64_t wall_ns = 400 * NSEC_PER_SEC / rate_hz;
		struct model m = {
			.burst_ns = forever, .cycle_ns = forever, .work_ns = forever, .of_cpu = true
		};
		struct jitter j;
		jitter_init(&j, NSEC_PER_SEC / rate_hz, 10000, rate_hz);
		jitter_schedule(&j, 0);
		m.left_ns = jitter_begin_of_cpu(&j, &m.event, 0);
		while (m.now_ns < wall_ns) {
			run(&m, &j, NSEC_PER_MSEC);
			poll_once(&m, &j);
		}
		print_message("%lu Hz: %lu samples for 400\n", rate_hz, m.samples);
		assert_in_range(m.samples, 360, 440);
	}
}

static void a_fixed_period_shows_a_phase(void **state)
{
	(void)state;
	struct result r = simulate_with(FIXED, forever, forever, 1001001 / 3, 500 * NSEC_PER_MSEC);
	assert_true(r.variance_ratio > 20);
}

static void work_at_each_tick_of_a_timer_is_seen_whole(void **state)
{
	(void)state;
	/* About one period at a time, more, less; the warm part is always the end of a burst. */
	static const uint64_t bursts[] = { 100000,  300000,  500000,  1000000,
					   1001001, 1300000, 2000000, 5000000 };
	for (size_t i = 0; i < sizeof(bursts) / sizeof(bursts[0]); i++)
		assert_true_to_life(
			simulate(bursts[i], 10 * NSEC_PER_MSEC, bursts[i], 300 * NSEC_PER_MSEC));
}

static void a_cpus_event_sees_busy_and_idle_cpus_alike(void **state)
{
	(void)state;
	static const uint64_t bursts[] = { 300000, 1001001, 2000000, 5000000 };
	for (size_t i = 0; i < sizeof(bursts) / sizeof(bursts[0]); i++)
		assert_true_to_life(simulate_with(OF_CPU, bursts[i], 10 * NSEC_PER_MSEC, bursts[i],
						  300 * NSEC_PER_MSEC));
	assert_true_to_life(
		simulate_with(OF_CPU, forever, forever, 1001001 / 3, 500 * NSEC_PER_MSEC));
	static const uint64_t works[] = { 500000, 1000000, 1001001, 2002002, 5005005, 10010010 };
	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++) {
		struct result r =
			simulate_with(OF_CPU, forever, forever, works[i], 500 * NSEC_PER_MSEC);
		assert_true_to_life(r);
		assert_true(r.rate > 994 && r.rate < 1004);
	}
}

/* The clock ticks for some milliseconds before anybody counts: then for `life_ns`. */
static double ticks_of_a_life(uint64_t life_ns)
{
	enum { LIVES = 20000 };
	uint64_t counted = 0;
	for (uint64_t seed = 1; seed <= LIVES; seed++) {
		struct model m = {
			.burst_ns = forever, .cycle_ns = forever, .work_ns = forever, .of_cpu = true
		};
		struct jitter j;
		jitter_init(&j, 1001001, 10000, seed);
		m.left_ns = jitter_begin_of_cpu(&j, &m.event, 0);
		run(&m, &j, random_between(&j.random, 6 * NSEC_PER_MSEC, 8 * NSEC_PER_MSEC));
		m.event.changed_ns = m.now_ns;
		jitter_schedule(&j, m.now_ns);
		counted -= m.samples;
		for (uint64_t left_ns = life_ns; left_ns;) {
			uint64_t step_ns = left_ns < NSEC_PER_MSEC ? left_ns : NSEC_PER_MSEC;
			run(&m, &j, step_ns);
			poll_once(&m, &j);
			left_ns -= step_ns;
		}
		counted += m.samples;
	}
	return (double)counted / LIVES;
}

/* With a period that was 0.15 to 1 of the nominal one until the first change, 20 ms had 36 samples. */
static void short_lives_have_as_many_samples_as_long_ones(void **state)
{
	(void)state;
	for (uint64_t life_ms = 1; life_ms <= 128; life_ms *= 2) {
		double ticks = ticks_of_a_life(life_ms * NSEC_PER_MSEC),
		       wanted = (double)life_ms * 0.999;
		print_message("%lu ms: %.2f samples\n", life_ms, ticks);
		assert_true(ticks > 0.95 * wanted && ticks < 1.05 * wanted);
	}
}

static void moments_of_change_lie_on_no_grid(void **state)
{
	(void)state;
	struct jitter j;
	jitter_init(&j, 1000000, 10000, 7);
	uint64_t now_ns = 0, low_ns = UINT64_MAX, high_ns = 0;
	for (int i = 0; i < 1000; i++) {
		jitter_schedule(&j, now_ns);
		uint64_t gap_ns = j.next_ns - now_ns;
		low_ns = gap_ns < low_ns ? gap_ns : low_ns;
		high_ns = gap_ns > high_ns ? gap_ns : high_ns;
		now_ns = j.next_ns;
	}
	assert_in_range(low_ns, 5 * NSEC_PER_MSEC, 5100000);
	assert_in_range(high_ns, 13 * NSEC_PER_MSEC, 15 * NSEC_PER_MSEC);
	assert_in_range(now_ns, 7200 * NSEC_PER_MSEC, 7800 * NSEC_PER_MSEC);
}

static void without_jitter_periods_are_nominal(void **state)
{
	(void)state;
	struct jitter j;
	struct jitter_event e;
	jitter_init(&j, 1000000, 10000, 7);
	j.off = true;
	assert_int_equal(jitter_begin(&j, &e), 1000000);
	for (int i = 1; i < 10; i++)
		assert_true(jitter_sample(&j, &e, (uint64_t)i * 1000000));
}

/* Lives of 5.1 periods bring some 5 samples on average over the periods that are inherited. */
static double kept_per_life(struct jitter *j, uint64_t low_ns, uint64_t high_ns)
{
	enum { LIVES = 20000 };
	uint64_t kept = 0;
	for (uint64_t life = 0; life < LIVES; life++) {
		uint64_t period_ns = low_ns + (high_ns - low_ns) * life / LIVES;
		for (uint64_t tick = 1; tick * period_ns <= 5100000; tick++)
			kept += jitter_keep_inherited(j, period_ns, tick == 1);
	}
	return (double)kept / LIVES;
}

static void inherited_copies_are_thinned(void **state)
{
	(void)state;
	struct jitter j;
	jitter_init(&j, 1000000, 10000, 7);
	double steady = kept_per_life(&j, 800000, 1200000),
	       lead = kept_per_life(&j, 150000, 1500000);
	print_message("5.1 periods: %.2f samples by steady periods, %.2f by leads\n", steady, lead);
	assert_true(steady > 4.4 && steady < 5.6);
	assert_true(lead > 4.4 && lead < 5.6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(periodic_work_is_not_aliased),
		cmocka_unit_test(low_rates_keep_their_ticks),
		cmocka_unit_test(a_fixed_period_shows_a_phase),
		cmocka_unit_test(work_at_each_tick_of_a_timer_is_seen_whole),
		cmocka_unit_test(a_cpus_event_sees_busy_and_idle_cpus_alike),
		cmocka_unit_test(short_lives_have_as_many_samples_as_long_ones),
		cmocka_unit_test(moments_of_change_lie_on_no_grid),
		cmocka_unit_test(without_jitter_periods_are_nominal),
		cmocka_unit_test(inherited_copies_are_thinned),
	};
	return cmocka_run_group_tests_name("sampler/jitter", tests, NULL, NULL);
}
