// SPDX-License-Identifier: MIT
#include <errno.h>
#include <lzma.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include "../support/elf_builder.h"
#include "symbol/symbol.h"
#include "symbol/symtab.h"

#include <cmocka.h>

/* Code at 0x1000 to 0x2000 and 0x3000 to 0x3100, data at 0x5000. */
struct fixture {
	struct elf_builder builder;
	struct strbuf file, symbols, names;
	struct object *object;
	struct symbol_resolver *resolver;
};

enum { CODE = 1, DATA = 3 };
static const char bytes[0x1000];

static void add(struct fixture *f, const char *name, int binding, int type, uint64_t value,
		uint64_t size)
{
	elf_symbol(&f->symbols, &f->names, name, binding, type, CODE, value, size);
}

static void begin(struct fixture *f)
{
	*f = (struct fixture){ 0 };
	elf_builder_init(&f->builder, ET_DYN);
	int code = elf_builder_section(&f->builder, ".text", SHT_PROGBITS,
				       SHF_ALLOC | SHF_EXECINSTR, 0x1000, bytes, 0x1000);
	elf_builder_section(&f->builder, ".fini", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 0x3000,
			    bytes, 0x100);
	elf_builder_section(&f->builder, ".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 0x5000,
			    bytes, 0x100);
	elf_builder_segment(&f->builder, PT_LOAD, PF_R | PF_X, code);
}

static void add_table(struct fixture *f, const char *name, uint32_t type)
{
	int table = elf_builder_section(&f->builder, name, type, 0, 0, f->symbols.text,
					f->symbols.length);
	int names = elf_builder_section(&f->builder, type == SHT_DYNSYM ? ".dynstr" : ".strtab",
					SHT_STRTAB, 0, 0, f->names.text, f->names.length);
	f->builder.sections[table].sh_link = (Elf64_Word)names;
}

static void open_fixture(struct fixture *f)
{
	struct error err = { 0 };
	const struct symbol_config config = { .inlines = true, .debug_dir = "/nonexistent" };
	elf_build(&f->builder, &f->file);
	assert_int_equal(
		object_open_image(f->file.text, f->file.length, "/x/fixture", &f->object, &err), 0);
	assert_int_equal(symbol_resolver_create(&config, &f->resolver, &err), 0);
}

static void finish(struct fixture *f)
{
	add_table(f, ".symtab", SHT_SYMTAB);
	open_fixture(f);
}

static void end(struct fixture *f)
{
	symbol_resolver_destroy(f->resolver);
	object_unref(f->object);
	strbuf_deinit(&f->file);
	strbuf_deinit(&f->symbols);
	strbuf_deinit(&f->names);
}

static const char *name_at(struct fixture *f, uint64_t vaddr)
{
	struct symbol_result result;
	symbol_resolve(f->resolver, f->object, vaddr, &result);
	return result.line_count ? result.lines[0].function : "";
}

static void functions_are_found_by_range_not_by_neighbourhood(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f);
	add(&f, "first", STB_GLOBAL, STT_FUNC, 0x1010, 0x20);
	add(&f, "outer", STB_LOCAL, STT_FUNC, 0x1100, 0x100);
	add(&f, "inner", STB_LOCAL, STT_FUNC, 0x1140, 0x10);
	add(&f, "chosen_at_load", STB_GLOBAL, STT_GNU_IFUNC, 0x1300, 0x10);
	finish(&f);
	assert_string_equal(name_at(&f, 0x100f), "");
	assert_string_equal(name_at(&f, 0x1010), "first");
	assert_string_equal(name_at(&f, 0x102f), "first");
	assert_string_equal(name_at(&f, 0x1030), "");
	assert_string_equal(name_at(&f, 0x113f), "outer");
	assert_string_equal(name_at(&f, 0x1145), "inner");
	assert_string_equal(name_at(&f, 0x1150), "outer");
	assert_string_equal(name_at(&f, 0x1308), "chosen_at_load");
	struct symbol_result result;
	symbol_resolve(f.resolver, f.object, 0x1145, &result);
	assert_int_equal(result.start_vaddr, 0x1140);
	assert_int_equal(result.line_count, 1);
	assert_false(result.lines[0].inlined);
	assert_string_equal(result.lines[0].file, "");
	end(&f);
}

static void aliases_are_chosen_as_a_reader_would(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f);
	add(&f, "__write", STB_GLOBAL, STT_FUNC, 0x1000, 0x10);
	add(&f, "aaa_local", STB_LOCAL, STT_FUNC, 0x1000, 0x10);
	add(&f, "aaa_weak", STB_WEAK, STT_FUNC, 0x1000, 0x10);
	add(&f, "write", STB_GLOBAL, STT_FUNC, 0x1000, 0x10);
	add(&f, "_read", STB_WEAK, STT_FUNC, 0x1020, 0x10);
	add(&f, "__read@@GLIBC_2.2", STB_GLOBAL, STT_FUNC, 0x1020, 0x10);
	add(&f, "old@GLIBC_2.0", STB_GLOBAL, STT_FUNC, 0x1040, 0x10);
	add(&f, "new", STB_GLOBAL, STT_FUNC, 0x1040, 0x10);
	add(&f, "untyped", STB_GLOBAL, STT_NOTYPE, 0x1060, 0);
	add(&f, "typed", STB_LOCAL, STT_FUNC, 0x1060, 0x10);
	finish(&f);
	assert_string_equal(name_at(&f, 0x1000), "write");
	assert_string_equal(name_at(&f, 0x1020),
			    "__read"); /* global before weak, without its version */
	assert_string_equal(name_at(&f, 0x1040), "new");
	assert_string_equal(name_at(&f, 0x1060), "typed");
	end(&f);
}

static void a_symbol_without_size_ends_at_the_next_or_with_its_section(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f);
	add(&f, "one", STB_GLOBAL, STT_NOTYPE, 0x1000, 0);
	add(&f, "loop", STB_LOCAL, STT_NOTYPE, 0x1008, 0); /* a label in `one` */
	add(&f, "two", STB_GLOBAL, STT_FUNC, 0x1020, 0);
	add(&f, "sized", STB_GLOBAL, STT_FUNC, 0x1100, 0x80);
	add(&f, "middle", STB_GLOBAL, STT_NOTYPE, 0x1140, 0); /* no function: it lies in one */
	add(&f, "last", STB_GLOBAL, STT_FUNC, 0x1ff0, 0);
	add(&f, "alone", STB_LOCAL, STT_NOTYPE, 0x3010, 0);
	finish(&f);
	assert_string_equal(name_at(&f, 0x1001), "one");
	assert_string_equal(name_at(&f, 0x100c), "one");
	assert_string_equal(name_at(&f, 0x101f), "one");
	assert_string_equal(name_at(&f, 0x10ff), "two");
	assert_string_equal(name_at(&f, 0x1150), "sized");
	assert_string_equal(name_at(&f, 0x1180), "");
	assert_string_equal(name_at(&f, 0x1fff), "last");
	assert_string_equal(name_at(&f, 0x2000), "");
	assert_string_equal(name_at(&f, 0x30ff), "alone");
	assert_string_equal(name_at(&f, 0x3100), "");
	end(&f);
}

static void what_is_no_function_names_nothing(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f);
	add(&f, "$x", STB_LOCAL, STT_NOTYPE, 0x1000, 0);
	add(&f, "$d.1", STB_LOCAL, STT_NOTYPE, 0x1200, 0);
	add(&f, "$s4main3fooyyF", STB_GLOBAL, STT_FUNC, 0x1100, 0x10); /* Swift's */
	add(&f, "variable", STB_GLOBAL, STT_OBJECT, 0x1000, 0x10);
	add(&f, "in_data", STB_GLOBAL, STT_FUNC, 0x5000, 0x10);
	add(&f, "", STB_GLOBAL, STT_FUNC, 0x1000, 0x10);
	elf_symbol(&f.symbols, &f.names, "undefined", STB_GLOBAL, STT_FUNC, SHN_UNDEF, 0x1000,
		   0x10);
	add(&f, "too_long", STB_GLOBAL, STT_FUNC, 0x1ff0, UINT64_MAX);
	finish(&f);
	assert_string_equal(name_at(&f, 0x1000), "");
	assert_string_equal(name_at(&f, 0x1100), "$s4main3fooyyF");
	assert_string_equal(name_at(&f, 0x1200), "");
	assert_string_equal(name_at(&f, 0x5000), "");
	assert_string_equal(name_at(&f, 0x1fff), "too_long");
	assert_string_equal(name_at(&f, 0x3000), "");
	end(&f);
}

static void names_are_demangled(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f);
	add(&f, "_ZN3foo3barEi", STB_GLOBAL, STT_FUNC, 0x1000, 0x10);
	finish(&f);
	struct symbol_result result;
	symbol_resolve(f.resolver, f.object, 0x1000, &result);
	assert_string_equal(result.lines[0].function, "foo::bar(int)");
	assert_string_equal(result.lines[0].system_name, "_ZN3foo3barEi");
	end(&f);
}

/* An entry as ld writes it for .plt.sec: endbr64; jmp *SLOT(%rip); padding. */
static void plt_entry(struct strbuf *out, uint64_t entry_vaddr, uint64_t slot)
{
	static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa, 0xff, 0x25 };
	static const uint8_t pad[6];
	int32_t displacement = (int32_t)(slot - (entry_vaddr + 10));
	strbuf_add(out, endbr64, sizeof(endbr64));
	strbuf_add(out, &displacement, sizeof(displacement));
	strbuf_add(out, pad, sizeof(pad));
}

static void plt_entries_have_the_name_of_what_they_call(void **state)
{
	(void)state;
	struct fixture f;
	struct strbuf plt = { 0 };
	begin(&f);
	elf_symbol(&f.symbols, &f.names, "puts", STB_GLOBAL, STT_FUNC, SHN_UNDEF, 0, 0);
	elf_symbol(&f.symbols, &f.names, "_ZdlPv", STB_GLOBAL, STT_FUNC, SHN_UNDEF, 0, 0);
	add(&f, "choose", STB_GLOBAL, STT_GNU_IFUNC, 0x1800, 0x10);
	add_table(&f, ".dynsym", SHT_DYNSYM);
	const Elf64_Rela relocations[] = {
		{ .r_offset = 0x5018, .r_info = ELF64_R_INFO(1, R_X86_64_JUMP_SLOT) },
		{ .r_offset = 0x5020, .r_info = ELF64_R_INFO(2, R_X86_64_JUMP_SLOT) },
		{ .r_offset = 0x5028,
		  .r_info = ELF64_R_INFO(0, R_X86_64_IRELATIVE),
		  .r_addend = 0x1800 },
		{ .r_offset = 0x5030,
		  .r_info = ELF64_R_INFO(77, R_X86_64_JUMP_SLOT) }, /* no such symbol */
	};
	elf_builder_section(&f.builder, ".rela.plt", SHT_RELA, SHF_ALLOC, 0x800, relocations,
			    sizeof(relocations));
	plt_entry(&plt, 0x4000, 0x5020);
	plt_entry(&plt, 0x4010, 0x5018);
	plt_entry(&plt, 0x4020, 0x5028);
	plt_entry(&plt, 0x4030, 0x5030);
	plt_entry(&plt, 0x4040, 0x5999); /* no relocation there */
	elf_builder_section(&f.builder, ".plt.sec", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 0x4000,
			    plt.text, plt.length);
	open_fixture(&f);
	assert_string_equal(name_at(&f, 0x4004), "operator delete(void*)@plt");
	assert_string_equal(name_at(&f, 0x401f), "puts@plt");
	assert_string_equal(name_at(&f, 0x4024), "choose@plt");
	assert_string_equal(name_at(&f, 0x4034), "");
	assert_string_equal(name_at(&f, 0x4044), "");
	end(&f);
	strbuf_deinit(&plt);
}

/* A static program's .plt: entries of 8 bytes, no entry size, resolvers of IFUNCs only. */
static void small_plt_entries_are_told_apart(void **state)
{
	(void)state;
	struct fixture f;
	struct strbuf plt = { 0 };
	begin(&f);
	add(&f, "copy_resolver", STB_LOCAL, STT_FUNC, 0x1800, 0x10);
	add(&f, "copy", STB_GLOBAL, STT_GNU_IFUNC, 0x1800, 0x10);
	add(&f, "find", STB_GLOBAL, STT_GNU_IFUNC, 0x1900, 0x10);
	const Elf64_Rela relocations[] = {
		{ .r_offset = 0x5018,
		  .r_info = ELF64_R_INFO(0, R_X86_64_IRELATIVE),
		  .r_addend = 0x1800 },
		{ .r_offset = 0x5020,
		  .r_info = ELF64_R_INFO(0, R_X86_64_IRELATIVE),
		  .r_addend = 0x1900 },
	};
	elf_builder_section(&f.builder, ".rela.plt", SHT_RELA, SHF_ALLOC, 0x800, relocations,
			    sizeof(relocations));
	for (uint64_t i = 0; i < 2; i++) {
		int32_t displacement = (int32_t)(0x5018 + 8 * i - (0x4000 + 8 * i + 6));
		strbuf_add(&plt, "\xff\x25", 2);
		strbuf_add(&plt, &displacement, sizeof(displacement));
		strbuf_add(&plt, "\x66\x90", 2);
	}
	elf_builder_section(&f.builder, ".plt", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 0x4000,
			    plt.text, plt.length);
	finish(&f);
	assert_string_equal(name_at(&f, 0x4000), "copy@plt");
	assert_string_equal(name_at(&f, 0x4007), "copy@plt");
	assert_string_equal(name_at(&f, 0x4008), "find@plt");
	assert_string_equal(name_at(&f, 0x1800), "copy");
	end(&f);
	strbuf_deinit(&plt);
}

static void symbols_of_a_compressed_inner_file_count(void **state)
{
	(void)state;
	struct fixture inner, f;
	static uint8_t packed[1 << 16];
	size_t size = 0;
	begin(&inner);
	add(&inner, "only_inside", STB_LOCAL, STT_FUNC, 0x1000, 0x10);
	finish(&inner);
	assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL,
						 (uint8_t *)inner.file.text, inner.file.length,
						 packed, &size, sizeof(packed)),
			 LZMA_OK);
	for (int damaged = 0; damaged < 2; damaged++) {
		begin(&f);
		elf_builder_section(&f.builder, ".gnu_debugdata", SHT_PROGBITS, 0, 0, packed,
				    size - (size_t)damaged);
		open_fixture(&f);
		assert_string_equal(name_at(&f, 0x1008), damaged ? "" : "only_inside");
		end(&f);
	}
	end(&inner);
}

/* Damaged anywhere, a file names something or nothing, and nobody falls (ASan watches). */
static void every_flipped_byte_and_cut_is_survived(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f);
	add(&f, "function", STB_GLOBAL, STT_FUNC, 0x1010, 0x20);
	add(&f, "label", STB_GLOBAL, STT_NOTYPE, 0x1100, 0);
	finish(&f);
	for (size_t i = 0; i < f.file.length; i += f.file.text[i] ? 1 : 5) {
		struct object *o = NULL;
		struct symbol_result result;
		char was = f.file.text[i];
		f.file.text[i] = (char)~was;
		size_t size = i % 3 ? f.file.length : i;
		if (object_open_image(f.file.text, size, "t", &o, NULL) == 0) {
			symbol_resolve(f.resolver, o, 0x1010, &result);
			object_unref(o);
		}
		f.file.text[i] = was;
	}
	end(&f);
}

/* 300,000 symbols at one address, whose names are the ends of one name of 300,000 bytes. */
static void endless_shared_names_take_no_endless_time(void **state)
{
	(void)state;
	enum { COUNT = 300000 };
	struct fixture f;
	begin(&f);
	elf_symbol(&f.symbols, &f.names, "first", STB_GLOBAL, STT_FUNC, CODE, 0x1000, 0x10);
	Elf64_Sym s = { .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
			.st_shndx = CODE,
			.st_value = 0x1100 };
	for (uint32_t i = 0; i < COUNT; i++) {
		s.st_name = (Elf64_Word)f.names.length;
		strbuf_add(&f.symbols, &s, sizeof(s));
		strbuf_putc(&f.names, 'a');
	}
	strbuf_putc(&f.names, 0);
	finish(&f);
	clock_t before = clock();
	assert_int_equal(name_at(&f, 0x1108)[0], 'a');
	assert_string_equal(name_at(&f, 0x1000), "first");
	assert_true(clock() - before < 4 * CLOCKS_PER_SEC);
	end(&f);
}

static void names_of_a_deleted_object_are_not_mixed_up(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f);
	add(&f, "function", STB_GLOBAL, STT_FUNC, 0x1010, 0x20);
	finish(&f);
	struct symbol_result result;
	symbol_resolve(f.resolver, f.object, 0x1010, &result);
	object_unref(f.object);
	f.object = NULL; /* the resolver keeps it: no other object can get its address */
	assert_string_equal(result.lines[0].function, "function");
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_are_found_by_range_not_by_neighbourhood),
		cmocka_unit_test(aliases_are_chosen_as_a_reader_would),
		cmocka_unit_test(a_symbol_without_size_ends_at_the_next_or_with_its_section),
		cmocka_unit_test(what_is_no_function_names_nothing),
		cmocka_unit_test(names_are_demangled),
		cmocka_unit_test(plt_entries_have_the_name_of_what_they_call),
		cmocka_unit_test(small_plt_entries_are_told_apart),
		cmocka_unit_test(symbols_of_a_compressed_inner_file_count),
		cmocka_unit_test(every_flipped_byte_and_cut_is_survived),
		cmocka_unit_test(endless_shared_names_take_no_endless_time),
		cmocka_unit_test(names_of_a_deleted_object_are_not_mixed_up),
	};
	return cmocka_run_group_tests_name("symbol/symtab", tests, NULL, NULL);
}
