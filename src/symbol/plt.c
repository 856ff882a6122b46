// SPDX-License-Identifier: MIT
#include "symbol/symtab.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/map.h"
#include "base/strbuf.h"

/*
 * An entry of the procedure linkage table jumps through a slot of the global offset table (psABI,
 * figure 5.2 ff.); a relocation says which function the loader writes there.
 */
enum {
	PLT_RELOCATIONS_MAX = 1 << 20,
	PLT_ENTRIES_MAX = 1 << 20,
	PLT_NAME_MAX_BYTES = 4096,
	PLT_IFUNCS_MAX = 256
};

struct plt_slot {
	uint64_t vaddr;  /* in the global offset table */
	uint32_t symbol; /* index in .dynsym; 0: `function` is the resolver of an IFUNC */
	uint64_t function;
};

struct plt {
	struct symtab *symtab;
	VEC(struct plt_slot) slots; /* row 0 is unused; .rela.plt first, in its order */
	unsigned ifuncs;            /* named so far */
	size_t lazy_slots;          /* how many of them are of .rela.plt */
	struct map64 by_vaddr;
	struct object_section symbols, names;
};

static bool add_slots(struct plt *p, const struct object_section *relocations)
{
	struct cursor c = cursor_of(relocations->bytes, relocations->size_bytes);
	while (cursor_left(&c) >= sizeof(Elf64_Rela) && p->slots.count < PLT_RELOCATIONS_MAX) {
		struct plt_slot slot = { .vaddr = cursor_u64(&c) };
		uint64_t info = cursor_u64(&c);
		uint64_t addend = cursor_u64(&c);
		uint32_t type = (uint32_t)ELF64_R_TYPE(info);
		if (type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT)
			slot.symbol = (uint32_t)ELF64_R_SYM(info);
		else if (type == R_X86_64_IRELATIVE)
			slot.function = addend;
		if (!vec_push(&p->slots, slot) ||
		    !map64_put(&p->by_vaddr, slot.vaddr, (uint32_t)(p->slots.count - 1)))
			return false;
	}
	return true;
}

static bool load_slots(struct plt *p, const struct object *o, const struct elf_sections *sections)
{
	static const char *const names[] = { ".rela.plt", ".rela.dyn" };
	if (!vec_push(&p->slots, (struct plt_slot){ 0 }))
		return false;
	for (size_t i = 0; i < 2; i++) {
		const struct elf_section *s = elf_section_find(sections, names[i]);
		struct object_section relocations;
		if (!s || elf_section_load(o, s, &relocations, NULL) < 0)
			continue;
		bool ok = add_slots(p, &relocations);
		object_section_deinit(&relocations);
		if (!ok)
			return false;
		if (i == 0)
			p->lazy_slots = p->slots.count - 1;
	}
	return true;
}

static const char *symbol_name(const struct plt *p, uint32_t symbol)
{
	struct cursor c = cursor_of(p->symbols.bytes, p->symbols.size_bytes);
	cursor_seek(&c, (size_t)symbol * sizeof(Elf64_Sym));
	uint32_t name = cursor_u32(&c);
	if (c.bad)
		return "";
	c = cursor_of(p->names.bytes, p->names.size_bytes);
	cursor_seek(&c, name);
	size_t left = cursor_left(&c);
	c = cursor_sub(&c, left < PLT_NAME_MAX_BYTES ? left : PLT_NAME_MAX_BYTES);
	return cursor_string(&c);
}

/* Programs without a loader have a few dozen of these. */
static const char *ifunc_name(struct plt *p, uint64_t resolver)
{
	const struct symtab_entry *best = NULL;
	if (!resolver || p->ifuncs++ >= PLT_IFUNCS_MAX)
		return "";
	for (size_t i = 1; i < p->symtab->entries.count; i++) {
		const struct symtab_entry *e = &p->symtab->entries.at[i];
		if (e->start == resolver && (!best || e->rank < best->rank))
			best = e;
	}
	return best ? best->name : "";
}

static bool name_entry(struct plt *p, const struct plt_slot *slot, uint64_t vaddr,
		       size_t size_bytes)
{
	const char *name =
		slot->symbol ? symbol_name(p, slot->symbol) : ifunc_name(p, slot->function);
	if (!name[0])
		return true;
	char *text = NULL;
	if (asprintf(&text, "%.*s@plt", PLT_NAME_MAX_BYTES, name) < 0)
		return false;
	if (!vec_push(&p->symtab->memory, text)) {
		free(text);
		return false;
	}
	return symtab_add_function(p->symtab, text, vaddr, size_bytes);
}

/* `jmp *SLOT(%rip)` anywhere in the entry, behind endbr64, bnd or a move as the linkers have it. */
static const struct plt_slot *jump_slot(const struct plt *p, const uint8_t *code, size_t size_bytes,
					uint64_t vaddr)
{
	for (size_t i = 0; i + 6 <= size_bytes; i++) {
		struct cursor c = cursor_of(code + i, 6);
		if (cursor_u16(&c) != 0x25ff)
			continue;
		int32_t displacement = cursor_s32(&c);
		uint64_t slot = vaddr + i + 6 + (uint64_t)(int64_t)displacement;
		uint32_t row = map64_get(&p->by_vaddr, slot);
		if (row)
			return &p->slots.at[row];
	}
	return NULL;
}

/* `endbr64; push INDEX; jmp`: a lazy entry where .plt.sec has the jumps. */
static const struct plt_slot *push_slot(const struct plt *p, const uint8_t *code, size_t size_bytes)
{
	static const uint8_t endbr64_push[] = { 0xf3, 0x0f, 0x1e, 0xfa, 0x68 };
	struct cursor c = cursor_of(code, size_bytes);
	const void *begin = cursor_take(&c, sizeof(endbr64_push));
	uint32_t index = cursor_u32(&c);
	if (c.bad || memcmp(begin, endbr64_push, sizeof(endbr64_push)) != 0 ||
	    index >= p->lazy_slots)
		return NULL;
	return &p->slots.at[1 + index];
}

static bool add_entries(struct plt *p, const struct object_section *section, size_t entry)
{
	size_t count = section->size_bytes / entry;
	for (size_t i = 0; i < count && i < PLT_ENTRIES_MAX; i++) {
		const uint8_t *code = section->bytes + i * entry;
		uint64_t vaddr = section->vaddr + i * entry;
		const struct plt_slot *slot = jump_slot(p, code, entry, vaddr);
		if (!slot)
			slot = push_slot(p, code, entry);
		if (slot && !name_entry(p, slot, vaddr, entry))
			return false;
	}
	return true;
}

/* Entries have 8 or 16 bytes; ld writes no size for those of a program without a loader. */
static size_t entry_bytes(const struct elf_section *s, const struct object_section *section)
{
	static const uint8_t jump[] = { 0xff, 0x25 };
	if (s->entry_size_bytes == 8 || s->entry_size_bytes == 16)
		return (size_t)s->entry_size_bytes;
	bool packed = section->size_bytes >= 16 && !memcmp(section->bytes, jump, sizeof(jump)) &&
		      !memcmp(section->bytes + 8, jump, sizeof(jump));
	return packed ? 8 : 16;
}

static int add_sections(struct plt *p, const struct object *o, const struct elf_sections *sections)
{
	static const char *const names[] = { ".plt", ".plt.sec", ".plt.got", ".iplt" };
	int rc = -ENOENT;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct elf_section *s = elf_section_find(sections, names[i]);
		struct object_section section;
		if (!s || elf_section_load(o, s, &section, NULL) < 0)
			continue;
		bool ok = add_entries(p, &section, entry_bytes(s, &section));
		object_section_deinit(&section);
		if (!ok)
			return -ENOMEM;
		rc = 0;
	}
	return rc;
}

static void load_section(const struct object *o, const struct elf_sections *sections,
			 const char *name, struct object_section *out)
{
	const struct elf_section *s = elf_section_find(sections, name);
	if (s)
		elf_section_load(o, s, out, NULL);
}

int symtab_add_plt(struct symtab *t, const struct object *o, const struct elf_sections *sections,
		   struct error *err)
{
	struct plt p = { .symtab = t };
	if (o->machine != EM_X86_64)
		return -ENOENT;
	load_section(o, sections, ".dynsym", &p.symbols);
	load_section(o, sections, ".dynstr", &p.names);
	int rc = load_slots(&p, o, sections) ? add_sections(&p, o, sections) : -ENOMEM;
	object_section_deinit(&p.symbols);
	object_section_deinit(&p.names);
	map64_deinit(&p.by_vaddr);
	vec_free(&p.slots);
	return rc == -ENOMEM ? fail(err, rc, "out of memory") : rc;
}
