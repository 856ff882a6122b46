// SPDX-License-Identifier: MIT
#include "session/completion.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

/*
 * The live process is this one: a stack between two pages that cannot be read. The copy is of its
 * inner part, so that what lies behind it must come from memory.
 */
enum {
	PAGE = 4096,
	STACK_BYTES = 64 * PAGE,
	COPY_BYTES = 2 * PAGE,
	OVERLAP = 2048, /* what must be unchanged */
};

struct fixture {
	uint8_t *guarded, *stack;
	uint8_t copy[COPY_BYTES];
	struct record_sample sample;
	struct completion completion;
};

static struct fixture the;

static uint64_t at(size_t offset)
{
	return (uintptr_t)the.stack + offset;
}

static int create(void **state)
{
	(void)state;
	the = (struct fixture){ 0 };
	the.guarded = mmap(NULL, STACK_BYTES + 2 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(the.guarded, MAP_FAILED);
	the.stack = the.guarded + PAGE;
	assert_int_equal(mprotect(the.guarded, PAGE, PROT_NONE), 0);
	assert_int_equal(mprotect(the.stack + STACK_BYTES, PAGE, PROT_NONE), 0);
	for (size_t i = 0; i < STACK_BYTES; i++)
		the.stack[i] = (uint8_t)(i * 7 + i / 256);
	memcpy(the.copy, the.stack, sizeof(the.copy));
	the.sample = (struct record_sample){ .has_registers = true,
					     .registers[REGISTER_RSP] = at(0),
					     .stack = the.copy,
					     .stack_size_bytes = COPY_BYTES,
					     .stack_copy_full = true };
	completion_begin(&the.completion, getpid(), &the.sample);
	return 0;
}

static int destroy(void **state)
{
	(void)state;
	completion_deinit(&the.completion);
	return munmap(the.guarded, STACK_BYTES + 2 * PAGE);
}

/* @return whether the word there can be had; then it is what memory holds */
static bool can_read(size_t offset)
{
	uint64_t word = 0;
	if (!completion_read(&the.completion, at(offset), &word, sizeof(word)))
		return false;
	assert_memory_equal(&word, the.stack + offset, sizeof(word));
	return true;
}

static void the_stack_goes_on_behind_the_copy(void **state)
{
	(void)state;
	assert_false(completion_was_used(&the.completion));
	assert_true(can_read(COPY_BYTES));
	assert_true(can_read(COPY_BYTES - 4)); /* half of the word is in the copy */
	assert_true(can_read(STACK_BYTES / 2));
	assert_true(can_read(COPY_BYTES + 8));
	assert_true(can_read(STACK_BYTES - 8));
	assert_true(completion_was_used(&the.completion));
	assert_true(completion_holds(&the.completion));
}

static void it_ends_where_memory_ends(void **state)
{
	(void)state;
	uint64_t word;
	assert_false(completion_read(&the.completion, at(STACK_BYTES - 4), &word, sizeof(word)));
	assert_false(completion_holds(&the.completion));
}

static void an_overlap_that_changed_ends_it(void **state)
{
	(void)state;
	the.stack[COPY_BYTES - OVERLAP] ^= 1;
	assert_false(can_read(COPY_BYTES));
	assert_false(can_read(COPY_BYTES)); /* once and for all */
	assert_false(completion_holds(&the.completion));
}

static void inner_frames_may_change(void **state)
{
	(void)state;
	the.stack[COPY_BYTES - OVERLAP - 1] ^= 1;
	assert_true(can_read(COPY_BYTES));
	assert_true(completion_holds(&the.completion));
}

static void a_change_while_it_was_read_is_seen(void **state)
{
	(void)state;
	assert_true(can_read(COPY_BYTES));
	the.stack[COPY_BYTES - 1] ^= 1;
	assert_false(completion_holds(&the.completion));
}

static void what_lies_elsewhere_is_not_this_stack(void **state)
{
	(void)state;
	uint64_t word;
	assert_false(can_read(0));
	assert_false(completion_read(&the.completion, UINT64_MAX - 3, &word, sizeof(word)));
	assert_false(
		completion_read(&the.completion, at(0) + (UINT64_C(1) << 40), &word, sizeof(word)));
	assert_false(completion_was_used(&the.completion));
}

static void a_copy_that_is_not_full_has_nothing_behind(void **state)
{
	(void)state;
	the.sample.stack_copy_full = false;
	completion_begin(&the.completion, getpid(), &the.sample);
	assert_false(can_read(COPY_BYTES));
	the.sample.stack_copy_full = true;
	the.sample.stack_size_bytes = OVERLAP - 8;
	completion_begin(&the.completion, getpid(), &the.sample);
	assert_false(can_read(OVERLAP));
}

static void a_process_that_is_gone_has_no_stack(void **state)
{
	(void)state;
	completion_begin(&the.completion, 5000001, &the.sample); /* no machine has this pid */
	assert_false(can_read(COPY_BYTES));
	assert_false(completion_holds(&the.completion));
}

static void the_next_sample_begins_anew(void **state)
{
	(void)state;
	assert_true(can_read(COPY_BYTES));
	the.stack[STACK_BYTES / 2] ^= 1;
	completion_begin(&the.completion, getpid(), &the.sample);
	assert_false(completion_was_used(&the.completion));
	assert_true(can_read(STACK_BYTES / 2));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)
	const struct CMUnitTest tests[] = {
		TEST(the_stack_goes_on_behind_the_copy),
		TEST(it_ends_where_memory_ends),
		TEST(an_overlap_that_changed_ends_it),
		TEST(inner_frames_may_change),
		TEST(a_change_while_it_was_read_is_seen),
		TEST(what_lies_elsewhere_is_not_this_stack),
		TEST(a_copy_that_is_not_full_has_nothing_behind),
		TEST(a_process_that_is_gone_has_no_stack),
		TEST(the_next_sample_begins_anew),
	};
	return cmocka_run_group_tests_name("session/completion", tests, NULL, NULL);
}
