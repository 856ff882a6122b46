/* SPDX-License-Identifier: MIT */
#ifndef SYMBOL_DWARF_UNIT_H
#define SYMBOL_DWARF_UNIT_H

#include <elfutils/libdw.h>

#include "symbol/ranges.h"

/* One compilation unit: its functions and inlined calls by range, its lines. */
struct dwarf_function { /* a DW_TAG_subprogram or DW_TAG_inlined_subroutine with code */
	Dwarf_Off die_off;
	uint32_t parent; /* the function that it is inlined into; 0: not inlined */
	uint32_t name;   /* row in a table of the caller; 0: not looked up yet */
	bool inlined;
};

/* What may be spent on one object: hostile input shares long lists between many DIEs. */
struct dwarf_budget {
	uint64_t steps;           /* DIEs and ranges that may still be looked at */
	uint64_t cpu_ns;          /* of the thread, that may still be spent */
	uint64_t cpu_deadline_ns; /* by the thread's own clock; for the unit that is being read */
};

/** Spends one step, and now and then looks at the clock. @return false if nothing is left */
bool dwarf_spend(struct dwarf_budget *b);

struct dwarf_unit {
	Dwarf_Die die;
	bool loaded;
	VEC(struct dwarf_function) functions; /* row 0 is unused */
	struct ranges ranges;                 /* to rows of `functions`: the innermost one */
	Dwarf_Lines *lines;                   /* libdw's, by address */
	size_t line_count;
	Dwarf_Files *files;
	size_t file_count;
};

/**
 * Adds the ranges of a DIE.
 *
 * @return false without memory or budget
 */
bool dwarf_add_ranges(Dwarf_Die *die, struct ranges *to, uint32_t row, struct dwarf_budget *budget);

/** Reads functions and lines, once. What is damaged is left out. @return false without memory */
bool dwarf_unit_load(struct dwarf_unit *u, struct dwarf_budget *budget);

/** @return the row of the line table that holds the address, or NULL */
Dwarf_Line *dwarf_unit_line(const struct dwarf_unit *u, uint64_t vaddr);

void dwarf_unit_deinit(struct dwarf_unit *u);

#endif
