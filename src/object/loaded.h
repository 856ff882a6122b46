/* SPDX-License-Identifier: MIT */
#ifndef OBJECT_LOADED_H
#define OBJECT_LOADED_H

#include "object/object.h"

/**
 * An object from what a loader has put into memory. Segments are all that is there: section headers,
 * `.symtab` and debug information are not loaded. Sections for code, `.eh_frame`, `.dynsym` and
 * `.dynstr` are made up from the program headers, so that the file's readers find them.
 *
 * @param image malloc'd, laid out as the file is, with zeroes for what is not there; taken over, also
 *              on failure
 * @param bias  address in the process minus vaddr (pointers in the dynamic section may be either)
 * @return 0; -ENOEXEC if it is no ELF file for x86-64; -EBADMSG; -ENOMEM
 * Source: gABI 4, "Program Header", "Dynamic Section"; LSB 5.0 Core, 10.6.2 (.eh_frame_hdr)
 */
int object_open_loaded(uint8_t *image, size_t size_bytes, uint64_t bias, const char *path,
		       struct object **out, struct error *err);

#endif
