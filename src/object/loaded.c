// SPDX-License-Identifier: MIT
#include "object/loaded.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/strbuf.h"

enum {
	SEGMENTS_MAX = 128,
	SECTIONS_MADE_MAX = SEGMENTS_MAX + 8,
	DYNAMIC_ENTRIES_MAX = 4096,
	POINTER_PC_RELATIVE_4 = 0x1b, /* DW_EH_PE_pcrel | DW_EH_PE_sdata4: what linkers write */
	POINTER_UNSIGNED_4 = 0x03,
	POINTER_TABLE_RELATIVE_4 = 0x3b,
};

struct loaded {
	struct strbuf image; /* grows at its end */
	uint64_t bias;
	size_t segments_bytes; /* of the image before anything is added */
	Elf64_Phdr segments[SEGMENTS_MAX];
	uint32_t segment_count;
	Elf64_Shdr sections[SECTIONS_MADE_MAX];
	uint32_t section_count;
	struct strbuf names;
	uint64_t dynsym_vaddr, dynstr_vaddr, dynstr_bytes, hash_vaddr, gnu_hash_vaddr;
};

/* @return a cursor from `vaddr` to the end of what its segment has in the image; bad if nothing is there */
static struct cursor at_vaddr(const struct loaded *l, uint64_t vaddr)
{
	struct cursor c = cursor_of(l->image.text, l->segments_bytes);
	for (uint32_t i = 0; i < l->segment_count; i++) {
		const Elf64_Phdr *p = &l->segments[i];
		if (p->p_type != PT_LOAD || vaddr < p->p_vaddr || vaddr - p->p_vaddr >= p->p_filesz)
			continue;
		cursor_seek(&c, p->p_offset + (vaddr - p->p_vaddr));
		return cursor_sub(&c, p->p_filesz - (vaddr - p->p_vaddr));
	}
	cursor_seek(&c, SIZE_MAX);
	return c;
}

static uint64_t offset_of(const struct loaded *l, const struct cursor *c)
{
	return (uint64_t)(c->begin - (const uint8_t *)l->image.text);
}

static void add_section(struct loaded *l, const char *name, Elf64_Shdr section)
{
	if (l->section_count >= SECTIONS_MADE_MAX)
		return;
	section.sh_name = (Elf64_Word)l->names.length;
	strbuf_add(&l->names, name, strlen(name) + 1);
	l->sections[l->section_count++] = section;
}

static int read_segments(struct loaded *l, struct error *err)
{
	Elf64_Ehdr h;
	struct cursor c = cursor_of(l->image.text, l->segments_bytes);
	const void *bytes = cursor_take(&c, sizeof(h));
	if (!bytes || memcmp(bytes, ELFMAG, SELFMAG) != 0)
		return fail(err, -ENOEXEC, "no ELF file");
	memcpy(&h, bytes, sizeof(h));
	if (h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_machine != EM_X86_64)
		return fail(err, -ENOEXEC, "no ELF file for x86-64");
	if (h.e_phentsize != sizeof(Elf64_Phdr) || h.e_phnum > SEGMENTS_MAX)
		return fail(err, -EBADMSG, "%u program headers of %u bytes are impossible",
			    h.e_phnum, h.e_phentsize);
	cursor_seek(&c, h.e_phoff);
	bytes = cursor_take(&c, h.e_phnum * sizeof(Elf64_Phdr));
	if (!bytes)
		return fail(err, -EBADMSG, "the program headers are cut off");
	memcpy(l->segments, bytes, h.e_phnum * sizeof(Elf64_Phdr));
	l->segment_count = h.e_phnum;
	return 0;
}

/* The dynamic linker may have turned a vaddr into an address, or not: glibc does, musl does not. */
static uint64_t vaddr_of_pointer(const struct loaded *l, uint64_t pointer)
{
	struct cursor c = at_vaddr(l, pointer);
	return c.bad ? pointer - l->bias : pointer;
}

static void read_dynamic(struct loaded *l, uint64_t vaddr)
{
	struct cursor c = at_vaddr(l, vaddr);
	for (int i = 0; i < DYNAMIC_ENTRIES_MAX && cursor_left(&c) >= sizeof(Elf64_Dyn); i++) {
		uint64_t tag = cursor_u64(&c), value = cursor_u64(&c);
		switch (tag) {
		case DT_NULL: return;
		case DT_SYMTAB: l->dynsym_vaddr = vaddr_of_pointer(l, value); break;
		case DT_STRTAB: l->dynstr_vaddr = vaddr_of_pointer(l, value); break;
		case DT_STRSZ: l->dynstr_bytes = value; break;
		case DT_HASH: l->hash_vaddr = vaddr_of_pointer(l, value); break;
		case DT_GNU_HASH: l->gnu_hash_vaddr = vaddr_of_pointer(l, value); break;
		default: break;
		}
	}
}

/* The chain of the last bucket ends with the last symbol. @return how many symbols; 0: not known */
static uint64_t count_by_gnu_hash(const struct loaded *l)
{
	struct cursor c = at_vaddr(l, l->gnu_hash_vaddr);
	uint32_t buckets = cursor_u32(&c), first = cursor_u32(&c), words = cursor_u32(&c);
	cursor_u32(&c); /* shift */
	cursor_take(&c, (size_t)words * 8);
	uint32_t last = 0;
	for (uint32_t i = 0; i < buckets && !c.bad; i++) {
		uint32_t bucket = cursor_u32(&c);
		last = bucket > last ? bucket : last;
	}
	if (c.bad || last < first)
		return c.bad ? 0 : first;
	cursor_take(&c, (size_t)(last - first) * 4);
	while (!c.bad && !(cursor_u32(&c) & 1))
		last++;
	return c.bad ? 0 : (uint64_t)last + 1;
}

static uint64_t count_symbols(const struct loaded *l)
{
	if (!l->hash_vaddr)
		return l->gnu_hash_vaddr ? count_by_gnu_hash(l) : 0;
	struct cursor c = at_vaddr(l, l->hash_vaddr);
	cursor_u32(&c); /* buckets */
	return cursor_u32(&c);
}

static void add_symbols(struct loaded *l)
{
	uint64_t count = count_symbols(l), bytes = count * sizeof(Elf64_Sym);
	struct cursor symbols = at_vaddr(l, l->dynsym_vaddr), names = at_vaddr(l, l->dynstr_vaddr);
	if (!count || symbols.bad || names.bad || bytes > cursor_left(&symbols) ||
	    l->dynstr_bytes > cursor_left(&names))
		return;
	add_section(l, ".dynsym",
		    (Elf64_Shdr){ .sh_type = SHT_DYNSYM,
				  .sh_flags = SHF_ALLOC,
				  .sh_addr = l->dynsym_vaddr,
				  .sh_offset = offset_of(l, &symbols),
				  .sh_size = bytes,
				  .sh_link = l->section_count + 1,
				  .sh_entsize = sizeof(Elf64_Sym) });
	add_section(l, ".dynstr",
		    (Elf64_Shdr){ .sh_type = SHT_STRTAB,
				  .sh_flags = SHF_ALLOC,
				  .sh_addr = l->dynstr_vaddr,
				  .sh_offset = offset_of(l, &names),
				  .sh_size = l->dynstr_bytes });
}

/* @return the length of the entry at the cursor with its own field; 0 if it is cut off */
static uint64_t entry_bytes(struct cursor c)
{
	uint64_t bytes = cursor_u32(&c), field = 4;
	if (bytes == 0xffffffff) {
		bytes = cursor_u64(&c);
		field += 8;
	}
	return c.bad || bytes > cursor_left(&c) ? 0 : bytes + field;
}

/* Where .eh_frame ends nobody says: behind the last of the entries that its index names. */
static void add_eh_frame(struct loaded *l, uint64_t index_vaddr)
{
	struct cursor c = at_vaddr(l, index_vaddr);
	uint8_t version = cursor_u8(&c), pointer = cursor_u8(&c), count_kind = cursor_u8(&c);
	uint8_t table = cursor_u8(&c);
	uint64_t begin = index_vaddr + 4 + (uint64_t)(int32_t)cursor_u32(&c), end = begin;
	uint32_t count = cursor_u32(&c);
	if (c.bad || version != 1 || pointer != POINTER_PC_RELATIVE_4 ||
	    count_kind != POINTER_UNSIGNED_4 || table != POINTER_TABLE_RELATIVE_4)
		return;
	for (uint32_t i = 0; i < count && !c.bad; i++) {
		cursor_u32(&c); /* of the function */
		uint64_t entry = index_vaddr + (uint64_t)(int32_t)cursor_u32(&c);
		if (c.bad || entry < end)
			continue;
		uint64_t bytes = entry_bytes(at_vaddr(l, entry));
		end = bytes ? entry + bytes : end;
	}
	struct cursor frames = at_vaddr(l, begin);
	if (frames.bad || end - begin > cursor_left(&frames) || end == begin)
		return;
	add_section(l, ".eh_frame",
		    (Elf64_Shdr){ .sh_type = SHT_PROGBITS,
				  .sh_flags = SHF_ALLOC,
				  .sh_addr = begin,
				  .sh_offset = offset_of(l, &frames),
				  .sh_size = end - begin });
}

static void add_code(struct loaded *l, const Elf64_Phdr *p)
{
	add_section(l, ".text",
		    (Elf64_Shdr){ .sh_type = SHT_PROGBITS,
				  .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
				  .sh_addr = p->p_vaddr,
				  .sh_offset = p->p_offset,
				  .sh_size = p->p_filesz });
}

static void make_sections(struct loaded *l)
{
	strbuf_putc(&l->names, 0);
	l->section_count = 1; /* the null section */
	for (uint32_t i = 0; i < l->segment_count; i++) {
		const Elf64_Phdr *p = &l->segments[i];
		if (p->p_type == PT_LOAD && (p->p_flags & PF_X))
			add_code(l, p);
		else if (p->p_type == PT_DYNAMIC)
			read_dynamic(l, p->p_vaddr);
		else if (p->p_type == PT_GNU_EH_FRAME)
			add_eh_frame(l, p->p_vaddr);
	}
	add_symbols(l);
}

static int append_sections(struct loaded *l, struct error *err)
{
	static const char zeros[8];
	uint32_t names_index = l->section_count;
	add_section(l, ".shstrtab",
		    (Elf64_Shdr){ .sh_type = SHT_STRTAB, .sh_offset = l->image.length });
	if (l->section_count == names_index) /* no room */
		names_index = 0;
	l->sections[names_index].sh_size = names_index ? l->names.length : 0;
	strbuf_add(&l->image, strbuf_text(&l->names), l->names.length);
	strbuf_add(&l->image, zeros, -l->image.length & 7);
	uint64_t headers_off = l->image.length;
	strbuf_add(&l->image, l->sections, l->section_count * sizeof(*l->sections));
	if (l->image.failed || l->names.failed)
		return fail(err, -ENOMEM, "out of memory");
	Elf64_Ehdr h;
	memcpy(&h, l->image.text, sizeof(h));
	h.e_shoff = headers_off;
	h.e_shentsize = sizeof(Elf64_Shdr);
	h.e_shnum = (Elf64_Half)l->section_count;
	h.e_shstrndx = (Elf64_Half)names_index;
	memcpy(l->image.text, &h, sizeof(h));
	return 0;
}

int object_open_loaded(uint8_t *image, size_t size_bytes, uint64_t bias, const char *path,
		       struct object **out, struct error *err)
{
	struct loaded *l = calloc(1, sizeof(*l));
	if (!l) {
		free(image);
		return fail(err, -ENOMEM, "out of memory");
	}
	l->image = (struct strbuf){ .text = (char *)image,
				    .length = size_bytes,
				    .capacity = size_bytes };
	l->segments_bytes = size_bytes;
	l->bias = bias;
	int r = read_segments(l, err);
	if (r == 0) {
		make_sections(l);
		r = append_sections(l, err);
	}
	if (r == 0)
		r = object_adopt_image(l->image.text, l->image.length, path, out, err);
	else
		strbuf_deinit(&l->image);
	strbuf_deinit(&l->names);
	free(l);
	return r;
}
