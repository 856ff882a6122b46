/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_ELF_BUILDER_H
#define TESTS_SUPPORT_ELF_BUILDER_H

#include <assert.h>
#include <elf.h>
#include <stdbool.h>
#include <string.h>

#include "base/strbuf.h"

/*
 * Writes small ELF64 files: header, program headers, contents, section headers.
 * elf_build() lays everything out; offsets are known afterwards.
 */
enum { ELF_BUILDER_SECTIONS = 40, ELF_BUILDER_SEGMENTS = 8 };

struct elf_builder {
	Elf64_Ehdr header;
	Elf64_Phdr segments[ELF_BUILDER_SEGMENTS];
	int segment_section[ELF_BUILDER_SEGMENTS]; /* contents are that section's; 0: none */
	Elf64_Shdr sections[ELF_BUILDER_SECTIONS];
	const void *contents[ELF_BUILDER_SECTIONS];
	struct strbuf names;
};

static inline void elf_builder_init(struct elf_builder *b, uint16_t type)
{
	*b = (struct elf_builder){ 0 };
	memcpy(b->header.e_ident, ELFMAG, SELFMAG);
	b->header.e_ident[EI_CLASS] = ELFCLASS64;
	b->header.e_ident[EI_DATA] = ELFDATA2LSB;
	b->header.e_ident[EI_VERSION] = EV_CURRENT;
	b->header.e_type = type;
	b->header.e_machine = EM_X86_64;
	b->header.e_version = EV_CURRENT;
	b->header.e_ehsize = sizeof(Elf64_Ehdr);
	b->header.e_phentsize = sizeof(Elf64_Phdr);
	b->header.e_shentsize = sizeof(Elf64_Shdr);
	b->header.e_shnum = 1;
	strbuf_putc(&b->names, 0);
}

/** Adds a section; contents are borrowed until elf_build(). @return its index */
static inline int elf_builder_section(struct elf_builder *b, const char *name, uint32_t type,
				      uint64_t flags, uint64_t vaddr, const void *bytes,
				      size_t size)
{
	int i = b->header.e_shnum++;
	assert(i < ELF_BUILDER_SECTIONS);
	b->sections[i].sh_name = (uint32_t)b->names.length;
	strbuf_add(&b->names, name, strlen(name) + 1);
	b->sections[i].sh_type = type;
	b->sections[i].sh_flags = flags;
	b->sections[i].sh_addr = vaddr;
	b->sections[i].sh_size = size;
	b->sections[i].sh_addralign = 4;
	b->contents[i] = bytes;
	return i;
}

/** Adds a program header over the contents of a section. */
static inline Elf64_Phdr *elf_builder_segment(struct elf_builder *b, uint32_t type, uint32_t flags,
					      int section)
{
	int i = b->header.e_phnum++;
	assert(i < ELF_BUILDER_SEGMENTS);
	b->segments[i] = (Elf64_Phdr){ .p_type = type,
				       .p_flags = flags,
				       .p_vaddr = b->sections[section].sh_addr,
				       .p_memsz = b->sections[section].sh_size,
				       .p_align = 4 };
	b->segment_section[i] = section;
	return &b->segments[i];
}

/** Writes the file into `out` (appended to an empty buffer). */
static inline void elf_build(struct elf_builder *b, struct strbuf *out)
{
	static const char zeros[16];
	int names = elf_builder_section(b, ".shstrtab", SHT_STRTAB, 0, 0, NULL, 0);
	b->contents[names] = b->names.text;
	b->sections[names].sh_size = b->names.length;
	b->header.e_shstrndx = (uint16_t)names;
	b->header.e_phoff = b->header.e_phnum ? sizeof(Elf64_Ehdr) : 0;
	uint64_t at = sizeof(Elf64_Ehdr) + b->header.e_phnum * sizeof(Elf64_Phdr);
	for (int i = 1; i < b->header.e_shnum; i++) {
		at = (at + 7) & ~7ULL;
		b->sections[i].sh_offset = at;
		if (b->sections[i].sh_type != SHT_NOBITS)
			at += b->sections[i].sh_size;
	}
	b->header.e_shoff = (at + 7) & ~7ULL;
	for (int i = 0; i < b->header.e_phnum; i++) {
		const Elf64_Shdr *s = &b->sections[b->segment_section[i]];
		b->segments[i].p_offset = s->sh_offset;
		b->segments[i].p_filesz = s->sh_type == SHT_NOBITS ? 0 : s->sh_size;
	}
	strbuf_add(out, &b->header, sizeof(b->header));
	strbuf_add(out, b->segments, b->header.e_phnum * sizeof(Elf64_Phdr));
	for (int i = 1; i < b->header.e_shnum; i++) {
		strbuf_add(out, zeros, (size_t)(b->sections[i].sh_offset - out->length) & 7);
		if (b->sections[i].sh_type != SHT_NOBITS)
			strbuf_add(out, b->contents[i], b->sections[i].sh_size);
	}
	strbuf_add(out, zeros, (size_t)(b->header.e_shoff - out->length) & 7);
	strbuf_add(out, b->sections, b->header.e_shnum * sizeof(Elf64_Shdr));
	assert(!out->failed);
	strbuf_deinit(&b->names);
}

/** Writes a note (name "GNU") into `out`. */
static inline void elf_note(struct strbuf *out, uint32_t type, const void *desc, uint32_t size)
{
	static const char zeros[4];
	const uint32_t head[3] = { 4, size, type };
	strbuf_add(out, head, sizeof(head));
	strbuf_add(out, "GNU", 4);
	strbuf_add(out, desc, size);
	strbuf_add(out, zeros, (0 - size) & 3u);
}

/** Adds a symbol to a symbol table and its name to a string table (which begins with a NUL). */
static inline void elf_symbol(struct strbuf *table, struct strbuf *names, const char *name,
			      int binding, int type, uint16_t section, uint64_t value,
			      uint64_t size)
{
	if (!table->length) {
		const Elf64_Sym null = { 0 };
		strbuf_add(table, &null, sizeof(null));
		strbuf_putc(names, 0);
	}
	const Elf64_Sym s = { .st_name = (Elf64_Word)names->length,
			      .st_info = (unsigned char)ELF64_ST_INFO(binding, type),
			      .st_shndx = section,
			      .st_value = value,
			      .st_size = size };
	strbuf_add(table, &s, sizeof(s));
	strbuf_add(names, name, strlen(name) + 1);
}

#endif
