// SPDX-License-Identifier: MIT
/* The walker of the BPF programs, compiled for user space: over rows that the store has laid out. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "object/object.h"
#include "sampler/bpf_store.h"
#include "unwind/table.h"
#include "unwind/unwind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { BLOCKS = 2, MAPPINGS = 4, STACK_WORDS = 4096 };

static struct {
	struct bpf_store store;
	struct layout_mapping mappings[MAPPINGS];
	uint64_t stack[STACK_WORDS]; /* lies at STACK in the made-up process */
	unsigned user_reads;
} fake;

#define STACK UINT64_C(0x7ffc00000000)

static struct layout_chunk *map_chunk(uint32_t index)
{
	uint32_t block = index / LAYOUT_BLOCK_CHUNKS, chunk = index % LAYOUT_BLOCK_CHUNKS;
	if (block >= fake.store.block_count)
		return NULL;
	return (struct layout_chunk *)(void *)fake.store.blocks[block] + chunk;
}

static struct layout_mapping *map_mapping(uint32_t index)
{
	return index < MAPPINGS ? &fake.mappings[index] : NULL;
}

static struct layout_table *map_table(uint32_t index)
{
	return index < LAYOUT_TABLES_MAX ? &fake.store.tables[index] : NULL;
}

static struct unwind_rule *map_rule(uint32_t index)
{
	return &fake.store.rules[index].rule;
}

static long read_user(void *out, uint32_t size_bytes, uint64_t address)
{
	uint64_t at = address - STACK;
	fake.user_reads++;
	if (at >= sizeof(fake.stack) || size_bytes > sizeof(fake.stack) - at)
		return -EFAULT;
	memcpy(out, (const char *)fake.stack + at, size_bytes);
	return 0;
}

#include "bpf/walk.h"

static struct walk walk;

static int begin(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	memset(&walk, 0, sizeof(walk));
	fake.store.next_table = 1;
	fake.store.rules = calloc(LAYOUT_RULES_MAX, sizeof(*fake.store.rules));
	fake.store.tables = calloc(LAYOUT_TABLES_MAX, sizeof(*fake.store.tables));
	fake.store.block_count = BLOCKS;
	for (unsigned i = 0; i < BLOCKS; i++)
		fake.store.blocks[i] = calloc(1u << LAYOUT_BLOCK_SHIFT, sizeof(uint32_t));
	return 0;
}

static int end(void **state)
{
	(void)state;
	free(fake.store.rules);
	free(fake.store.tables);
	for (unsigned i = 0; i < BLOCKS; i++)
		free(fake.store.blocks[i]);
	index_deinit(&fake.store.rule_index);
	return 0;
}

static uint32_t publish(const struct unwind_rows *rows)
{
	uint32_t number = 0;
	struct error err = { 0 };
	assert_int_equal(bpf_store_add(&fake.store, rows, &number, &err), 0);
	return number;
}

static void map(uint32_t index, uint64_t start, uint64_t end_pc, uint64_t bias, uint32_t table)
{
	fake.mappings[index] = (struct layout_mapping){ start, end_pc, bias, table, 0 };
	walk.space.mapping_count = index + 1;
}

/* Every address of a real program has the rule that its own table gives. */
static void the_rows_are_those_of_the_table(void **state)
{
	(void)state;
	struct object *object;
	struct unwind_table *table;
	struct unwind_rows rows;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_int_equal(object_open_fd(fd, "self", &object, NULL), 0);
	assert_int_equal(unwind_table_create(object, &table, NULL), 0);
	assert_true(unwind_table_rows(table, &rows));
	uint32_t number = publish(&rows);
	map(0, 0x1000, 0x2000, 0, 0);
	map(1, rows.base_vaddr + 0x100000, rows.base_vaddr + 0x100000 + rows.span_bytes, 0x100000,
	    number);
	unsigned different = 0, ruled = 0;
	for (uint64_t at = 0; at < rows.span_bytes; at++) {
		struct unwind_rule expected = table_rule(table, rows.base_vaddr + at);
		struct unwind_rule *rule = walk_find_rule(&walk, rows.base_vaddr + 0x100000 + at);
		ruled += expected.cfa_kind != CFA_UNKNOWN;
		if (!rule || memcmp(rule, &expected, sizeof(expected)) != 0)
			different += rule || expected.cfa_kind != CFA_UNKNOWN;
	}
	assert_int_equal(different, 0);
	assert_true(ruled > rows.span_bytes / 2);
	unwind_table_destroy(table);
	object_unref(object);
}

static const struct unwind_rule rules[] = {
	{ .cfa_kind = CFA_RSP, .cfa_off = 16 },
	{ .cfa_kind = CFA_ROOT },
	{ .cfa_kind = CFA_SLOW },
	{ .cfa_kind = CFA_UNKNOWN },
};
enum { PLAIN, ROOT, SLOW, UNKNOWN };

/* One page of code at 0x400000: 256 bytes under each of the rules. */
static void map_code(void)
{
	static const struct unwind_row row[] = {
		{ 0, PLAIN }, { 256, ROOT }, { 512, SLOW }, { 768, UNKNOWN }
	};
	static const uint32_t pages[] = { 0, 4 };
	struct unwind_rows rows = { 0x400000, UNWIND_PAGE_BYTES, 4, 1, 4, row, pages, rules };
	map(0, 0x400000, 0x400400, 0, publish(&rows));
}

static void start_at(uint64_t pc)
{
	walk.at = (struct unwind_registers){ pc, STACK, 0x5555 };
	walk.is_caller = 0;
}

static void walks_to_the_root(void **state)
{
	(void)state;
	map_code();
	fake.stack[1] = 0x400020; /* the return address of the first frame */
	fake.stack[3] = 0x400140; /* of the second: in the root's code */
	start_at(0x400010);
	while (walk_frame(&walk))
		;
	assert_true(walk.whole);
	assert_int_equal(walk.sample.user_count, 3);
	assert_int_equal(walk.words[0], 0x400010);
	assert_int_equal(walk.words[1], 0x40001f);
	assert_int_equal(walk.words[2], 0x40013f);
	assert_int_equal(fake.user_reads, 1); /* one window held it all */
}

static void stops_where_rows_do_not_lead_on(void **state)
{
	(void)state;
	map_code();
	fake.stack[1] = 0x400310;
	start_at(0x400010);
	while (walk_frame(&walk))
		;
	assert_false(walk.whole);
	assert_false(walk.from_start);
	assert_int_equal(walk.sample.user_count, 1);
	assert_int_equal(walk.at.pc, 0x400310); /* where user space goes on */
	assert_int_equal(walk.at.rsp, STACK + 16);
	assert_true(walk.is_caller);
}

static void a_rule_for_the_interpreter_wants_all_registers(void **state)
{
	(void)state;
	map_code();
	fake.stack[1] = 0x400210;
	start_at(0x400010);
	while (walk_frame(&walk))
		;
	assert_false(walk.whole);
	assert_true(walk.from_start);
}

static void unreadable_memory_ends_the_walk(void **state)
{
	(void)state;
	map_code();
	start_at(0x400010);
	walk.at.rsp = STACK + sizeof(fake.stack);
	assert_false(walk_frame(&walk));
	assert_false(walk.whole);
	assert_int_equal(walk.sample.user_count, 0);
}

static void no_more_frames_than_there_is_room(void **state)
{
	(void)state;
	map_code();
	for (unsigned i = 1; i < STACK_WORDS; i += 2)
		fake.stack[i] = 0x400020;
	start_at(0x400010);
	walk.sample.user_count = WIRE_USER_FRAMES_MAX - 2;
	unsigned frames = 0;
	while (walk_frame(&walk))
		frames++;
	assert_int_equal(frames, 2);
	assert_int_equal(walk.sample.user_count, WIRE_USER_FRAMES_MAX);
	assert_false(walk.whole);
}

/* Pages whose rows would cross a chunk begin in the next one, and are found there. */
static void many_pages_find_their_rows(void **state)
{
	(void)state;
	enum { PAGES = 300, ROWS_A_PAGE = 100 };
	static struct unwind_row row[PAGES * ROWS_A_PAGE];
	static uint32_t pages[PAGES + 1];
	for (uint32_t p = 0; p < PAGES; p++) {
		pages[p] = p * ROWS_A_PAGE;
		for (uint32_t i = 0; i < ROWS_A_PAGE; i++)
			row[p * ROWS_A_PAGE + i] = (struct unwind_row){ (uint16_t)(5 + i * 10),
									(uint16_t)((p + i) % 2) };
	}
	pages[PAGES] = PAGES * ROWS_A_PAGE;
	struct unwind_rows rows = {
		0x10000, PAGES * UNWIND_PAGE_BYTES, PAGES * ROWS_A_PAGE, PAGES, 2, row, pages, rules
	};
	map(0, 0x10000, 0x10000 + rows.span_bytes, 0, publish(&rows));
	for (uint32_t p = 1; p < PAGES; p++) {
		uint64_t page = 0x10000 + p * UNWIND_PAGE_BYTES;
		/* Before its first row a page belongs to the row before, of the page before. */
		unsigned before = (p - 1 + ROWS_A_PAGE - 1) % 2;
		assert_int_equal(walk_find_rule(&walk, page)->cfa_kind, rules[before].cfa_kind);
		assert_int_equal(walk_find_rule(&walk, page + 5)->cfa_kind, rules[p % 2].cfa_kind);
		assert_int_equal(walk_find_rule(&walk, page + 1001)->cfa_kind,
				 rules[(p + 99) % 2].cfa_kind);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_rows_are_those_of_the_table),
		TEST(walks_to_the_root),
		TEST(stops_where_rows_do_not_lead_on),
		TEST(a_rule_for_the_interpreter_wants_all_registers),
		TEST(unreadable_memory_ends_the_walk),
		TEST(no_more_frames_than_there_is_room),
		TEST(many_pages_find_their_rows),
	};
	return cmocka_run_group_tests_name("bpf/walk", tests, NULL, NULL);
}
