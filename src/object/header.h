/* SPDX-License-Identifier: MIT */
#ifndef OBJECT_HEADER_H
#define OBJECT_HEADER_H

#include "base/cursor.h"
#include "object/object.h"

/* The ELF header as both classes have it. Source: gABI 4, "ELF Header". */
struct elf_header {
	bool is_64bit;
	uint16_t type, machine;
	uint64_t entry_vaddr, program_header_off, section_header_off;
	uint16_t program_header_size_bytes, program_header_count;
	uint16_t section_header_size_bytes, section_count, section_names_index;
};

/** @return 0; -ENOEXEC if it is no ELF file for x86-64 or i386; -EBADMSG */
int elf_header_read(const struct object *o, struct elf_header *out, struct error *err);

/** An address, offset or size: 8 bytes in ELFCLASS64, 4 in ELFCLASS32. */
static inline uint64_t elf_word(struct cursor *c, bool is_64bit)
{
	return is_64bit ? cursor_u64(c) : cursor_u32(c);
}

#endif
