// SPDX-License-Identifier: MIT
/*
 * Recordings of tests/replay, replayed: the unwinder offline, on any machine, without any right. What
 * the stacks must be follows from the source of the recorded program (tests/replay/cases.c).
 */
#include "session/replay.h" /* before cmocka.h, which has a macro fail() */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define FOLDER "tests/replay/"

enum { NAMES_MOST = 40 };

struct expected {
	const char *names[NAMES_MOST]; /* innermost first */
	const char *reason;            /* why it is not whole; NULL: it is */
	unsigned repeats;              /* how often names[1] stands there; 0: once */
	bool may_lack;                 /* few samples have it */
};

/* Registers and copies of the stack: all is whole, but where another stack was not copied. */
static const struct expected from_copies[] = {
	{ .names = { "spin", "plain_inner", "plain_outer", "run_all", "_start" } },
	{ .names = { "spin", "tail_last", "tail_outer", "run_all", "_start" } },
	{ .names = { "spin", "dynamic_frame", "run_all", "_start" } },
	{ .names = { "spin", "recursion", "run_all", "_start" }, .repeats = 30 },
	{ .names = { "tiny", "tiny_caller", "run_all", "_start" } },
	{ .names = { "tiny_caller", "run_all", "_start" }, .may_lack = true },
	{ .names = { "spin", "cfa_by_rbx", "run_all", "_start" } },
	{ .names = { "spin", "cfa_by_expression", "run_all", "_start" } },
	{ .names = { "spin", "no_cfi", "run_all", "_start" } },
	{ .names = { "spin", "handler", "skip_instruction", "restorer", "interrupted",
		     "signal_here", "run_all", "_start" } },
	{ .names = { "spin", "handler", "skip_instruction", "restorer", "interrupted" },
	  .reason = "read-failed" },
	{ .names = { "spin", "thread_body", "start_thread" } },
};

/* The kernel's chains of the same program, which keeps frame pointers in two places only. */
static const struct expected from_chains[] = {
	{ .names = { "spin" }, .reason = "chain-ends" },
	{ .names = { "tiny" }, .reason = "chain-ends" },
	{ .names = { "tiny_caller" }, .reason = "chain-ends", .may_lack = true },
	{ .names = { "spin", "run_all" },
	  .reason = "chain-ends" }, /* one frame too few: spin has none itself */
};

/* perf record without -g. */
static const struct expected from_places[] = {
	{ .names = { "spin" }, .reason = "not-recorded" },
	{ .names = { "tiny" }, .reason = "not-recorded" },
	{ .names = { "tiny_caller" }, .reason = "not-recorded", .may_lack = true },
};

static struct profile *replay(const char *path, const char *build_id_dir)
{
	struct profile *p = NULL;
	struct error err = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	const struct replay_config config = { .fd = fd, .build_id_dir = build_id_dir };
	if (session_replay(&config, &p, &err) < 0)
		fail_msg("%s: %s", path, err.text);
	close(fd);
	return p;
}

static const char *name_of(const struct profile *p, stack_id stack)
{
	const struct profile_frame *frame = &p->frames[p->stack_frame[stack.v].v];
	assert_int_equal(frame->line_count, 1);
	return profile_string(p, p->functions[p->lines[frame->first_line].function.v].name);
}

/* Cuts the marker off: @return the number of frames, or 0 if it is not the outermost. */
static size_t frames_of(const struct profile *p, stack_id stack, const char **names)
{
	size_t count = 0;
	for (; stack.v; stack = p->stack_parent[stack.v]) {
		if (p->frames[p->stack_frame[stack.v].v].kind == FRAME_TRUNCATED)
			return p->stack_parent[stack.v].v ? 0 : count;
		assert_true(count < NAMES_MOST);
		names[count++] = name_of(p, stack);
	}
	return count;
}

static bool is_expected(const struct expected *e, const char *const *names, size_t count,
			const char *reason)
{
	size_t at = 0, want = 0;
	if (strcmp(e->reason ? e->reason : "", reason) != 0)
		return false;
	for (size_t i = 0; i < NAMES_MOST && e->names[i]; i++) {
		unsigned times = i == 1 && e->repeats ? e->repeats : 1;
		for (want += times; times--; at++)
			if (at >= count || strcmp(names[at], e->names[i]) != 0)
				return false;
	}
	return want == count;
}

static void print_stack(const char *const *names, size_t count, const char *reason)
{
	for (size_t i = 0; i < count; i++)
		print_message("%s ", names[i]);
	print_message("(%s)\n", reason);
}

/* Each sample has one of the stacks, and each of the stacks has a sample. */
static void check(const char *path, const struct expected *expected, size_t count, uint64_t samples)
{
	bool seen[32] = { false };
	struct profile *p = replay(path, FOLDER "debug");
	assert_int_equal(profile_total_count(p), samples);
	for (size_t i = 0; i < p->sample_count; i++) {
		const char *names[NAMES_MOST];
		const char *reason = profile_string(p, p->samples[i].truncated);
		size_t frames = frames_of(p, p->samples[i].stack, names), at = 0;
		while (at < count && !is_expected(&expected[at], names, frames, reason))
			at++;
		if (at == count)
			print_stack(names, frames, reason);
		assert_true(at < count);
		seen[at] = true;
	}
	for (size_t i = 0; i < count; i++)
		assert_true(seen[i] || expected[i].may_lack);
	profile_destroy(p);
}

#define CHECK(path, expected, samples) \
	check(FOLDER path, expected, sizeof(expected) / sizeof((expected)[0]), samples)

static void copies_of_stacks_are_unwound(void **state)
{
	(void)state;
	CHECK("copies.data", from_copies, 315);
}

static void so_are_those_of_a_pipe(void **state)
{
	(void)state;
	CHECK("pipe.data", from_copies, 63);
}

static void chains_are_taken_over(void **state)
{
	(void)state;
	CHECK("chains.data", from_chains, 59);
}

static void a_place_alone_is_a_stack(void **state)
{
	(void)state;
	CHECK("places.data", from_places, 59);
}

static void facts_come_from_the_file(void **state)
{
	(void)state;
	struct profile *p = replay(FOLDER "copies.data", FOLDER "debug");
	assert_string_equal(profile_string(p, p->meta.event), "cpu-clock:u");
	assert_string_equal(profile_string(p, p->meta.backend), "perf.data");
	assert_non_null(strstr(profile_string(p, p->meta.command), "dwarf,65528"));
	assert_int_equal(p->meta.rate_hz, 5000);
	assert_int_equal(p->meta.cpus, 2);
	assert_false(p->meta.kernel_sampled);
	assert_int_equal(p->meta.profiler_cpu_ns, 0);
	assert_int_equal(profile_total_cpu_ns(p), 315 * 200000);
	assert_int_equal(p->meta.pid_count, 1);
	const char *path = profile_string(p, p->modules[1].path);
	assert_string_equal(strrchr(path, '/'), "/cases");
	profile_destroy(p);
}

/* Nothing of another file that stands at the path, and nothing of this machine. */
static void without_the_binary_nothing_is_guessed(void **state)
{
	(void)state;
	struct profile *p = replay(FOLDER "copies.data", NULL);
	assert_int_equal(profile_total_count(p), 315);
	for (size_t i = 1; i < p->function_count; i++) {
		const char *name = profile_string(p, p->functions[i].name);
		if (strcmp(name, "[truncated]") != 0)
			assert_int_equal(strncmp(name, "[cases+0x", 9), 0);
	}
	profile_destroy(p);
}

/* Whatever is cut off: a message with the byte. Only of what nobody reads may something lack. */
static void a_part_of_a_file_is_damaged(void **state)
{
	(void)state;
	enum { STEP = 97 };
	char bytes[64 * 1024], path[] = "/tmp/perfprof-replay-XXXXXX";
	int whole = open(FOLDER "copies.data", O_RDONLY | O_CLOEXEC);
	ssize_t size = read(whole, bytes, sizeof(bytes));
	int fd = mkstemp(path);
	assert_true(size > 0 && fd >= 0);
	unlink(path);
	for (ssize_t length = 16; length < size; length += STEP) {
		struct profile *p = NULL;
		struct error err = { 0 };
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, bytes, (size_t)length, 0), length);
		const struct replay_config config = { .fd = fd, .build_id_dir = NULL };
		int r = session_replay(&config, &p, &err);
		assert_true(r == -EBADMSG || (r == 0 && profile_total_count(p) == 315));
		assert_true(r == 0 || strstr(err.text, "byte"));
		profile_destroy(p);
	}
	close(whole);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_of_stacks_are_unwound),
		cmocka_unit_test(so_are_those_of_a_pipe),
		cmocka_unit_test(chains_are_taken_over),
		cmocka_unit_test(a_place_alone_is_a_stack),
		cmocka_unit_test(facts_come_from_the_file),
		cmocka_unit_test(without_the_binary_nothing_is_guessed),
		cmocka_unit_test(a_part_of_a_file_is_damaged),
	};
	return cmocka_run_group_tests_name("session/replay", tests, NULL, NULL);
}
