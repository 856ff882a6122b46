/* SPDX-License-Identifier: MIT */
#ifndef OBJECT_SECTIONS_H
#define OBJECT_SECTIONS_H

#include "object/object.h"

/* The section header table, for those who need more than object_section_load(). */
struct elf_section {
	const char *name;          /* lives as long as the table; "" if unknown */
	uint32_t name_off;         /* in the table of names */
	uint32_t type, link, info; /* SHT_... */
	uint64_t flags;            /* SHF_... */
	uint64_t vaddr, file_off, size_bytes, align, entry_size_bytes;
};

struct elf_sections {
	struct elf_section *at; /* by section index; [0] is the null section */
	size_t count;
	char *names;
};

/**
 * @return 0 (also for a file without sections: `count` is 0); -EBADMSG if the table is damaged or
 *         cut off; -ENOMEM
 */
int elf_sections_read(const struct object *o, struct elf_sections *out, struct error *err);
void elf_sections_deinit(struct elf_sections *s);

/** @return the first section of that name that has bytes in the file, or NULL */
const struct elf_section *elf_section_find(const struct elf_sections *s, const char *name);

/** Loads and unpacks one section. @return as object_section_load() */
int elf_section_load(const struct object *o, const struct elf_section *s,
		     struct object_section *out, struct error *err);

/**
 * Unpacks a zlib or zstd stream to exactly `size_bytes`.
 *
 * @param kind ELFCOMPRESS_ZLIB or ELFCOMPRESS_ZSTD
 * @return 0; -EBADMSG; -EFBIG; -ENOMEM
 */
int elf_unpack(uint32_t kind, const uint8_t *packed, size_t packed_bytes, uint64_t size_bytes,
	       uint8_t **out, struct error *err);

#endif
