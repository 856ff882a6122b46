/* SPDX-License-Identifier: MIT */
#ifndef SYMBOL_DWARF_NAMES_H
#define SYMBOL_DWARF_NAMES_H

#include "base/strings.h"
#include "object/object.h"
#include "symbol/debug_file.h"

/*
 * Functions, inlined calls and lines of one object by its debug information. Compilation units are
 * indexed when they are first needed. Belongs to one thread.
 */
struct dwarf_names;

struct dwarf_frame {
	string_id name; /* linkage name, else the plain one; 0 if unknown */
	string_id file;
	bool has_linkage_name;
	uint32_t line, start_line; /* 0 if unknown */
};

enum { DWARF_FRAMES_MAX = 256 };

struct dwarf_answer {
	struct dwarf_frame
		frames[DWARF_FRAMES_MAX]; /* innermost first; all but the last are inlined */
	uint32_t count; /* 0: no unit covers the address; a frame without a name: only the line is
	                   known */
	uint64_t start_vaddr; /* of the last frame's function; 0 if unknown */
};

/**
 * @param source    the object that has `.debug_info`; borrowed for the call
 * @param places where a file split off by dwz is looked for
 * @param strings   borrowed until dwarf_names_destroy()
 * @return 0; -ENOENT if it has no debug information (a miss); -EBADMSG; -EFBIG; -ENOMEM
 */
int dwarf_names_create(const struct object *source, const struct debug_places *places,
		       struct strings *strings, struct dwarf_names **out, struct error *err);
/** Takes NULL. */
void dwarf_names_destroy(struct dwarf_names *d);

void dwarf_names_find(struct dwarf_names *d, uint64_t vaddr, struct dwarf_answer *out);

#endif
