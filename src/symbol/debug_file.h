/* SPDX-License-Identifier: MIT */
#ifndef SYMBOL_DEBUG_FILE_H
#define SYMBOL_DEBUG_FILE_H

#include "object/object.h"

/*
 * Where debug information lives when it is not in the binary. Regular files only, and only those
 * that prove to belong: by build-id, or by the checksum in `.gnu_debuglink`. Source: GDB manual,
 * "Debugging Information in Separate Files"; DWARF 5, 7.3.6 for the alternate file.
 */

/** @return 0; -ENOENT (a miss) */
int debug_file_find(const struct object *o, const char *debug_dir, struct object **out);

/** The file that dwz moved common parts to, named by `.gnu_debugaltlink` of `debug`. @return as
 * above */
int debug_file_find_alternate(const struct object *debug, const char *debug_dir,
			      struct object **out);

#endif
