// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "../support/elf_builder.h"
#include "symbol/symbol.h"

#include <cmocka.h>

/*
 * A stripped Go program, as Go's src/runtime/symtab.go lays its table out: three functions at 0,
 * 0x40 and 0x100 of the text, which is all of `.text` or begins 0x200 bytes into it.
 */
enum { TEXT = 0x1000, TEXT_SIZE = 0x1000, C_CODE = 0x200, TABLE = 0x4000, FUNCTIONS = 3 };

static const char code[TEXT_SIZE];
static const char names[] = "main.main\0main.(*T).work[...]\0_rt0_amd64_linux";
static const uint32_t starts[FUNCTIONS + 1] = { 0, 0x40, 0x100, 0x180 };
static const uint32_t name_offs[FUNCTIONS] = { 0, 10, 30 };

struct program {
	struct elf_builder builder;
	struct strbuf table, module, file;
	bool is_hidden; /* the table lies somewhere in .data.rel.ro */
	struct object *object;
	struct symbol_resolver *resolver;
};

static void put_u32(struct strbuf *out, uint32_t v)
{
	strbuf_add(out, &v, sizeof(v));
}

static void put_u64(struct strbuf *out, uint64_t v)
{
	strbuf_add(out, &v, sizeof(v));
}

static void put_table(struct program *p, uint32_t magic, uint64_t text_start)
{
	enum { HEADER = 8 + 8 * 8, ROWS = 8 * FUNCTIONS + 4 };
	struct strbuf *t = &p->table;
	put_u32(t, magic);
	strbuf_add(t, "\0\0\1\10", 4);
	put_u64(t, FUNCTIONS);
	put_u64(t, 1);
	put_u64(t, text_start);
	put_u64(t, HEADER);
	for (int i = 0; i < 3; i++)
		put_u64(t, HEADER);
	put_u64(t, HEADER + sizeof(names));
	strbuf_add(t, names, sizeof(names));
	for (uint32_t i = 0; i < FUNCTIONS; i++) {
		put_u32(t, starts[i]);
		put_u32(t, ROWS + 8 * i);
	}
	put_u32(t, starts[FUNCTIONS]);
	for (uint32_t i = 0; i < FUNCTIONS; i++) {
		put_u32(t, starts[i]);
		put_u32(t, name_offs[i]);
	}
}

static void put_module(struct program *p, uint64_t text)
{
	put_u64(&p->module, TABLE);
	for (int i = 0; i < 21; i++)
		put_u64(&p->module, 0);
	put_u64(&p->module, text);
}

static void open_program(struct program *p, uint64_t entry)
{
	struct error err = { 0 };
	const struct symbol_config config = { .debug_dir = "/nonexistent" };
	elf_builder_init(&p->builder, ET_EXEC);
	p->builder.header.e_entry = entry;
	int text = elf_builder_section(&p->builder, ".text", SHT_PROGBITS,
				       SHF_ALLOC | SHF_EXECINSTR, TEXT, code, TEXT_SIZE);
	if (p->is_hidden)
		elf_builder_section(&p->builder, ".go.buildinfo", SHT_PROGBITS, SHF_ALLOC, 0x9000,
				    code, 16);
	elf_builder_section(&p->builder, p->is_hidden ? ".data.rel.ro" : ".gopclntab", SHT_PROGBITS,
			    SHF_ALLOC, TABLE, p->table.text, p->table.length);
	if (p->module.length)
		elf_builder_section(&p->builder, ".go.module", SHT_PROGBITS, SHF_ALLOC, 0x8000,
				    p->module.text, p->module.length);
	elf_builder_segment(&p->builder, PT_LOAD, PF_R | PF_X, text);
	elf_build(&p->builder, &p->file);
	assert_int_equal(object_open_image(p->file.text, p->file.length, "/x/go", &p->object, &err),
			 0);
	assert_int_equal(symbol_resolver_create(&config, &p->resolver, &err), 0);
}

static void close_program(struct program *p)
{
	symbol_resolver_destroy(p->resolver);
	object_unref(p->object);
	strbuf_deinit(&p->table);
	strbuf_deinit(&p->module);
	strbuf_deinit(&p->file);
}

static const char *name_at(struct program *p, uint64_t vaddr)
{
	struct symbol_result result;
	symbol_resolve(p->resolver, p->object, vaddr, &result);
	return result.line_count ? result.lines[0].function : "";
}

static void assert_names(struct program *p, uint64_t text)
{
	assert_string_equal(name_at(p, text), "main.main");
	assert_string_equal(name_at(p, text + 0x3f), "main.main");
	assert_string_equal(name_at(p, text + 0x40), "main.(*T).work[...]");
	assert_string_equal(name_at(p, text + 0xff), "main.(*T).work[...]");
	assert_string_equal(name_at(p, text + 0x100), "_rt0_amd64_linux");
	assert_string_equal(name_at(p, text + 0x180), "");
}

static void the_header_says_where_text_begins(void **state)
{
	(void)state;
	struct program p = { 0 };
	put_table(&p, 0xfffffff0, TEXT + C_CODE);
	open_program(&p, TEXT);
	assert_string_equal(name_at(&p, TEXT), "");
	assert_names(&p, TEXT + C_CODE);
	close_program(&p);
}

static void text_begins_where_the_entry_point_fits(void **state)
{
	(void)state;
	struct program p = { 0 };
	put_table(&p, 0xfffffff1, 0);
	open_program(&p, TEXT + 0x100);
	assert_names(&p, TEXT);
	close_program(&p);
}

static void the_module_says_where_text_begins(void **state)
{
	(void)state;
	struct program p = { 0 };
	put_table(&p, 0xfffffff1, 0);
	put_module(&p, TEXT + C_CODE);
	open_program(&p, TEXT);
	assert_names(&p, TEXT + C_CODE);
	close_program(&p);
}

/* As in a position-independent program with C in it, stripped. */
static void the_table_has_no_section_of_its_own(void **state)
{
	(void)state;
	for (uint32_t before = 0; before <= 0x48; before += 8) {
		struct program p = { .is_hidden = true };
		static const uint8_t likeness[] = { 0xf1, 0xff, 0xff, 0xff, 0, 0, 0, 0 };
		for (uint32_t i = 0; i < before; i += sizeof(likeness))
			strbuf_add(&p.table, likeness, sizeof(likeness));
		put_table(&p, 0xfffffff1, TEXT + C_CODE);
		open_program(&p, TEXT);
		if (before % 32 == 0)
			assert_names(&p, TEXT + C_CODE);
		else
			assert_string_equal(name_at(&p, TEXT + C_CODE), "");
		close_program(&p);
	}
}

static void no_name_is_better_than_a_wrong_one(void **state)
{
	(void)state;
	static const struct {
		uint32_t magic;
		uint64_t entry;
	} unknown[] = { { 0xfffffff1, TEXT },
			{ 0xfffffff1, TEXT + 0x101 },
			{ 0xfffffffa, TEXT + 0x100 } };
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		struct program p = { 0 };
		put_table(&p, unknown[i].magic, 0);
		open_program(&p, unknown[i].entry);
		assert_string_equal(name_at(&p, TEXT), "");
		close_program(&p);
	}
}

static void tables_that_are_cut_off_do_no_harm(void **state)
{
	(void)state;
	struct program whole = { 0 };
	put_table(&whole, 0xfffffff1, TEXT + C_CODE);
	for (size_t length = 0; length < 2 * whole.table.length; length++) {
		struct program p = { .is_hidden = length & 1 };
		strbuf_add(&p.table, whole.table.text, length / 2);
		open_program(&p, TEXT);
		name_at(&p, TEXT + C_CODE);
		close_program(&p);
	}
	strbuf_deinit(&whole.table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_header_says_where_text_begins),
		cmocka_unit_test(text_begins_where_the_entry_point_fits),
		cmocka_unit_test(the_module_says_where_text_begins),
		cmocka_unit_test(the_table_has_no_section_of_its_own),
		cmocka_unit_test(no_name_is_better_than_a_wrong_one),
		cmocka_unit_test(tables_that_are_cut_off_do_no_harm),
	};
	return cmocka_run_group_tests_name("symbol/gopclntab", tests, NULL, NULL);
}
