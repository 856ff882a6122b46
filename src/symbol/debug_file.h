/* SPDX-License-Identifier: MIT */
#ifndef SYMBOL_DEBUG_FILE_H
#define SYMBOL_DEBUG_FILE_H

#include "object/file_root.h"
#include "object/object.h"

/*
 * Where debug information lives when it is not in the binary. Regular files only, and only those
 * that prove to belong: by build-id, or by the checksum in `.gnu_debuglink`. Source: GDB manual,
 * "Debugging Information in Separate Files"; DWARF 5, 7.3.6 for the alternate file.
 */

/* Where to look: below the root of the process that has mapped the object, then below our own. */
struct debug_places {
	const char *debug_dir;  /* in each root */
	struct file_root *ours; /* borrowed */
};

/** @return 0; -ENOENT (a miss) */
int debug_file_find(const struct object *o, const struct debug_places *places, struct object **out);

/** The file that dwz moved common parts to, named by `.gnu_debugaltlink` of `debug`. @return as
 * above */
int debug_file_find_alternate(const struct object *debug, const struct debug_places *places,
			      struct object **out);

#endif
