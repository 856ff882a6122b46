// SPDX-License-Identifier: MIT
#include <dwarf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include "../support/elf_builder.h"
#include "symbol/symbol.h"

#include <cmocka.h>

/*
 * A program written by hand in DWARF 4 and 5:
 *
 *	0x1000-0x1100 outer()            a.cc:10
 *	  0x1020-0x1060 mid(), inlined     at a.cc:12
 *	    0x1030-0x1040 and
 *	    0x1050-0x1058 leaf, inlined    at b.h:22
 *	0x2000-0x2010 last, in a namespace, without linkage name
 */
struct program {
	struct strbuf abbrev, info, line, ranges, file;
	size_t outer, leaf, mid,
		sibling; /* offsets in .debug_info; of the value of a DW_AT_sibling */
	int version;
	int alias_binding; /* of `aaa_alias`, beside a global `last`; -1: no symbols for it */
	int last_binding;
};

static void u8(struct strbuf *b, unsigned v)
{
	strbuf_putc(b, (char)v);
}

static void u16(struct strbuf *b, unsigned v)
{
	strbuf_add(b, &(uint16_t){ (uint16_t)v }, 2);
}

static void u32(struct strbuf *b, size_t v)
{
	strbuf_add(b, &(uint32_t){ (uint32_t)v }, 4);
}

static void u64(struct strbuf *b, uint64_t v)
{
	strbuf_add(b, &v, 8);
}

static void text(struct strbuf *b, const char *s)
{
	strbuf_add(b, s, strlen(s) + 1);
}

static void patch_length(struct strbuf *b, size_t at)
{
	uint32_t length = (uint32_t)(b->length - at - 4);
	memcpy(b->text + at, &length, sizeof(length));
}

enum { UNIT = 1, ABSTRACT, CONCRETE, INLINED, INLINED_RANGES, NAMESPACE };

static void abbreviation(struct strbuf *b, unsigned code, unsigned tag, const unsigned *pairs)
{
	u8(b, code);
	u8(b, tag);
	u8(b, DW_CHILDREN_yes);
	for (; pairs[0]; pairs += 2) {
		u8(b, pairs[0]);
		u8(b, pairs[1]);
	}
	u16(b, 0);
}

static void write_abbrev(struct program *p)
{
	static const unsigned unit[] = { DW_AT_name,
					 DW_FORM_string,
					 DW_AT_comp_dir,
					 DW_FORM_string,
					 DW_AT_language,
					 DW_FORM_data1,
					 DW_AT_low_pc,
					 DW_FORM_addr,
					 DW_AT_ranges,
					 DW_FORM_sec_offset,
					 DW_AT_stmt_list,
					 DW_FORM_sec_offset,
					 0 };
	static const unsigned abstract[] = { DW_AT_name,     DW_FORM_string,  DW_AT_linkage_name,
					     DW_FORM_string, DW_AT_decl_line, DW_FORM_data1,
					     DW_AT_inline,   DW_FORM_data1,   0 };
	static const unsigned concrete[] = { DW_AT_name,
					     DW_FORM_string,
					     DW_AT_decl_line,
					     DW_FORM_data1,
					     DW_AT_low_pc,
					     DW_FORM_addr,
					     DW_AT_high_pc,
					     DW_FORM_data8,
					     DW_AT_sibling,
					     DW_FORM_ref4,
					     0 };
	static const unsigned inlined[] = { DW_AT_abstract_origin,
					    DW_FORM_ref4,
					    DW_AT_low_pc,
					    DW_FORM_addr,
					    DW_AT_high_pc,
					    DW_FORM_data8,
					    DW_AT_call_file,
					    DW_FORM_data1,
					    DW_AT_call_line,
					    DW_FORM_data1,
					    0 };
	static const unsigned ranges[] = { DW_AT_abstract_origin, DW_FORM_ref4,    DW_AT_ranges,
					   DW_FORM_sec_offset,    DW_AT_call_file, DW_FORM_data1,
					   DW_AT_call_line,       DW_FORM_data1,   0 };
	static const unsigned space[] = { DW_AT_name, DW_FORM_string, 0 };
	abbreviation(&p->abbrev, UNIT, DW_TAG_compile_unit, unit);
	abbreviation(&p->abbrev, ABSTRACT, DW_TAG_subprogram, abstract);
	abbreviation(&p->abbrev, CONCRETE, DW_TAG_subprogram, concrete);
	abbreviation(&p->abbrev, INLINED, DW_TAG_inlined_subroutine, inlined);
	abbreviation(&p->abbrev, INLINED_RANGES, DW_TAG_inlined_subroutine, ranges);
	abbreviation(&p->abbrev, NAMESPACE, DW_TAG_namespace, space);
	u8(&p->abbrev, 0);
}

static void range_list(struct program *p, const uint64_t *pairs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (p->version == 5)
			u8(&p->ranges, DW_RLE_start_end);
		u64(&p->ranges, pairs[2 * i]);
		u64(&p->ranges, pairs[2 * i + 1]);
	}
	if (p->version == 5) {
		u8(&p->ranges, DW_RLE_end_of_list);
	} else {
		u64(&p->ranges, 0);
		u64(&p->ranges, 0);
	}
}

static void concrete(struct program *p, const char *name, unsigned line, uint64_t low,
		     uint64_t size)
{
	u8(&p->info, CONCRETE);
	text(&p->info, name);
	u8(&p->info, line);
	u64(&p->info, low);
	u64(&p->info, size);
}

static void abstract(struct program *p, const char *name, const char *linkage, unsigned line,
		     size_t *offset)
{
	*offset = p->info.length;
	u8(&p->info, ABSTRACT);
	text(&p->info, name);
	text(&p->info, linkage);
	u8(&p->info, line);
	u8(&p->info, DW_INL_inlined);
	u8(&p->info, 0); /* no children */
}

static void write_info(struct program *p)
{
	static const uint64_t unit_ranges[] = { 0x1000, 0x1100, 0x2000, 0x2010 };
	static const uint64_t leaf_ranges[] = { 0x1030, 0x1040, 0x1050, 0x1058 };
	if (p->version == 5) {
		u32(&p->ranges, 0);
		u16(&p->ranges, 5);
		u8(&p->ranges, 8);
		u8(&p->ranges, 0);
		u32(&p->ranges, 0);
	}
	size_t unit_list = p->ranges.length;
	range_list(p, unit_ranges, 2);
	size_t leaf_list = p->ranges.length;
	range_list(p, leaf_ranges, 2);
	if (p->version == 5)
		patch_length(&p->ranges, 0);

	u32(&p->info, 0);
	u16(&p->info, (unsigned)p->version);
	if (p->version == 5) {
		u8(&p->info, DW_UT_compile);
		u8(&p->info, 8);
	}
	u32(&p->info, 0); /* .debug_abbrev */
	if (p->version == 4)
		u8(&p->info, 8);
	u8(&p->info, UNIT);
	text(&p->info, "a.cc");
	text(&p->info, "/src");
	u8(&p->info, DW_LANG_C_plus_plus);
	u64(&p->info, 0);
	u32(&p->info, unit_list);
	u32(&p->info, 0); /* .debug_line */

	abstract(p, "leaf", "_ZL4leafv", 30, &p->leaf);
	abstract(p, "mid", "_ZN1x3midEi", 20, &p->mid);
	p->outer = p->info.length;
	concrete(p, "outer", 10, 0x1000, 0x100);
	p->sibling = p->info.length;
	u32(&p->info, 0);
	u8(&p->info, INLINED);
	u32(&p->info, p->mid);
	u64(&p->info, 0x1020);
	u64(&p->info, 0x40);
	u8(&p->info, 1);
	u8(&p->info, 12);
	u8(&p->info, INLINED_RANGES);
	u32(&p->info, p->leaf);
	u32(&p->info, leaf_list);
	u8(&p->info, 2);
	u8(&p->info, 22);
	u8(&p->info, 0); /* of leaf */
	u8(&p->info, 0); /* of mid */
	u8(&p->info, 0); /* of outer */
	uint32_t next = (uint32_t)p->info.length;
	memcpy(p->info.text + p->sibling, &next, sizeof(next));
	u8(&p->info, NAMESPACE);
	text(&p->info, "space");
	concrete(p, "last", 50, 0x2000, 0x10);
	u32(&p->info, p->info.length + 5);
	u8(&p->info, 0); /* of last */
	u8(&p->info, 0); /* of space */
	u8(&p->info, 0); /* of the unit */
	patch_length(&p->info, 0);
}

static void write_files(struct program *p)
{
	if (p->version == 4) {
		text(&p->line, "include"); /* directory 1, relative to /src */
		u8(&p->line, 0);
		text(&p->line, "a.cc");
		strbuf_add(&p->line, "\0\0\0", 3);
		text(&p->line, "b.h");
		strbuf_add(&p->line, "\1\0\0", 3);
		u8(&p->line, 0);
		return;
	}
	u8(&p->line, 1); /* directory formats */
	u8(&p->line, DW_LNCT_path);
	u8(&p->line, DW_FORM_string);
	u8(&p->line, 2);
	text(&p->line, "/src");
	text(&p->line, "include");
	u8(&p->line, 2); /* file formats */
	u8(&p->line, DW_LNCT_path);
	u8(&p->line, DW_FORM_string);
	u8(&p->line, DW_LNCT_directory_index);
	u8(&p->line, DW_FORM_udata);
	u8(&p->line, 3);
	text(&p->line, "a.cc");
	u8(&p->line, 0);
	text(&p->line, "a.cc");
	u8(&p->line, 0);
	text(&p->line, "b.h");
	u8(&p->line, 1);
}

static void line_row(struct program *p, uint64_t address, unsigned file, int advance)
{
	u8(&p->line, 0);
	u8(&p->line, 9);
	u8(&p->line, DW_LNE_set_address);
	u64(&p->line, address);
	u8(&p->line, DW_LNS_set_file);
	u8(&p->line, file);
	u8(&p->line, DW_LNS_advance_line);
	u8(&p->line, (unsigned)advance & 0x7f); /* one byte of SLEB128 */
	u8(&p->line, DW_LNS_copy);
}

static void end_sequence(struct program *p, uint64_t address)
{
	u8(&p->line, 0);
	u8(&p->line, 9);
	u8(&p->line, DW_LNE_set_address);
	u64(&p->line, address);
	strbuf_add(&p->line, "\0\1\1", 3);
}

static void write_lines(struct program *p)
{
	static const uint8_t lengths[] = { 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1 };
	u32(&p->line, 0);
	u16(&p->line, (unsigned)p->version);
	if (p->version == 5) {
		u8(&p->line, 8);
		u8(&p->line, 0);
	}
	size_t header = p->line.length;
	u32(&p->line, 0);
	u8(&p->line, 1);    /* minimum instruction length */
	u8(&p->line, 1);    /* operations an instruction */
	u8(&p->line, 1);    /* is_stmt */
	u8(&p->line, 0xfb); /* line base -5 */
	u8(&p->line, 14);
	u8(&p->line, sizeof(lengths) + 1);
	strbuf_add(&p->line, lengths, sizeof(lengths));
	write_files(p);
	patch_length(&p->line, header);
	line_row(p, 0x1000, 1, 9);   /* a.cc:10 */
	line_row(p, 0x1020, 2, 11);  /* b.h:21 */
	line_row(p, 0x1030, 2, 9);   /* b.h:30 */
	line_row(p, 0x1030, 2, 1);   /* b.h:31, which is the one that counts */
	line_row(p, 0x1040, 2, -8);  /* b.h:23 */
	line_row(p, 0x1060, 1, -10); /* a.cc:13 */
	end_sequence(p, 0x1100);
	line_row(p, 0x2000, 1, 50); /* a.cc:51 */
	end_sequence(p, 0x2010);
	patch_length(&p->line, 0);
}

static void write_program(struct program *p, int version)
{
	*p = (struct program){ .alias_binding = -1, .version = version };
	write_abbrev(p);
	write_info(p);
	write_lines(p);
}

static struct object *open_program(struct program *p)
{
	static const char code[0x2000];
	struct elf_builder b;
	struct strbuf symbols = { 0 }, names = { 0 };
	struct object *o = NULL;
	elf_builder_init(&b, ET_DYN);
	elf_builder_section(&b, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 0x1000, code,
			    sizeof(code));
	elf_builder_section(&b, ".debug_abbrev", SHT_PROGBITS, 0, 0, p->abbrev.text,
			    p->abbrev.length);
	elf_builder_section(&b, ".debug_info", SHT_PROGBITS, 0, 0, p->info.text, p->info.length);
	elf_builder_section(&b, ".debug_line", SHT_PROGBITS, 0, 0, p->line.text, p->line.length);
	elf_builder_section(&b, p->version == 5 ? ".debug_rnglists" : ".debug_ranges", SHT_PROGBITS,
			    0, 0, p->ranges.text, p->ranges.length);
	elf_symbol(&symbols, &names, "_Z5outerv", STB_GLOBAL, STT_FUNC, 1, 0x1000, 0x100);
	elf_symbol(&symbols, &names, "asm_function", STB_GLOBAL, STT_FUNC, 1, 0x2100, 0x10);
	if (p->alias_binding >= 0) {
		elf_symbol(&symbols, &names, "last", p->last_binding, STT_FUNC, 1, 0x2000, 0x10);
		elf_symbol(&symbols, &names, "aaa_alias", p->alias_binding, STT_FUNC, 1, 0x2000,
			   0x10);
	}
	int table =
		elf_builder_section(&b, ".symtab", SHT_SYMTAB, 0, 0, symbols.text, symbols.length);
	int strings =
		elf_builder_section(&b, ".strtab", SHT_STRTAB, 0, 0, names.text, names.length);
	b.sections[table].sh_link = (Elf64_Word)strings;
	strbuf_clear(&p->file);
	elf_build(&b, &p->file);
	assert_int_equal(object_open_image(p->file.text, p->file.length, "/x", &o, NULL), 0);
	strbuf_deinit(&symbols);
	strbuf_deinit(&names);
	return o;
}

static void free_program(struct program *p)
{
	strbuf_deinit(&p->abbrev);
	strbuf_deinit(&p->info);
	strbuf_deinit(&p->line);
	strbuf_deinit(&p->ranges);
	strbuf_deinit(&p->file);
}

static struct symbol_resolver *resolver(bool inlines)
{
	struct symbol_resolver *r = NULL;
	const struct symbol_config config = { .inlines = inlines, .debug_dir = "/nonexistent" };
	assert_int_equal(symbol_resolver_create(&config, &r, NULL), 0);
	return r;
}

static void check(struct symbol_resolver *r, struct object *o, uint64_t vaddr, const char *wanted)
{
	struct symbol_result result;
	struct strbuf got = { 0 };
	symbol_resolve(r, o, vaddr, &result);
	for (uint32_t i = 0; i < result.line_count; i++) {
		const struct symbol_line *l = &result.lines[i];
		strbuf_printf(&got, "%s%s %s:%u (%u)", i ? " < " : "", l->function, l->file,
			      l->line, l->start_line);
		assert_int_equal(l->inlined, i + 1 < result.line_count);
	}
	assert_string_equal(strbuf_text(&got), wanted);
	strbuf_deinit(&got);
}

static void inlined_calls_and_lines(void **state)
{
	(void)state;
	for (int version = 4; version <= 5; version++) {
		struct program p;
		write_program(&p, version);
		struct object *o = open_program(&p);
		struct symbol_resolver *r = resolver(true);
		check(r, o, 0x1000, "outer() /src/a.cc:10 (10)");
		check(r, o, 0x101f, "outer() /src/a.cc:10 (10)");
		check(r, o, 0x1020,
		      "x::mid(int) /src/include/b.h:21 (20) < outer() /src/a.cc:12 (10)");
		check(r, o, 0x1035,
		      "leaf() /src/include/b.h:31 (30) < x::mid(int) /src/include/b.h:22 (20) < "
		      "outer() /src/a.cc:12 (10)");
		check(r, o, 0x1045,
		      "x::mid(int) /src/include/b.h:23 (20) < outer() /src/a.cc:12 (10)");
		check(r, o, 0x1057,
		      "leaf() /src/include/b.h:23 (30) < x::mid(int) /src/include/b.h:22 (20) < "
		      "outer() /src/a.cc:12 (10)");
		check(r, o, 0x10ff, "outer() /src/a.cc:13 (10)");
		check(r, o, 0x1100, "");
		check(r, o, 0x200f, "last /src/a.cc:51 (50)");
		check(r, o, 0x2105, "asm_function :0 (0)");
		struct symbol_result result;
		symbol_resolve(r, o, 0x1035, &result);
		assert_int_equal(result.start_vaddr, 0x1000);
		assert_string_equal(result.lines[0].system_name, "_ZL4leafv");
		symbol_resolver_destroy(r);
		object_unref(o);
		free_program(&p);
	}
}

static void without_inlines_the_line_is_still_that_of_the_address(void **state)
{
	(void)state;
	struct program p;
	write_program(&p, 5);
	struct object *o = open_program(&p);
	struct symbol_resolver *r = resolver(false);
	check(r, o, 0x1035, "outer() /src/include/b.h:31 (10)");
	symbol_resolver_destroy(r);
	object_unref(o);
	free_program(&p);
}

/* Equal functions may be folded into one: then the debug information has the right one's name. */
static void a_better_symbol_wins_over_the_name_in_the_source(void **state)
{
	(void)state;
	static const struct {
		int last, alias;
		const char *wanted;
	} cases[] = {
		{ STB_LOCAL, STB_GLOBAL, "aaa_alias /src/a.cc:51 (50)" },
		{ STB_GLOBAL, STB_GLOBAL, "last /src/a.cc:51 (50)" },
		{ STB_GLOBAL, STB_WEAK, "last /src/a.cc:51 (50)" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct program p;
		write_program(&p, 5);
		p.last_binding = cases[i].last;
		p.alias_binding = cases[i].alias;
		struct object *o = open_program(&p);
		struct symbol_resolver *r = resolver(true);
		check(r, o, 0x2008, cases[i].wanted);
		symbol_resolver_destroy(r);
		object_unref(o);
		free_program(&p);
	}
}

/* Siblings that lead to themselves, or into their own children, end the walk; symbols still name.
 */
static void siblings_that_go_in_circles_are_survived(void **state)
{
	(void)state;
	struct program p;
	write_program(&p, 4);
	for (uint32_t target = 0; target < p.info.length; target++) {
		memcpy(p.info.text + p.sibling, &target, sizeof(target));
		struct object *o = open_program(&p);
		struct symbol_resolver *r = resolver(true);
		struct symbol_result result;
		symbol_resolve(r, o, 0x1000, &result);
		assert_true(result.line_count > 0);
		symbol_resolver_destroy(r);
		object_unref(o);
	}
	free_program(&p);
}

static void damage(struct program *p, struct strbuf *section)
{
	for (size_t i = 0; i < section->length; i++) {
		static const uint8_t masks[] = { 0xff, 0x01, 0x80 };
		for (size_t m = 0; m < sizeof(masks) + 1; m++) {
			char was = section->text[i];
			size_t length = section->length;
			if (m < sizeof(masks))
				section->text[i] = (char)(was ^ masks[m]);
			else
				section->length = i;
			struct object *o = open_program(p);
			struct symbol_resolver *r = resolver(true);
			struct symbol_result result;
			for (uint64_t vaddr = 0x1000; vaddr < 0x1100; vaddr += 0x10)
				symbol_resolve(r, o, vaddr, &result);
			symbol_resolver_destroy(r);
			object_unref(o);
			section->text[i] = was;
			section->length = length;
		}
	}
}

static void every_damage_is_survived(void **state)
{
	(void)state;
	for (int version = 4; version <= 5; version++) {
		struct program p;
		write_program(&p, version);
		damage(&p, &p.abbrev);
		damage(&p, &p.info);
		damage(&p, &p.line);
		damage(&p, &p.ranges);
		free_program(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inlined_calls_and_lines),
		cmocka_unit_test(without_inlines_the_line_is_still_that_of_the_address),
		cmocka_unit_test(a_better_symbol_wins_over_the_name_in_the_source),
		cmocka_unit_test(siblings_that_go_in_circles_are_survived),
		cmocka_unit_test(every_damage_is_survived),
	};
	return cmocka_run_group_tests_name("symbol/dwarf_names", tests, NULL, NULL);
}
