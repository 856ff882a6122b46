// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#undef fail /* base/error.h has one too */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/random.h"

static void random_stays_in_its_bounds_and_reaches_them(void **state)
{
	(void)state;
	struct random r = { .state = 42 };
	unsigned seen[7] = { 0 };
	for (unsigned i = 0; i < 70000; i++) {
		uint64_t v = random_between(&r, 10, 16);
		assert_true(v >= 10 && v <= 16);
		seen[v - 10]++;
	}
	/* 10,000 each; 4 standard errors are 370. */
	for (unsigned i = 0; i < 7; i++)
		assert_true(seen[i] > 9600 && seen[i] < 10400);
	assert_int_equal(random_between(&r, 5, 5), 5);
}

static void random_over_all_64_bits(void **state)
{
	(void)state;
	struct random r = { .state = 7 };
	uint64_t either = 0, both = UINT64_MAX;
	for (unsigned i = 0; i < 200; i++) {
		uint64_t v = random_between(&r, 0, UINT64_MAX);
		either |= v;
		both &= v;
	}
	assert_true(either == UINT64_MAX);
	assert_true(both == 0);
	for (unsigned i = 0; i < 200; i++)
		assert_true(random_between(&r, UINT64_MAX - 3, UINT64_MAX) >= UINT64_MAX - 3);
}

/* The first values of splitmix64 for seed 0, as Vigna's splitmix64.c prints them. */
static void random_is_splitmix64(void **state)
{
	(void)state;
	struct random r = { 0 };
	assert_true(random_u64(&r) == UINT64_C(0xe220a8397b1dcdaf));
	assert_true(random_u64(&r) == UINT64_C(0x6e789e6aa1b965f4));
	assert_true(random_u64(&r) == UINT64_C(0x06c45d188009454f));
}

static void sentences_are_joined_from_the_inside_out(void **state)
{
	(void)state;
	struct error err = { 0 };
	assert_int_equal(fail(&err, -EBADMSG, "CFI is cut off at byte %d", 96), -EBADMSG);
	assert_int_equal(fail_in(&err, -EBADMSG, "in '%s'", "libx.so"), -EBADMSG);
	assert_string_equal(err.text, "in 'libx.so': CFI is cut off at byte 96");
	assert_int_equal(fail(NULL, -EINVAL, "nobody hears"), -EINVAL);
	assert_int_equal(fail_in(NULL, -EINVAL, "nobody hears"), -EINVAL);
	struct error empty = { 0 };
	fail_in(&empty, -EIO, "alone");
	assert_string_equal(empty.text, "alone");
}

static void errno_is_told_and_never_zero(void **state)
{
	(void)state;
	struct error err = { 0 };
	errno = ENOENT;
	assert_int_equal(fail_errno(&err, "cannot open '%s'", "x"), -ENOENT);
	assert_string_equal(err.text, "cannot open 'x': No such file or directory");
	errno = 0;
	assert_int_equal(fail_errno(&err, "odd"), -EIO);
	errno = EACCES;
	assert_int_equal(fail_errno(NULL, "odd"), -EACCES);
}

static void sentences_longer_than_their_room_are_cut(void **state)
{
	(void)state;
	struct error err = { 0 };
	char big[3000];
	memset(big, 'z', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	errno = ENOENT;
	fail_errno(&err, "%s", big);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	fail_in(&err, -1, "%s", big);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	fail_in(&err, -1, "in front");
	assert_int_equal(strncmp(err.text, "in front: zzz", 13), 0);
}

static size_t logged(const struct log *template, enum log_domain domain, const char *text,
		     char *out, size_t room)
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	struct log log = *template;
	log.fd = ends[1];
	const struct log *wanted = &log;
	log_debug(wanted, domain, "%s", text);
	close(ends[1]);
	ssize_t n = read(ends[0], out, room - 1);
	close(ends[0]);
	assert_true(n >= 0);
	out[n] = 0;
	return (size_t)n;
}

static void only_wanted_domains_are_logged(void **state)
{
	(void)state;
	char line[4096], big[3000];
	struct log log = { .domains = LOG_UNWIND | LOG_SYMBOL };
	assert_int_equal(logged(&log, LOG_SAMPLER, "quiet", line, sizeof(line)), 0);
	assert_true(logged(&log, LOG_UNWIND, "loud", line, sizeof(line)) > 0);
	assert_non_null(strstr(line, " unwind: loud\n"));
	memset(big, 'z', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	size_t n = logged(&log, LOG_SYMBOL, big, line, sizeof(line));
	assert_true(n <= 1024);
	assert_int_equal(line[n - 1], '\n');
	struct log *none = NULL;
	log_debug(none, LOG_UNWIND, "nobody hears");
}

static void the_clock_never_goes_back(void **state)
{
	(void)state;
	uint64_t before = monotonic_ns();
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t now = monotonic_ns();
		assert_true(now >= before);
		before = now;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_stays_in_its_bounds_and_reaches_them),
		cmocka_unit_test(random_over_all_64_bits),
		cmocka_unit_test(random_is_splitmix64),
		cmocka_unit_test(sentences_are_joined_from_the_inside_out),
		cmocka_unit_test(errno_is_told_and_never_zero),
		cmocka_unit_test(sentences_longer_than_their_room_are_cut),
		cmocka_unit_test(only_wanted_domains_are_logged),
		cmocka_unit_test(the_clock_never_goes_back),
	};
	return cmocka_run_group_tests_name("base/small", tests, NULL, NULL);
}
