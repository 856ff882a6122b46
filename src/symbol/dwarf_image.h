/* SPDX-License-Identifier: MIT */
#ifndef SYMBOL_DWARF_IMAGE_H
#define SYMBOL_DWARF_IMAGE_H

#include <elfutils/libdw.h>
#include <libelf.h>

#include "object/object.h"

/*
 * What libdw reads: an ELF file in memory that holds nothing but the unpacked debug sections of an
 * object. So libdw never sees a file that changes under it, nor headers made by others, and all
 * compressions look alike to it.
 */
struct dwarf_image {
	uint8_t *bytes;
	size_t size_bytes, info_bytes; /* of the whole, of .debug_info */
	Elf *elf;
	Dwarf *dwarf;
};

/** @return 0; -ENOENT if the object has no .debug_info; -EBADMSG; -EFBIG; -ENOMEM */
int dwarf_image_create(const struct object *o, struct dwarf_image *out, struct error *err);
void dwarf_image_deinit(struct dwarf_image *image);

#endif
