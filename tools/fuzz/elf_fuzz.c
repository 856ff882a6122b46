// SPDX-License-Identifier: MIT
/* ELF headers, sections, symbol tables, PLT, .gnu_debugdata, .gopclntab and unwind rows of a hostile file. */
#include <stddef.h>
#include <stdint.h>

#include "object/object.h"
#include "object/sections.h"
#include "symbol/symbol.h"
#include "symbol/symtab.h"
#include "unwind/unwind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void load_all(const struct object *o)
{
	struct elf_sections sections;
	if (elf_sections_read(o, &sections, NULL) < 0)
		return;
	for (size_t i = 1; i < sections.count && i < 64; i++) {
		struct object_section section;
		if (elf_section_load(o, &sections.at[i], &section, NULL) == 0)
			object_section_deinit(&section);
	}
	struct symtab t = { 0 };
	if (symtab_add_code(&t, &sections)) {
		symtab_add(&t, o, &sections, ".symtab", NULL);
		symtab_add(&t, o, &sections, ".dynsym", NULL);
		symtab_add_minidebug(&t, o, &sections, NULL);
		symtab_add_gopclntab(&t, o, &sections, NULL);
		symtab_add_plt(&t, o, &sections, NULL);
		symtab_finish(&t, NULL);
		for (size_t i = 0; i < t.entries.count; i++)
			symtab_find(&t, t.entries.at[i].start);
	}
	symtab_deinit(&t);
	elf_sections_deinit(&sections);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct object *o = NULL;
	uint64_t vaddr;
	if (object_open_image(data, size, "fuzz", &o, NULL) < 0)
		return 0;
	for (uint64_t off = 0; off < size; off += 64)
		object_vaddr_of(o, off, &vaddr);
	load_all(o);
	struct unwind_table *rows;
	if (unwind_table_create(o, &rows, NULL) == 0)
		unwind_table_destroy(rows);
	object_unref(o);
	return 0;
}
