// SPDX-License-Identifier: MIT
/* Before cmocka.h, which has a macro fail(). */
#include "runtime/jit_code.h"
#include "runtime/jitdump.h"
#include "runtime/perf_map.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/strbuf.h"

static const char *name_at(struct jit_codes *c, uint64_t pc, uint64_t time_ns)
{
	const struct jit_code *code = jit_codes_at(c, pc, time_ns);
	return code ? strings_text(&c->strings, code->name) : "";
}

static size_t read_map(struct jit_codes *c, const char *text, uint64_t since_ns)
{
	struct cursor bytes = cursor_of(text, strlen(text));
	assert_int_equal(perf_map_read(&bytes, since_ns, c), 0);
	return cursor_offset(&bytes);
}

static void test_map_lines(void **state)
{
	(void)state;
	struct jit_codes c;
	const char *text = "1000 10 first one\n"
			   "0x2000 0X20 second\r\n"
			   "3000  8 third\n"
			   "no line\n\n10\n10 \n10 20\n10 20 \n"
			   "4000 0 empty\n"
			   "fffffffffffffff0 20 around the end\n"
			   "11112222333344445 1 too wide\n"
			   "5000 8 cut of";
	assert_int_equal(jit_codes_init(&c), 0);
	assert_int_equal(read_map(&c, text, 0), strlen(text) - strlen("5000 8 cut of"));
	assert_int_equal(c.rows.count, 1 + 3);
	assert_string_equal(name_at(&c, 0x0fff, 0), "");
	assert_string_equal(name_at(&c, 0x1000, 0), "first one");
	assert_string_equal(name_at(&c, 0x100f, 0), "first one");
	assert_string_equal(name_at(&c, 0x1010, 0), "");
	assert_string_equal(name_at(&c, 0x201f, 0), "second");
	assert_string_equal(name_at(&c, 0x3007, 0), "third");
	jit_codes_deinit(&c);
}

static void test_time(void **state)
{
	(void)state;
	struct jit_codes c;
	assert_int_equal(jit_codes_init(&c), 0);
	read_map(&c, "1000 100 a\n2000 10 other\n", 0);
	read_map(&c, "1080 100 b\n", 50);
	read_map(&c, "1000 100 c\n", 90);
	assert_string_equal(name_at(&c, 0x1090, 49), "a");
	assert_string_equal(name_at(&c, 0x1090, 50), "b");
	assert_string_equal(name_at(&c, 0x1090, 90), "c");
	assert_string_equal(name_at(&c, 0x1070, 60), "a");
	assert_string_equal(name_at(&c, 0x1170, 0), "b"); /* the first that came there */
	assert_int_equal(jit_codes_next(&c, 0x1090, 0), 50);
	assert_int_equal(jit_codes_next(&c, 0x1090, 50), 90);
	assert_true(jit_codes_next(&c, 0x1090, 90) == UINT64_MAX);
	assert_true(jit_codes_next(&c, 0x2000, 0) == UINT64_MAX);
	jit_codes_deinit(&c);
}

/* Of lines of one moment the later one is right, wherever it begins. */
static void test_later_lines_win(void **state)
{
	(void)state;
	struct jit_codes c;
	assert_int_equal(jit_codes_init(&c), 0);
	read_map(&c, "1100 80 old\n1000 200 new\n1180 10 inner\n", 0);
	assert_string_equal(name_at(&c, 0x1110, 0), "new");
	assert_string_equal(name_at(&c, 0x1188, 0), "inner");
	jit_codes_deinit(&c);
}

/* A file that is written anew a thousand times takes no more memory than once. */
static void test_rewritten(void **state)
{
	(void)state;
	struct jit_codes c;
	assert_int_equal(jit_codes_init(&c), 0);
	for (uint64_t i = 0; i < 1000; i++) {
		read_map(&c, "1000 10 a\n2000 10 b\n", i);
		assert_string_equal(name_at(&c, 0x2000, i), "b");
	}
	assert_int_equal(c.rows.count, 1 + 2);
	assert_true(jit_codes_next(&c, 0x1000, 0) == UINT64_MAX);
	jit_codes_deinit(&c);
}

static void put32(struct strbuf *b, uint32_t v)
{
	strbuf_add(b, &v, sizeof(v));
}

static void put64(struct strbuf *b, uint64_t v)
{
	strbuf_add(b, &v, sizeof(v));
}

static void put_header(struct strbuf *b, uint32_t machine, uint64_t flags)
{
	uint32_t words[] = { 0x4a695444, 1, 40, machine, 0, 7, 0, 0 };
	strbuf_add(b, words, sizeof(words));
	put64(b, flags);
}

static void put_prefix(struct strbuf *b, uint32_t type, size_t body_bytes, uint64_t time_ns)
{
	put32(b, type);
	put32(b, (uint32_t)(16 + body_bytes));
	put64(b, time_ns);
}

static void put_load(struct strbuf *b, uint64_t address, const char *name, uint64_t index,
		     uint64_t time_ns)
{
	put_prefix(b, 0, 40 + strlen(name) + 1 + 16, time_ns);
	put64(b, 0); /* pid, tid */
	put64(b, address);
	put64(b, address);
	put64(b, 16);
	put64(b, index);
	strbuf_add(b, name, strlen(name) + 1);
	strbuf_add(b, "0123456789abcdef", 16);
}

static void put_move(struct strbuf *b, uint64_t to, uint64_t index, uint64_t time_ns)
{
	put_prefix(b, 1, 48, time_ns);
	put64(b, 0);
	put64(b, to);
	put64(b, 1);
	put64(b, to);
	put64(b, 16);
	put64(b, index);
}

static void put_lines(struct strbuf *b, uint64_t address, uint64_t first, const char *file)
{
	put_prefix(b, 2, 16 + 16 + strlen(file) + 1 + 16 + 2, 0);
	put64(b, address);
	put64(b, 2);
	put64(b, first);
	put32(b, 10);
	put32(b, 0);
	strbuf_add(b, file, strlen(file) + 1);
	put64(b, first + 8);
	put32(b, 12);
	put32(b, 0);
	strbuf_add(b, "\377", 2);
}

static int read_dump(struct jitdump *d, const struct strbuf *b, size_t end, uint64_t *offset,
		     struct jit_codes *out)
{
	struct error err = { 0 };
	return jitdump_read(d, cursor_of(b->text + *offset, end - (size_t)*offset), offset, out,
			    &err);
}

static uint32_t line_at(struct jit_codes *c, uint64_t pc, uint64_t time_ns)
{
	const struct jit_code *code = jit_codes_at(c, pc, time_ns);
	const struct jit_line *line = code ? jit_codes_line(c, code, pc) : NULL;
	return line ? line->line : 0;
}

/* However a dump grows, it says the same in the end. */
static void test_dump_in_pieces(void **state)
{
	(void)state;
	struct strbuf b = { 0 };
	put_header(&b, 62, 0);
	put_load(&b, 0x1000, "early", 1, 100);
	put_lines(&b, 0x1000, 0x1000, "/x.c");
	put_load(&b, 0x1000, "late", 2, 200);
	put_prefix(&b, 4, 24, 0); /* unwinding information: passed over */
	strbuf_add(&b, "012345678901234567890123", 24);
	put_move(&b, 0x3000, 2, 300);
	put_load(&b, 0x2000, "after", 3, 400);
	for (size_t step = 1; step <= b.length; step++) {
		struct jitdump d = { 0 };
		struct jit_codes c;
		uint64_t offset = 0;
		assert_int_equal(jit_codes_init(&c), 0);
		for (size_t end = step; end < b.length; end += step)
			if (offset <= end)
				assert_int_equal(read_dump(&d, &b, end, &offset, &c), 0);
		assert_int_equal(read_dump(&d, &b, b.length, &offset, &c), 0);
		assert_int_equal(offset, b.length);
		assert_int_equal(c.rows.count, 1 + 4);
		assert_string_equal(name_at(&c, 0x1008, 199), "early");
		assert_string_equal(name_at(&c, 0x1008, 200), "late");
		assert_string_equal(name_at(&c, 0x300f, 300), "late");
		assert_string_equal(name_at(&c, 0x2000, 400), "after");
		assert_int_equal(line_at(&c, 0x1007, 100), 0);
		assert_int_equal(line_at(&c, 0x1007, 200), 10);
		assert_int_equal(line_at(&c, 0x1008, 200), 12);
		assert_int_equal(line_at(&c, 0x3008, 300), 12); /* lines move with the code */
		jit_codes_deinit(&c);
		jitdump_deinit(&d);
	}
	strbuf_deinit(&b);
}

struct dump_case {
	const char *file;
	uint64_t first;
	uint32_t line; /* at 0x1000 */
};

static void test_lines(void **state)
{
	(void)state;
	const struct dump_case cases[] = {
		{ "/x.c", 0x1000, 10 },
		{ "/x.c", 0x1040, 10 },        /* V8's: an ELF header too high */
		{ "/x.c", 0x1004, 0 },         /* begins later */
		{ "/\xc3\xa9.c", 0x1000, 10 }, /* UTF-8 */
		{ "\xfb\x66", 0x1000, 0 },     /* no name */
		{ "/x.c", 0x900, 0 },          /* not of this function */
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct jitdump d = { 0 };
		struct jit_codes c;
		struct strbuf b = { 0 };
		uint64_t offset = 0;
		put_header(&b, 62, 0);
		put_lines(&b, 0x1000, cases[i].first, cases[i].file);
		put_load(&b, 0x1000, "f", 1, 100);
		assert_int_equal(jit_codes_init(&c), 0);
		assert_int_equal(read_dump(&d, &b, b.length, &offset, &c), 0);
		assert_int_equal(line_at(&c, 0x1000, 100), cases[i].line);
		jit_codes_deinit(&c);
		jitdump_deinit(&d);
		strbuf_deinit(&b);
	}
}

/* Times by the CPU's own clock say nothing: what was announced last is right. */
static void test_other_clock(void **state)
{
	(void)state;
	struct jitdump d = { 0 };
	struct jit_codes c;
	struct strbuf b = { 0 };
	uint64_t offset = 0;
	put_header(&b, 62, 1);
	put_load(&b, 0x1000, "early", 1, 900);
	put_load(&b, 0x1000, "late", 2, 800);
	assert_int_equal(jit_codes_init(&c), 0);
	assert_int_equal(read_dump(&d, &b, b.length, &offset, &c), 0);
	assert_string_equal(name_at(&c, 0x1000, 0), "late");
	jit_codes_deinit(&c);
	jitdump_deinit(&d);
	strbuf_deinit(&b);
}

static void check_refused(const struct strbuf *b)
{
	struct jitdump d = { 0 };
	struct jit_codes c;
	uint64_t offset = 0;
	assert_int_equal(jit_codes_init(&c), 0);
	assert_int_equal(read_dump(&d, b, b->length, &offset, &c), -EBADMSG);
	assert_int_equal(read_dump(&d, b, b->length, &offset, &c), -EBADMSG);
	jit_codes_deinit(&c);
	jitdump_deinit(&d);
}

static void test_refused(void **state)
{
	(void)state;
	struct strbuf b = { 0 };
	put_header(&b, 183, 0); /* AArch64 */
	check_refused(&b);
	strbuf_clear(&b);
	strbuf_puts(&b, "this is not a jitdump, but it is as long as its header is");
	check_refused(&b);
	strbuf_clear(&b);
	put_header(&b, 62, 0);
	put32(&b, 0);
	put32(&b, 15); /* shorter than its own prefix */
	put64(&b, 0);
	check_refused(&b);
	strbuf_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map_lines),       cmocka_unit_test(test_time),
		cmocka_unit_test(test_later_lines_win), cmocka_unit_test(test_rewritten),
		cmocka_unit_test(test_dump_in_pieces),  cmocka_unit_test(test_lines),
		cmocka_unit_test(test_other_clock),     cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests_name("runtime/jit", tests, NULL, NULL);
}
