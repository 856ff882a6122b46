// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#undef fail /* base/error.h has one too */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/gzip.h"
#include "base/unpack_limit.h"
#include "base/random.h"

static void fill(struct strbuf *b, size_t size_bytes, uint64_t seed)
{
	struct random r = { .state = seed };
	while (b->length < size_bytes)
		strbuf_putc(b, (char)random_between(&r, 'a', 'h'));
}

static void round_trips_of_many_sizes(void **state)
{
	(void)state;
	static const size_t sizes[] = { 0, 1, 100, 65536, 262143, 262144, 262145, 1500000 };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct strbuf in = { 0 }, packed = { 0 }, out = { 0 };
		struct error err = { 0 };
		fill(&in, sizes[i], i);
		assert_int_equal(gzip_compress(strbuf_text(&in), in.length, &packed, &err), 0);
		assert_true(gzip_is(packed.text, packed.length));
		assert_int_equal(gzip_decompress(packed.text, packed.length, in.length, &out, &err),
				 0);
		assert_int_equal(out.length, in.length);
		assert_memory_equal(strbuf_text(&out), strbuf_text(&in), in.length);
		strbuf_deinit(&in);
		strbuf_deinit(&packed);
		strbuf_deinit(&out);
	}
}

/* RFC 1952, 2.3: no name, no time; the check sum by zlib's own crc32. */
static void the_header_says_nothing_of_the_machine(void **state)
{
	(void)state;
	struct strbuf packed = { 0 };
	struct error err = { 0 };
	assert_int_equal(gzip_compress("hello", 5, &packed, &err), 0);
	const unsigned char *p = (const unsigned char *)packed.text;
	const unsigned char expect[8] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0 };
	assert_memory_equal(p, expect, 8);
	uint32_t crc, size;
	memcpy(&crc, p + packed.length - 8, 4);
	memcpy(&size, p + packed.length - 4, 4);
	assert_int_equal(crc, crc32(0, (const unsigned char *)"hello", 5));
	assert_int_equal(size, 5);
	strbuf_deinit(&packed);
}

static void members_are_joined(void **state)
{
	(void)state;
	struct strbuf packed = { 0 }, out = { 0 };
	struct error err = { 0 };
	strbuf_puts(&out, "before ");
	assert_int_equal(gzip_compress("one ", 4, &packed, &err), 0);
	assert_int_equal(gzip_compress("", 0, &packed, &err), 0);
	assert_int_equal(gzip_compress("two", 3, &packed, &err), 0);
	assert_int_equal(gzip_decompress(packed.text, packed.length, 7, &out, &err), 0);
	assert_string_equal(out.text, "before one two");
	strbuf_deinit(&packed);
	strbuf_deinit(&out);
}

static void rubbish_behind_the_last_member_is_left(void **state)
{
	(void)state;
	struct strbuf packed = { 0 }, out = { 0 };
	struct error err = { 0 };
	assert_int_equal(gzip_compress("one", 3, &packed, &err), 0);
	strbuf_add(&packed, "\0\0\0\0rubbish", 11); /* tapes pad with zeros */
	assert_int_equal(gzip_decompress(packed.text, packed.length, 100, &out, &err), 0);
	assert_string_equal(out.text, "one");
	strbuf_deinit(&packed);
	strbuf_deinit(&out);
}

static void every_cut_is_an_error_that_names_a_byte(void **state)
{
	(void)state;
	struct strbuf in = { 0 }, packed = { 0 };
	struct error err = { 0 };
	fill(&in, 300, 1);
	assert_int_equal(gzip_compress(in.text, in.length, &packed, &err), 0);
	for (size_t n = 0; n < packed.length; n++) {
		struct strbuf out = { 0 };
		struct error e = { 0 };
		char *exact = test_malloc(n + 1);
		memcpy(exact, packed.text, n);
		assert_int_equal(gzip_decompress(exact, n, 1000, &out, &e), -EBADMSG);
		assert_non_null(strstr(e.text, "byte"));
		test_free(exact);
		strbuf_deinit(&out);
	}
	strbuf_deinit(&in);
	strbuf_deinit(&packed);
}

static void no_damaged_byte_gives_other_contents(void **state)
{
	(void)state;
	struct strbuf in = { 0 }, packed = { 0 };
	struct error err = { 0 };
	fill(&in, 300, 2);
	assert_int_equal(gzip_compress(in.text, in.length, &packed, &err), 0);
	for (size_t i = 0; i < packed.length; i++) {
		struct strbuf out = { 0 };
		packed.text[i] ^= 0x55;
		int r = gzip_decompress(packed.text, packed.length, 100000, &out, &err);
		/* The header's time, system and flags may differ without harm; never the contents.
		 */
		if (r == 0) {
			assert_true(i < 10);
			assert_int_equal(out.length, in.length);
			assert_memory_equal(out.text, in.text, in.length);
		} else {
			assert_true(r == -EBADMSG || r == -EFBIG);
		}
		packed.text[i] ^= 0x55;
		strbuf_deinit(&out);
	}
	strbuf_deinit(&in);
	strbuf_deinit(&packed);
}

static void a_bomb_stops_at_the_limit(void **state)
{
	(void)state;
	struct strbuf zeros = { 0 }, packed = { 0 }, out = { 0 };
	struct error err = { 0 };
	assert_true(strbuf_reserve(&zeros, 20 << 20));
	memset(zeros.text, 0, 20 << 20);
	assert_int_equal(gzip_compress(zeros.text, 20 << 20, &packed, &err), 0);
	assert_true(packed.length < 100000);
	assert_int_equal(gzip_decompress(packed.text, packed.length, 1 << 20, &out, &err), -EFBIG);
	assert_true(out.length <= 2 << 20);
	strbuf_clear(&out);
	assert_int_equal(gzip_decompress(packed.text, packed.length, (20 << 20) - 1, &out, &err),
			 -EFBIG);
	strbuf_clear(&out);
	assert_int_equal(gzip_decompress(packed.text, packed.length, 20 << 20, &out, &err), 0);
	assert_int_equal(out.length, 20 << 20);
	strbuf_deinit(&zeros);
	strbuf_deinit(&packed);
	strbuf_deinit(&out);
}

/* Whatever its size: what it unpacks to so far is held against what was read of it. */
static void what_unpacks_like_nothing_real_stops_early(void **state)
{
	(void)state;
	const size_t size_bytes = (size_t)UNPACK_FREE_BYTES + (32 << 20);
	struct strbuf zeros = { 0 }, packed = { 0 }, out = { 0 };
	struct error err = { 0 };
	assert_true(strbuf_reserve(&zeros, size_bytes));
	memset(zeros.text, 0, size_bytes);
	assert_int_equal(gzip_compress(zeros.text, size_bytes, &packed, &err), 0);
	assert_int_equal(gzip_decompress(packed.text, packed.length, SIZE_MAX, &out, &err), -EFBIG);
	assert_non_null(strstr(err.text, " up to byte "));
	assert_true(out.length < size_bytes);
	strbuf_clear(&out);
	assert_int_equal(gzip_decompress(packed.text, packed.length / 2, SIZE_MAX, &out, &err),
			 -EBADMSG); /* cut off below the limit */
	strbuf_deinit(&zeros);
	strbuf_deinit(&packed);
	strbuf_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips_of_many_sizes),
		cmocka_unit_test(the_header_says_nothing_of_the_machine),
		cmocka_unit_test(members_are_joined),
		cmocka_unit_test(rubbish_behind_the_last_member_is_left),
		cmocka_unit_test(every_cut_is_an_error_that_names_a_byte),
		cmocka_unit_test(no_damaged_byte_gives_other_contents),
		cmocka_unit_test(a_bomb_stops_at_the_limit),
		cmocka_unit_test(what_unpacks_like_nothing_real_stops_early),
	};
	return cmocka_run_group_tests_name("base/gzip", tests, NULL, NULL);
}
