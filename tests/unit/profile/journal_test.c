// SPDX-License-Identifier: MIT
#include "kept.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct profile *read_back(const void *bytes, size_t size_bytes)
{
	struct error err = { 0 };
	struct profile *p = NULL;
	assert_true(journal_is(bytes, size_bytes));
	if (journal_read(bytes, size_bytes, NULL, NULL, &p, NULL, &err) < 0 ||
	    profile_check(p, &err) < 0)
		fail_msg("%s", err.text);
	return p;
}

#define ASSERT_SAME_TABLE(table, count)                                                       \
	do {                                                                                  \
		assert_int_equal(p->count, q->count);                                         \
		for (size_t i_ = 0; i_ < p->count; i_++)                                      \
			assert_memory_equal(&p->table[i_], &q->table[i_], sizeof(*p->table)); \
	} while (0)

static void assert_same_text(const struct profile *p, string_id a, const struct profile *q,
			     string_id b)
{
	assert_string_equal(profile_string(p, a), profile_string(q, b));
}

static void assert_same_meta(const struct profile *p, const struct profile *q)
{
	const struct profile_meta *a = &p->meta, *b = &q->meta;
	assert_same_text(p, a->command, q, b->command);
	assert_same_text(p, a->backend, q, b->backend);
	assert_same_text(p, a->host, q, b->host);
	assert_same_text(p, a->kernel, q, b->kernel);
	assert_int_equal(a->rate_hz, b->rate_hz);
	assert_int_equal(a->start_unix_ns, b->start_unix_ns);
	assert_int_equal(a->duration_ns, b->duration_ns);
	assert_int_equal(a->lost_samples, b->lost_samples);
	assert_int_equal(a->throttled, b->throttled);
	assert_int_equal(a->profiler_cpu_ns, b->profiler_cpu_ns);
	assert_int_equal(a->kernel_sampled, b->kernel_sampled);
	assert_false(a->foreign || b->foreign);
	assert_int_equal(a->pid_count, b->pid_count);
	assert_int_equal(a->pids[0], b->pids[0]);
	assert_int_equal(a->reason_count, b->reason_count);
	for (size_t i = 0; i < a->reason_count; i++) {
		assert_same_text(p, a->reasons[i].id, q, b->reasons[i].id);
		assert_same_text(p, a->reasons[i].sentence, q, b->reasons[i].sentence);
		assert_int_equal(a->reasons[i].samples, b->reasons[i].samples);
	}
}

static void assert_same_names(const struct profile *p, const struct profile *q)
{
	assert_int_equal(p->module_count, q->module_count);
	for (size_t i = 0; i < p->module_count; i++) {
		const struct profile_module *a = &p->modules[i], *b = &q->modules[i];
		assert_same_text(p, a->path, q, b->path);
		assert_same_text(p, a->build_id, q, b->build_id);
		assert_int_equal(a->start_vaddr, b->start_vaddr);
		assert_int_equal(a->limit_vaddr, b->limit_vaddr);
		assert_int_equal(a->file_off, b->file_off);
		assert_int_equal(a->deleted, b->deleted);
	}
	assert_int_equal(p->function_count, q->function_count);
	for (size_t i = 0; i < p->function_count; i++) {
		const struct profile_function *a = &p->functions[i], *b = &q->functions[i];
		assert_same_text(p, a->name, q, b->name);
		assert_same_text(p, a->system_name, q, b->system_name);
		assert_same_text(p, a->file, q, b->file);
		assert_int_equal(a->start_line, b->start_line);
		assert_int_equal(a->unnamed, b->unnamed);
	}
}

/* All but the CPU time, which is known at the end only, and the sentence about the journal. */
static void assert_same_profile(const struct profile *p, const struct profile *q)
{
	assert_same_meta(p, q);
	assert_same_names(p, q);
	ASSERT_SAME_TABLE(lines, line_count);
	ASSERT_SAME_TABLE(frames, frame_count);
	ASSERT_SAME_TABLE(stack_parent, stack_count);
	ASSERT_SAME_TABLE(stack_frame, stack_count);
	ASSERT_SAME_TABLE(times, time_count);
	assert_int_equal(p->thread_count, q->thread_count);
	for (size_t i = 0; i < p->thread_count; i++) {
		assert_int_equal(p->threads[i].tid, q->threads[i].tid);
		assert_same_text(p, p->threads[i].comm, q, q->threads[i].comm);
	}
	assert_int_equal(p->sample_count, q->sample_count);
	for (size_t i = 0; i < p->sample_count; i++) {
		assert_int_equal(p->samples[i].stack.v, q->samples[i].stack.v);
		assert_int_equal(p->samples[i].thread.v, q->samples[i].thread.v);
		assert_same_text(p, p->samples[i].truncated, q, q->samples[i].truncated);
		assert_int_equal(p->samples[i].count, q->samples[i].count);
	}
}

static void a_journal_reads_as_the_capture(void **state)
{
	(void)state;
	struct profile *p = fixture_profile(0);
	for (unsigned every = 1; every <= 30; every++) {
		struct kept k;
		kept_fixture(&k, every);
		struct profile *q = read_back(k.bytes.text, k.bytes.length);
		assert_same_profile(p, q);
		assert_int_equal(profile_total_cpu_ns(q), 28 * 1001001); /* by the rate */
		assert_int_equal(q->meta.note_count, 2);
		assert_string_equal(profile_string(q, q->meta.notes[1]),
				    "read from a journal: the recording was cut off, or still "
				    "runs; up to its last second is missing");
		profile_destroy(q);
		kept_end(&k);
	}
	profile_destroy(p);
}

static void the_members_unpacked_are_one_message(void **state)
{
	(void)state;
	struct error err = { 0 };
	struct kept k;
	struct profile *p = fixture_profile(0), *q = NULL;
	kept_fixture(&k, 3);
	assert_true(k.members > 4);
	assert_true(pprof_is(k.plain.text, k.plain.length));
	if (pprof_read(k.plain.text, k.plain.length, &q, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(profile_check(q, NULL), 0);
	assert_same_profile(p, q);
	profile_destroy(p);
	profile_destroy(q);
	kept_end(&k);
}

static const char *name_at(const struct profile *p, uint64_t vaddr)
{
	const char *name = NULL;
	for (size_t i = 1; i < p->frame_count; i++)
		if (p->frames[i].vaddr == vaddr) {
			assert_null(name); /* one frame, however often it was written */
			function_id f = p->lines[p->frames[i].first_line].function;
			name = profile_string(p, p->functions[f.v].name);
		}
	assert_non_null(name);
	return name;
}

static void add(struct kept *k, uint64_t time_ns, frame_id frame)
{
	stack_id s = builder_stack(k->f.b, (stack_id){ 0 }, frame);
	thread_id t = builder_thread(k->f.b, 1, 1, "t");
	assert_int_equal(builder_sample(k->f.b, time_ns, t, s, ""), 0);
}

static void names_and_build_ids_may_come_late(void **state)
{
	(void)state;
	struct kept k;
	kept_begin(&k);
	kept_flush(&k);
	module_id m = builder_add_module(k.f.b, &(struct builder_module){ .path = "/bin/late" });
	frame_id once = builder_frame(k.f.b, m, 0x10, FRAME_USER, NULL);
	frame_id again = builder_frame(k.f.b, m, 0x20, FRAME_USER, NULL);
	frame_id stripped = builder_frame(k.f.b, m, 0x30, FRAME_USER, NULL);
	frame_id never = builder_frame(k.f.b, m, 0x40, FRAME_USER, NULL);
	add(&k, 1, once);
	add(&k, 2, again);
	add(&k, 3, stripped);
	add(&k, 4, never);
	kept_flush(&k);
	struct builder_line line = { "late", "late", "late.c", 7, 5 };
	assert_int_equal(builder_name_frame(k.f.b, once, &line, 1), 0);
	assert_int_equal(builder_name_frame(k.f.b, again, &line, 1), 0);
	builder_frame_function_start(k.f.b, stripped, 0x2c);
	add(&k, 5, again);
	kept_flush(&k);
	size_t before = k.bytes.length;
	kept_flush(&k); /* says nothing twice */
	assert_true(k.bytes.length - before < 100);
	struct profile *p = read_back(k.bytes.text, k.bytes.length);
	assert_string_equal(name_at(p, 0x10), "late");
	assert_string_equal(name_at(p, 0x20), "late");
	assert_string_equal(name_at(p, 0x30), "[late+0x2c]");
	assert_string_equal(name_at(p, 0x40), "[late+0x40]");
	assert_int_equal(profile_total_count(p), 5);
	profile_destroy(p);
	kept_end(&k);
}

static void completed_samples_stay_apart(void **state)
{
	(void)state;
	struct kept k;
	kept_begin(&k);
	frame_id frame = builder_frame(k.f.b, (module_id){ 0 }, 0x10, FRAME_JIT, NULL);
	add(&k, 1, frame);
	struct builder_row row = { .leaf = builder_stack(k.f.b, (stack_id){ 0 }, frame),
				   .thread = builder_thread(k.f.b, 1, 1, "t"),
				   .completed = true,
				   .count = 1 };
	assert_int_equal(builder_sample_row(k.f.b, 2, &row), 0);
	assert_int_equal(builder_sample_row(k.f.b, 3, &row), 0);
	kept_flush(&k);
	struct profile *p = read_back(k.bytes.text, k.bytes.length);
	assert_int_equal(p->sample_count, 2);
	for (size_t i = 0; i < p->sample_count; i++)
		assert_int_equal(p->samples[i].count, p->samples[i].completed ? 2 : 1);
	profile_destroy(p);
	kept_end(&k);
}

static void later_facts_take_the_place_of_earlier_ones(void **state)
{
	(void)state;
	struct kept k;
	kept_begin(&k);
	kept_flush(&k);
	struct profile_meta *m = builder_meta(k.f.b);
	m->lost_samples = 50;
	m->duration_ns = 9000000000;
	m->command = builder_intern(k.f.b, "another");
	assert_int_equal(builder_note(k.f.b, "a late note"), 0);
	kept_flush(&k);
	struct profile *p = read_back(k.bytes.text, k.bytes.length);
	assert_int_equal(p->meta.lost_samples, 50);
	assert_int_equal(p->meta.duration_ns, 9000000000);
	assert_string_equal(profile_string(p, p->meta.command), "another");
	assert_int_equal(p->meta.note_count, 3);
	assert_string_equal(profile_string(p, p->meta.notes[1]), "a late note");
	assert_int_equal(p->meta.pid_count, 1);
	profile_destroy(p);
	kept_end(&k);
}

static const char *last_note(const struct profile *p)
{
	return profile_string(p, p->meta.notes[p->meta.note_count - 1]);
}

static void a_torn_last_member_is_left_out(void **state)
{
	(void)state;
	struct kept k;
	char sentence[128];
	kept_fixture(&k, 5);
	add(&k, 1000000000, fixture_main_frame(&k.f));
	kept_flush(&k);
	size_t whole = k.bytes.length - k.last_bytes;
	for (size_t cut = whole; cut <= k.bytes.length; cut++) {
		struct profile *p = read_back(k.bytes.text, cut);
		bool torn = cut > whole && cut < k.bytes.length;
		assert_int_equal(profile_total_count(p), cut < k.bytes.length ? 28 : 29);
		snprintf(sentence, sizeof(sentence), "the last %zu bytes of the journal are a torn",
			 cut - whole);
		assert_int_equal(!strncmp(last_note(p), sentence, strlen(sentence)), torn);
		profile_destroy(p);
	}
	kept_end(&k);
}

static void what_follows_damage_is_left_out(void **state)
{
	(void)state;
	struct kept k;
	kept_fixture(&k, 5);
	size_t whole = k.bytes.length;
	for (unsigned i = 0; i < 4096; i++)
		strbuf_putc(&k.bytes, 0); /* what a crash of the machine leaves */
	struct profile *p = read_back(k.bytes.text, k.bytes.length);
	assert_int_equal(profile_total_count(p), 28);
	char sentence[128];
	snprintf(sentence, sizeof(sentence),
		 "the journal is damaged: its last 4096 bytes, from byte %zu on, were left out",
		 whole);
	assert_string_equal(last_note(p), sentence);
	profile_destroy(p);
	kept_end(&k);
}

static void a_member_of_another_kind_is_refused(void **state)
{
	(void)state;
	struct kept k;
	struct error err = { 0 };
	struct profile *p = fixture_profile(0), *q = NULL;
	kept_fixture(&k, 5);
	size_t whole = k.bytes.length;
	static const char other[] = "\x0a\x02\x08\x01"; /* a sample type, and nothing of ours */
	assert_int_equal(gzip_compress(other, 4, &k.bytes, NULL), 0);
	assert_int_equal(journal_read(k.bytes.text, k.bytes.length, NULL, NULL, &q, NULL, &err),
			 -EBADMSG);
	char sentence[64];
	snprintf(sentence, sizeof(sentence), "in the member at byte %zu: ", whole);
	assert_int_equal(strncmp(err.text, sentence, strlen(sentence)), 0);
	profile_destroy(p);
	kept_end(&k);
}

static void captures_are_no_journals(void **state)
{
	(void)state;
	struct strbuf bytes = { 0 };
	struct profile *p = fixture_profile(0);
	assert_int_equal(pprof_write(p, &bytes, NULL), 0);
	assert_false(journal_is(bytes.text, bytes.length));
	assert_false(journal_is("", 0));
	assert_false(journal_is("\x1f\x8b\x08", 3));
	strbuf_deinit(&bytes);
	profile_destroy(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_journal_reads_as_the_capture),
		cmocka_unit_test(the_members_unpacked_are_one_message),
		cmocka_unit_test(names_and_build_ids_may_come_late),
		cmocka_unit_test(completed_samples_stay_apart),
		cmocka_unit_test(later_facts_take_the_place_of_earlier_ones),
		cmocka_unit_test(a_torn_last_member_is_left_out),
		cmocka_unit_test(what_follows_damage_is_left_out),
		cmocka_unit_test(a_member_of_another_kind_is_refused),
		cmocka_unit_test(captures_are_no_journals),
	};
	return cmocka_run_group_tests_name("profile/journal", tests, NULL, NULL);
}
