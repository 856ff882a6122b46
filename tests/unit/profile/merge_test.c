// SPDX-License-Identifier: MIT
#include "profile/builder.h"
#include "profile/merge.h"
#include "profile/pprof.h"

/* Behind ours, since cmocka has a macro called fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

struct made {
	const char *command, *module, *build_id, *function, *comm;
	uint32_t pid, tid, rate_hz;
	uint64_t samples, cpu_ns, duration_ns, lost;
	uint64_t times_ns[4]; /* as many as `samples`, if the last is not 0 */
	const char *note, *reason;
	bool completed;
	uint32_t runs; /* of `samples` and `cpu_ns` each; 0: one without a number */
};

static const struct made one = { .command = "make",
				 .module = "/usr/bin/cc1",
				 .build_id = "abcd",
				 .function = "parse",
				 .comm = "cc1",
				 .pid = 7,
				 .tid = 8,
				 .rate_hz = 999,
				 .samples = 2,
				 .cpu_ns = 200,
				 .duration_ns = 1000,
				 .lost = 3,
				 .times_ns = { 100, 900 },
				 .note = "a note" };

static struct profile *make(struct made m)
{
	struct builder *b;
	struct profile *p = NULL;
	assert_int_equal(builder_create(&b, NULL), 0);
	struct profile_meta *meta = builder_meta(b);
	meta->command = builder_intern(b, m.command);
	meta->event = builder_intern(b, "cpu");
	meta->rate_hz = m.rate_hz;
	meta->duration_ns = m.duration_ns;
	meta->lost_samples = m.lost;
	meta->start_unix_ns = 5000 + m.duration_ns;
	meta->kernel_sampled = true;
	builder_target_pid(b, m.pid);
	builder_note(b, m.note);
	module_id module = builder_add_module(b, &(struct builder_module){ .path = m.module });
	builder_set_build_id_text(b, module, m.build_id);
	frame_id frame = builder_frame(b, module, 0x1234, FRAME_USER, NULL);
	builder_name_frame(b, frame, &(struct builder_line){ .name = m.function, .line = 5 }, 1);
	stack_id stack = builder_stack(b, (stack_id){ 0 }, frame);
	if (m.reason)
		builder_reason(b, m.reason, "in words");
	struct builder_row wanted = { .thread = builder_thread(b, m.pid, m.tid, m.comm),
				      .leaf = stack,
				      .truncated = m.reason,
				      .completed = m.completed,
				      .count = m.samples,
				      .cpu_ns = m.cpu_ns };
	for (uint32_t run = 1; run < m.runs; run++) {
		builder_set_run(b, run);
		wanted.thread = builder_thread(b, m.pid, m.tid, m.comm);
		builder_add_row(b, &wanted);
		builder_end_run(b, m.cpu_ns + run);
	}
	if (m.runs) {
		builder_set_run(b, m.runs);
		builder_end_run(b, m.cpu_ns + m.runs);
		wanted.thread = builder_thread(b, m.pid, m.tid, m.comm);
	}
	draft_sample_id row = builder_add_row(b, &wanted);
	for (size_t i = 0; i < m.samples && m.times_ns[m.samples - 1]; i++)
		builder_add_time(b, row, m.times_ns[i], 1);
	assert_int_equal(builder_freeze(b, &p, NULL), 0);
	builder_destroy(b);
	return p;
}

static void check_that_taking_makes_no_difference(struct profile **list,
						  const struct profile *wanted)
{
	struct profile *out = NULL;
	struct strbuf bytes = { 0 }, wanted_bytes = { 0 };
	assert_int_equal(profile_merge_taken(list, 2, &out, NULL), 0);
	assert_null(list[0]);
	assert_null(list[1]);
	assert_int_equal(pprof_write(out, &bytes, NULL), 0);
	assert_int_equal(pprof_write(wanted, &wanted_bytes, NULL), 0);
	assert_int_equal(bytes.length, wanted_bytes.length);
	assert_memory_equal(bytes.text, wanted_bytes.text, bytes.length);
	strbuf_deinit(&bytes);
	strbuf_deinit(&wanted_bytes);
	profile_destroy(out);
}

static struct profile *merge(struct made a, struct made b)
{
	struct profile *list[2] = { make(a), make(b) }, *out = NULL;
	struct error err = { 0 };
	assert_int_equal(profile_merge((const struct profile *const *)list, 2, &out, &err), 0);
	assert_int_equal(profile_check(out, &err), 0);
	uint32_t a_runs = a.runs ? a.runs : 1, b_runs = b.runs ? b.runs : 1;
	assert_int_equal(profile_total_count(out), a_runs * a.samples + b_runs * b.samples);
	assert_int_equal(profile_total_cpu_ns(out), a_runs * a.cpu_ns + b_runs * b.cpu_ns);
	check_that_taking_makes_no_difference(list, out);
	return out;
}

static void equal_things_are_one(void **state)
{
	(void)state;
	struct profile *p = merge(one, one);
	assert_int_equal(p->module_count, 2);
	assert_int_equal(p->function_count, 2);
	assert_int_equal(p->frame_count, 2);
	assert_int_equal(p->stack_count, 2);
	assert_int_equal(p->thread_count, 2);
	assert_int_equal(p->sample_count, 1);
	assert_int_equal(p->samples[0].count, 4);
	assert_int_equal(p->meta.pid_count, 1);
	assert_int_equal(p->meta.note_count, 1);
	assert_string_equal(profile_string(p, p->meta.command), "make");
	assert_int_equal(p->meta.rate_hz, 999);
	assert_true(p->meta.kernel_sampled);
	profile_destroy(p);
}

static void one_build_id_is_one_module_whatever_its_path(void **state)
{
	(void)state;
	struct made other = one;
	other.module = "/docker/usr/bin/cc1";
	struct profile *p = merge(one, other);
	assert_int_equal(p->module_count, 2);
	assert_int_equal(p->frame_count, 2);
	profile_destroy(p);
	other.build_id = "ffff";
	p = merge(one, other);
	assert_int_equal(p->module_count, 3);
	assert_int_equal(p->frame_count, 3);
	profile_destroy(p);
}

static void threads_are_apart_by_their_labels(void **state)
{
	(void)state;
	struct made other = one;
	other.comm = "as";
	struct profile *p = merge(one, other);
	assert_int_equal(p->thread_count, 3);
	assert_int_equal(p->sample_count, 2);
	profile_destroy(p);
	other = one;
	other.pid = 9;
	p = merge(one, other);
	assert_int_equal(p->thread_count, 3);
	assert_int_equal(p->meta.pid_count, 2);
	profile_destroy(p);
}

static void completed_samples_stay_apart(void **state)
{
	(void)state;
	struct made other = one;
	other.completed = true;
	struct profile *p = merge(one, other);
	assert_int_equal(p->stack_count, 2);
	assert_int_equal(p->sample_count, 2);
	assert_false(p->samples[0].completed);
	assert_true(p->samples[1].completed);
	profile_destroy(p);
	p = merge(other, other);
	assert_int_equal(p->sample_count, 1);
	assert_true(p->samples[0].completed);
	profile_destroy(p);
}

static void check_three_runs(const struct profile *p)
{
	assert_int_equal(p->meta.run_count, 3);
	assert_int_equal(p->meta.run_cpu_ns[0], 201);
	assert_int_equal(p->meta.run_cpu_ns[1], 202);
	assert_int_equal(p->meta.run_cpu_ns[2], 201);
	assert_int_equal(p->thread_count, 4);
	for (uint32_t i = 1; i <= 3; i++) {
		assert_int_equal(p->threads[i].run, i);
		assert_int_equal(p->threads[i].tid, 8);
	}
	assert_int_equal(p->sample_count, 3);
}

static void runs_are_numbered_on(void **state)
{
	(void)state;
	struct made two = one, single = one;
	two.runs = 2;
	single.runs = 1;
	struct profile *p = merge(two, single), *again = NULL;
	struct strbuf bytes = { 0 };
	struct error err = { 0 };
	check_three_runs(p);
	assert_int_equal(pprof_write(p, &bytes, &err), 0);
	assert_int_equal(pprof_read(bytes.text, bytes.length, &again, &err), 0);
	check_three_runs(again);
	profile_destroy(again);
	assert_int_equal(
		profile_filter(p, &(struct profile_filter){ .focus = "parse" }, &again, &err), 0);
	check_three_runs(again);
	profile_destroy(again);
	profile_destroy(p);
	p = merge(one, two); /* one without a number keeps none */
	assert_int_equal(p->threads[1].run, 0);
	assert_int_equal(p->threads[2].run, 1);
	assert_int_equal(p->threads[3].run, 2);
	strbuf_deinit(&bytes);
	profile_destroy(p);
}

static void facts_are_summed_or_listed(void **state)
{
	(void)state;
	struct made other = one;
	other.command = "make test";
	other.note = "another";
	other.lost = 4;
	other.duration_ns = 500;
	other.reason = "read-failed";
	struct profile *p = merge(one, other);
	assert_string_equal(profile_string(p, p->meta.command), "make; make test");
	assert_int_equal(p->meta.lost_samples, 7);
	assert_int_equal(p->meta.duration_ns, 1500);
	assert_int_equal(p->meta.start_unix_ns, 5500);
	assert_int_equal(p->meta.note_count, 2);
	assert_int_equal(p->meta.reason_count, 1);
	assert_string_equal(profile_string(p, p->meta.reasons[0].sentence), "in words");
	assert_int_equal(p->meta.reasons[0].samples, 2);
	profile_destroy(p);
}

static void different_rates_are_said(void **state)
{
	(void)state;
	struct made other = one;
	other.rate_hz = 99;
	struct profile *p = merge(one, other);
	assert_int_equal(p->meta.rate_hz, 0);
	assert_int_equal(p->meta.note_count, 2);
	assert_non_null(strstr(profile_string(p, p->meta.notes[1]), "different rates"));
	profile_destroy(p);
}

static void times_go_on_where_the_file_before_ended(void **state)
{
	(void)state;
	static const uint64_t expected[] = { 100, 900, 1100, 1900 };
	struct profile *p = merge(one, one);
	assert_int_equal(p->time_count, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(p->times[i].time_ns, expected[i]);
	profile_destroy(p);
}

static void sums_beyond_64_bits_are_refused(void **state)
{
	(void)state;
	struct made huge = one;
	huge.cpu_ns = UINT64_MAX;
	struct profile *list[2] = { make(huge), make(one) }, *out = NULL;
	struct error err = { 0 };
	assert_int_equal(profile_merge((const struct profile *const *)list, 2, &out, &err),
			 -75); /* EOVERFLOW */
	assert_non_null(strstr(err.text, "64 bits"));
	profile_destroy(list[0]);
	profile_destroy(list[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_things_are_one),
		cmocka_unit_test(one_build_id_is_one_module_whatever_its_path),
		cmocka_unit_test(threads_are_apart_by_their_labels),
		cmocka_unit_test(completed_samples_stay_apart),
		cmocka_unit_test(runs_are_numbered_on),
		cmocka_unit_test(facts_are_summed_or_listed),
		cmocka_unit_test(different_rates_are_said),
		cmocka_unit_test(times_go_on_where_the_file_before_ended),
		cmocka_unit_test(sums_beyond_64_bits_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
