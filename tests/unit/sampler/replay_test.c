// SPDX-License-Identifier: MIT
/* Streams of perf record, built record by record as a pipe carries them. */
#include "sampler/replay.h" /* before cmocka.h, which has a macro fail() */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>
#include <cmocka.h>

#include "base/strbuf.h"
#include "perf_bytes.h"
#include "sampler/replay_types.h"

enum { CLOCK_ID = 42, FAULTS_ID = 43, PIPE_HEADER_BYTES = 16 };

static struct strbuf file;
static struct perf_bytes b;
static int fd = -1;

static const struct perf_event_attr clock_attr = {
	.type = PERF_TYPE_SOFTWARE,
	.config = PERF_COUNT_SW_CPU_CLOCK,
	.size = sizeof(clock_attr),
	.sample_freq = 999,
	.freq = 1,
	.sample_type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID |
		       PERF_SAMPLE_TIME | PERF_SAMPLE_PERIOD,
	.sample_id_all = 1,
	.exclude_kernel = 1,
};

static void add(void)
{
	end_with_size(&b);
	strbuf_add(&file, b.at, b.size);
}

static void add_attr(uint64_t config, uint64_t id)
{
	struct perf_event_attr attr = clock_attr;
	attr.config = config;
	begin(&b, REPLAY_ATTR, 0);
	put(&b, &attr, sizeof(attr));
	put_u64(&b, id);
	add();
}

static void make_sample(uint64_t id, uint32_t pid, uint64_t time_ns)
{
	begin(&b, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER);
	put_u64(&b, id);
	put_u64(&b, 0x401000);
	put_u32(&b, pid, pid);
	put_u64(&b, time_ns);
	put_u64(&b, 1001001);
	end_with_size(&b);
}

static void add_sample(uint64_t id, uint32_t pid, uint64_t time_ns)
{
	make_sample(id, pid, time_ns);
	add();
}

static void add_comm(uint32_t pid, const char *comm, uint64_t time_ns)
{
	begin(&b, PERF_RECORD_COMM, 0);
	put_u32(&b, pid, pid);
	put_text(&b, comm);
	put_u32(&b, pid, pid);
	put_u64(&b, time_ns);
	put_u64(&b, time_ns ? CLOCK_ID : 0);
	add();
}

static void add_round(void)
{
	begin(&b, REPLAY_FINISHED_ROUND, 0);
	add();
}

static int start(void **state)
{
	(void)state;
	strbuf_clear(&file);
	strbuf_add(&file, "PERFILE2\x10\0\0\0\0\0\0\0", PIPE_HEADER_BYTES);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	if (fd >= 0)
		close(fd);
	fd = -1;
	strbuf_deinit(&file);
	return 0;
}

static struct sampler *open_file(void)
{
	struct sampler *s;
	struct error err = { 0 };
	fd = memfd_create("replay", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, file.text, file.length), file.length);
	if (replay_open(fd, NULL, 0, &s, &err) < 0)
		fail_msg("%s", err.text);
	return s;
}

/* "s10 c20": what came out at which time. */
static void check_order(struct sampler *s, const char *expected)
{
	struct strbuf order = { 0 };
	const struct record *r;
	while (sampler_replay.peek(s, &r)) {
		strbuf_printf(&order, "%s%c%llu", order.length ? " " : "",
			      r->kind == RECORD_SAMPLE ? 's'
			      : r->kind == RECORD_COMM ? r->comm.comm[0]
						       : 'l',
			      (unsigned long long)r->time_ns);
		sampler_replay.consume(s);
	}
	assert_string_equal(strbuf_text(&order), expected);
	strbuf_deinit(&order);
}

static void check_end(struct sampler *s, const char *expected)
{
	struct error err = { 0 };
	check_order(s, expected);
	int status = replay_status(s, &err);
	if (status)
		fail_msg("%s", err.text);
	sampler_replay.destroy(s);
}

static void check_damage(const char *order, size_t byte)
{
	char text[64];
	struct error err = { 0 };
	struct sampler *s = open_file();
	check_order(s, order);
	assert_int_equal(replay_status(s, &err), -EBADMSG);
	snprintf(text, sizeof(text), "byte %zu", byte);
	if (!strstr(err.text, text))
		fail_msg("'%s' lacks '%s'", err.text, text);
	sampler_replay.destroy(s);
}

/* Rings are written one after the other: times only grow over two rounds. */
static void records_come_in_order_of_time(void **state)
{
	(void)state;
	add_attr(PERF_COUNT_SW_CPU_CLOCK, CLOCK_ID);
	add_sample(CLOCK_ID, 7, 10);
	add_sample(CLOCK_ID, 7, 30);
	add_round();
	add_sample(CLOCK_ID, 7, 20);
	add_sample(CLOCK_ID, 7, 40);
	add_round();
	add_sample(CLOCK_ID, 7, 35);
	check_end(open_file(), "s10 s20 s30 s35 s40");
}

static void equal_times_keep_the_order_of_the_file(void **state)
{
	(void)state;
	add_attr(PERF_COUNT_SW_CPU_CLOCK, CLOCK_ID);
	add_sample(CLOCK_ID, 7, 10);
	add_comm(7, "a", 0); /* perf's own: it was so before the first record */
	add_comm(7, "b", 0);
	add_comm(7, "c", 10);
	add_comm(7, "d", 10);
	check_end(open_file(), "a0 b0 s10 c10 d10");
}

static void a_record_is_shown_when_nothing_earlier_can_come(void **state)
{
	(void)state;
	const struct record *r;
	add_attr(PERF_COUNT_SW_CPU_CLOCK, CLOCK_ID);
	for (uint64_t i = 1; i < 100; i++) {
		add_sample(CLOCK_ID, 7, i);
		add_round();
	}
	file.length -= 3; /* nobody has to read that far */
	struct sampler *s = open_file();
	assert_true(sampler_replay.peek(s, &r));
	assert_int_equal(r->time_ns, 1);
	assert_int_equal(replay_status(s, NULL), 0);
	sampler_replay.destroy(s);
}

static void a_clock_is_the_profile_and_others_are_counted(void **state)
{
	(void)state;
	const char *name;
	uint64_t samples;
	add_attr(PERF_COUNT_SW_PAGE_FAULTS, FAULTS_ID);
	add_attr(PERF_COUNT_SW_CPU_CLOCK, CLOCK_ID);
	add_sample(FAULTS_ID, 7, 5);
	add_sample(CLOCK_ID, 7, 10);
	add_sample(FAULTS_ID, 7, 20);
	add_sample(77, 7, 25);       /* of no event */
	add_sample(CLOCK_ID, 0, 30); /* the idle task */
	struct sampler *s = open_file();
	check_order(s, "s10");
	assert_true(replay_left_out(s, 0, &name, &samples));
	assert_string_equal(name, "page-faults");
	assert_int_equal(samples, 2);
	assert_false(replay_left_out(s, 1, &name, &samples));
	const struct replay_facts *f = replay_facts(s);
	assert_string_equal(f->event, "cpu-clock");
	assert_true(f->is_clock);
	assert_int_equal(f->idle_samples, 1);
	assert_int_equal(f->unknown_samples, 1);
	sampler_replay.destroy(s);
}

static void periods_of_clocks_are_cpu_time(void **state)
{
	(void)state;
	const struct record *r;
	struct sampler_stats stats;
	add_attr(PERF_COUNT_SW_CPU_CLOCK, CLOCK_ID);
	add_sample(CLOCK_ID, 7, 10);
	struct sampler *s = open_file();
	assert_true(sampler_replay.peek(s, &r));
	assert_int_equal(r->sample.cpu_ns, 1001001);
	assert_int_equal(r->sample.user_half, USER_HALF_MISSING);
	sampler_replay.stats(s, &stats);
	assert_int_equal(stats.rate_hz, 999);
	assert_false(stats.kernel);
	sampler_replay.destroy(s);
}

/* perf record --call-graph lbr: the processor's calls take the place of the user's chain. */
static void calls_become_a_chain(void **state)
{
	(void)state;
	const struct record *r;
	struct perf_event_attr attr = clock_attr;
	attr.sample_type |= PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_BRANCH_STACK;
	attr.branch_sample_type = PERF_SAMPLE_BRANCH_CALL_STACK | PERF_SAMPLE_BRANCH_HW_INDEX;
	attr.exclude_callchain_user = 1;
	begin(&b, REPLAY_ATTR, 0);
	put(&b, &attr, sizeof(attr));
	put_u64(&b, CLOCK_ID);
	add();
	for (unsigned in_kernel = 0; in_kernel < 2; in_kernel++) {
		static const uint64_t words[] = { /* chain, branches, index, from, to, flags */
						  0, 2,        7,        0x401100, 0x401000,
						  0, 0x401200, 0x401080, 0
		};
		make_sample(CLOCK_ID, 7, 10 + in_kernel);
		b.at[4] = in_kernel ? PERF_RECORD_MISC_KERNEL : PERF_RECORD_MISC_USER;
		put(&b, words, sizeof(words));
		add();
	}
	struct sampler *s = open_file();
	for (unsigned in_kernel = 0; in_kernel < 2; in_kernel++) {
		assert_true(sampler_replay.peek(s, &r));
		assert_int_equal(r->sample.user_half, USER_HALF_CHAIN);
		assert_int_equal(r->sample.user_pc_count, 3);
		/* make_sample() has the pc at 0x401000, which is also where the last call went */
		assert_int_equal(r->sample.user_pcs[0], 0x401000);
		assert_int_equal(r->sample.user_pcs[1], 0x401101);
		assert_int_equal(r->sample.user_pcs[2], 0x401201);
		assert_int_equal(r->sample.kernel_pc_count, in_kernel);
		sampler_replay.consume(s);
	}
	sampler_replay.destroy(s);
}

/* A ring that was full says so twice: at the time, and when perf has ended. */
static void what_was_lost_is_counted_once(void **state)
{
	(void)state;
	const struct record *r;
	add_attr(PERF_COUNT_SW_CPU_CLOCK, CLOCK_ID);
	for (unsigned i = 0; i < 2; i++) {
		begin(&b, PERF_RECORD_LOST, 0);
		put_u64(&b, CLOCK_ID);
		put_u64(&b, 3);
		put_u32(&b, 7, 7);
		put_u64(&b, 10 + i);
		put_u64(&b, CLOCK_ID);
		add();
	}
	begin(&b, PERF_RECORD_LOST_SAMPLES, 0);
	put_u64(&b, 5);
	put_u32(&b, 7, 7);
	put_u64(&b, 0);
	put_u64(&b, CLOCK_ID);
	add();
	struct sampler *s = open_file();
	assert_true(sampler_replay.peek(s, &r));
	assert_int_equal(r->kind, RECORD_LOST);
	assert_int_equal(r->lost.count, 6);
	sampler_replay.consume(s);
	assert_false(sampler_replay.peek(s, &r));
	sampler_replay.destroy(s);
}

/* Packs `plain` as one stream and adds it as records of these sizes. */
static void add_packed(uint32_t type, const struct strbuf *plain, size_t first_bytes)
{
	char packed[4096];
	size_t size = ZSTD_compress(packed, sizeof(packed), plain->text, plain->length, 1);
	assert_false(ZSTD_isError(size));
	for (size_t at = 0; at < size;) {
		size_t part = at || first_bytes > size ? size - at : first_bytes;
		begin(&b, type, 0);
		if (type == REPLAY_COMPRESSED2)
			put_u64(&b, part);
		put(&b, packed + at, part);
		if (type == REPLAY_COMPRESSED2)
			b.size = (b.size + 7) & ~(size_t)7;
		add();
		at += part;
	}
}

static void make_packed_samples(struct strbuf *plain)
{
	for (uint64_t i = 1; i <= 3; i++) {
		make_sample(CLOCK_ID, 7, i * 10);
		strbuf_add(plain, b.at, b.size);
	}
}

static void packed_records_come_out(void **state)
{
	(void)state;
	static const uint32_t types[] = { REPLAY_COMPRESSED, REPLAY_COMPRESSED2 };
	for (size_t i = 0; i < 2; i++) {
		struct strbuf plain = { 0 };
		start(NULL);
		add_attr(PERF_COUNT_SW_CPU_CLOCK, CLOCK_ID);
		make_packed_samples(&plain);
		add_packed(types[i], &plain, 30); /* records end in the middle of others */
		add_sample(CLOCK_ID, 7, 25);
		check_end(open_file(), "s10 s20 s25 s30");
		close(fd);
		strbuf_deinit(&plain);
	}
	fd = -1;
}

/* perf 6.16 rounds 65529 and more up to a size of 0. */
static void a_packed_record_that_is_too_big_says_its_size_inside(void **state)
{
	(void)state;
	struct strbuf plain = { 0 };
	add_attr(PERF_COUNT_SW_CPU_CLOCK, CLOCK_ID);
	make_packed_samples(&plain);
	char packed[512];
	size_t size = ZSTD_compress(packed, sizeof(packed), plain.text, plain.length, 1);
	begin(&b, REPLAY_COMPRESSED2, 0);
	put_u64(&b, size);
	put(&b, packed, size);
	strbuf_add(&file, b.at, b.size); /* its header keeps the size of 0 */
	add_sample(CLOCK_ID, 7, 40);
	check_end(open_file(), "s10 s20 s30 s40");
	strbuf_deinit(&plain);
}

/* 8 MiB of records that nobody knows, packed 1 to 10,000, again and again. */
static void packed_records_without_end_are_refused(void **state)
{
	(void)state;
	enum { PLAIN_BYTES = 8 << 20, TIMES = 140 };
	static char packed[8192];
	struct strbuf plain = { 0 };
	begin(&b, 99, 0);
	for (unsigned i = 0; i < 1000; i++)
		put_u64(&b, 0);
	end_with_size(&b);
	while (plain.length < PLAIN_BYTES)
		strbuf_add(&plain, b.at, b.size);
	size_t size = ZSTD_compress(packed, sizeof(packed), plain.text, plain.length, 1);
	assert_false(ZSTD_isError(size));
	assert_true(plain.length / size > 4096);
	strbuf_deinit(&plain);
	add_attr(PERF_COUNT_SW_CPU_CLOCK, CLOCK_ID);
	size_t each = 0;
	for (unsigned i = 0; i < TIMES; i++) {
		size_t before = file.length;
		begin(&b, REPLAY_COMPRESSED, 0);
		put(&b, packed, size);
		add();
		each = file.length - before;
	}
	/* Each has a little more than 8 MiB: the 128th goes beyond 1 GiB. */
	check_damage("", file.length - (TIMES - 127) * each);
}

static void bulk_of_other_tools_is_skipped(void **state)
{
	(void)state;
	char bulk[1000];
	memset(bulk, 0xff, sizeof(bulk));
	add_attr(PERF_COUNT_SW_CPU_CLOCK, CLOCK_ID);
	begin(&b, REPLAY_AUXTRACE, 0);
	put_u64(&b, sizeof(bulk));
	for (unsigned i = 0; i < 4; i++)
		put_u64(&b, 0);
	add();
	strbuf_add(&file, bulk, sizeof(bulk));
	begin(&b, REPLAY_TRACING_DATA, 0);
	put_u32(&b, 200, 0);
	add();
	strbuf_add(&file, bulk, 200);
	begin(&b, 99, 0); /* of a later version */
	put_u64(&b, 1);
	add();
	add_sample(CLOCK_ID, 7, 10);
	check_end(open_file(), "s10");
}

static void damage_is_told_with_its_byte(void **state)
{
	(void)state;
	add_attr(PERF_COUNT_SW_CPU_CLOCK, CLOCK_ID);
	add_sample(CLOCK_ID, 7, 10);
	add_round();
	add_round();
	size_t at = file.length;
	struct perf_event_header tiny = { .type = PERF_RECORD_SAMPLE, .size = 4 };
	strbuf_add(&file, &tiny, sizeof(tiny));
	check_damage("s10", at);
	close(fd);
	file.length = at;
	tiny.size = 16; /* a sample without what its attr promises */
	strbuf_add(&file, &tiny, sizeof(tiny));
	strbuf_add(&file, "01234567", 8);
	check_damage("s10", at);
	close(fd);
	file.length = at;
	add_sample(CLOCK_ID, 7, 20);
	file.length -= 5;
	check_damage("s10", file.length);
	close(fd);
	file.length = at;
	begin(&b, REPLAY_COMPRESSED, 0);
	put(&b, "no zstd at all", 14);
	add();
	check_damage("s10", at);
}

static void other_kinds_of_files_are_refused_by_name(void **state)
{
	(void)state;
	static const struct {
		const char *bytes, *says;
	} kinds[] = {
		{ "2ELIFREP\0\0\0\0\0\0\0\0", "big-endian" },
		{ "PERFFILE\0\0\0\0\0\0\0\0", "Linux 2.6" },
		{ "PERFILE2\x07\0\0\0\0\0\0\0", "byte 8" },
		{ "PERFILE2\x68\0\0\0\0\0\0\0", "byte 104" },
	};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct sampler *s;
		struct error err = { 0 };
		int copy = memfd_create("replay", MFD_CLOEXEC);
		assert_int_equal(write(copy, kinds[i].bytes, 16), 16);
		assert_true(replay_is(kinds[i].bytes, 16));
		assert_int_equal(replay_open(copy, NULL, 0, &s, &err), -EBADMSG);
		assert_non_null(strstr(err.text, kinds[i].says));
		close(copy);
	}
	assert_false(replay_is("PERFILE", 7));
	assert_false(replay_is("perf script text", 16));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(records_come_in_order_of_time),
		TEST(equal_times_keep_the_order_of_the_file),
		TEST(a_record_is_shown_when_nothing_earlier_can_come),
		TEST(a_clock_is_the_profile_and_others_are_counted),
		TEST(periods_of_clocks_are_cpu_time),
		TEST(calls_become_a_chain),
		TEST(what_was_lost_is_counted_once),
		TEST(packed_records_come_out),
		TEST(a_packed_record_that_is_too_big_says_its_size_inside),
		TEST(packed_records_without_end_are_refused),
		TEST(bulk_of_other_tools_is_skipped),
		TEST(damage_is_told_with_its_byte),
		TEST(other_kinds_of_files_are_refused_by_name),
	};
	return cmocka_run_group_tests_name("sampler/replay", tests, NULL, NULL);
}
