// SPDX-License-Identifier: MIT
/*
 * One section of an otherwise sound file: the first byte says which, the rest is its contents. Of the
 * symbols in .gnu_debugdata the contents are what xz unpacks: no fuzzer finds its checksums.
 */
#include <lzma.h>
#include <stdlib.h>
#include <string.h>

#include "../../tests/unit/support/elf_builder.h"
#include "object/sections.h"
#include "symbol/debug_file.h"
#include "symbol/symbol.h"
#include "symbol/symtab.h"
#include "unwind/table.h"
#include "unwind/unwind.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes);

enum { TEXT_VADDR = 0x10000, TEXT_BYTES = 0x2000, DATA_VADDR = 0x20000 };

enum kind {
	GOPCLNTAB,
	DEBUGDATA,
	DEBUGDATA_PACKED,
	DEBUGLINK,
	DEBUGALTLINK,
	DEBUG_LINE,
	RELA_PLT,
	PLT,
	KINDS
};

static const char *const names[KINDS] = { ".gopclntab",        ".gnu_debugdata",
					  ".gnu_debugdata",    ".gnu_debuglink",
					  ".gnu_debugaltlink", ".debug_line",
					  ".rela.plt",         ".plt" };

static void pack(const uint8_t *bytes, size_t size_bytes, struct strbuf *out)
{
	size_t room = lzma_stream_buffer_bound(size_bytes), length = 0;
	uint8_t *packed = malloc(room);
	if (!packed || lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, bytes, size_bytes, packed,
					       &length, room) != LZMA_OK)
		abort();
	strbuf_add(out, packed, length);
	free(packed);
}

/* The entries of a PLT are named by relocations and symbols, which are sound unless they are fuzzed. */
static void add_plt(struct elf_builder *b, enum kind kind, const void *bytes, size_t size_bytes)
{
	static const uint8_t code[64] = { 0xff, 0x25 };
	static const Elf64_Sym symbols[2] = { { 0 }, { .st_name = 1, .st_info = STT_FUNC } };
	static const Elf64_Rela relocations[2] = {
		{ .r_offset = DATA_VADDR, .r_info = ELF64_R_INFO(1, R_X86_64_JUMP_SLOT) },
		{ .r_offset = DATA_VADDR + 8, .r_info = ELF64_R_INFO(1, R_X86_64_JUMP_SLOT) },
	};
	bool is_code = kind == PLT;
	elf_builder_section(b, ".plt", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, TEXT_VADDR + 0x4000,
			    is_code ? bytes : code, is_code ? size_bytes : sizeof(code));
	int strings = elf_builder_section(b, ".dynstr", SHT_STRTAB, SHF_ALLOC, 0, "\0name", 6);
	int dynsym = elf_builder_section(b, ".dynsym", SHT_DYNSYM, SHF_ALLOC, 0, symbols,
					 sizeof(symbols));
	b->sections[dynsym].sh_link = (uint32_t)strings;
	b->sections[dynsym].sh_entsize = sizeof(Elf64_Sym);
	int rela = elf_builder_section(b, ".rela.plt", SHT_RELA, SHF_ALLOC, 0,
				       is_code ? (const void *)relocations : bytes,
				       is_code ? sizeof(relocations) : size_bytes);
	b->sections[rela].sh_link = (uint32_t)dynsym;
	b->sections[rela].sh_entsize = sizeof(Elf64_Rela);
}

static struct object *make_object(enum kind kind, const uint8_t *bytes, size_t size_bytes)
{
	static const uint8_t text[TEXT_BYTES];
	struct elf_builder b;
	struct strbuf image = { 0 }, contents = { 0 };
	struct object *o = NULL;
	elf_builder_init(&b, ET_DYN);
	int code = elf_builder_section(&b, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR,
				       TEXT_VADDR, text, sizeof(text));
	elf_builder_segment(&b, PT_LOAD, PF_R | PF_X, code);
	if (kind == DEBUGDATA)
		pack(bytes, size_bytes, &contents);
	else
		strbuf_add(&contents, bytes, size_bytes);
	if (kind == RELA_PLT || kind == PLT)
		add_plt(&b, kind, contents.text, contents.length);
	else
		elf_builder_section(&b, names[kind], SHT_PROGBITS, 0, DATA_VADDR, contents.text,
				    contents.length);
	elf_build(&b, &image);
	if (object_open_image(image.text, image.length, "/nonexistent/fuzz", &o, NULL) < 0)
		abort();
	strbuf_deinit(&image);
	strbuf_deinit(&contents);
	return o;
}

static void read_symbols(const struct object *o)
{
	struct elf_sections sections;
	struct symtab t = { 0 };
	if (elf_sections_read(o, &sections, NULL) < 0)
		return;
	if (symtab_add_code(&t, &sections)) {
		symtab_add_gopclntab(&t, o, &sections, NULL);
		symtab_add_minidebug(&t, o, &sections, NULL);
		symtab_add_plt(&t, o, &sections, NULL);
		symtab_finish(&t, NULL);
		for (size_t i = 0; i < t.entries.count; i++)
			symtab_find(&t, t.entries.at[i].start);
	}
	symtab_deinit(&t);
	elf_sections_deinit(&sections);
}

static void resolve(struct object *o)
{
	const struct symbol_config config = { .inlines = true, .debug_dir = "/nonexistent" };
	struct symbol_resolver *r = NULL;
	struct symbol_result result;
	if (symbol_resolver_create(&config, &r, NULL) == 0)
		symbol_resolve(r, o, TEXT_VADDR + 16, &result);
	symbol_resolver_destroy(r);
}

static void make_rows(struct object *o)
{
	struct unwind_table *t;
	if (unwind_table_create(o, &t, NULL) < 0)
		return;
	for (uint64_t at = 0; at < TEXT_BYTES; at += 64)
		table_rule(t, TEXT_VADDR + at);
	unwind_table_destroy(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	if (!size_bytes)
		return 0;
	struct object *o = make_object(bytes[0] % KINDS, bytes + 1, size_bytes - 1);
	read_symbols(o);
	resolve(o);
	if (bytes[0] % KINDS == GOPCLNTAB)
		make_rows(o);
	object_unref(o);
	return 0;
}
