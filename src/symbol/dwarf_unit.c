// SPDX-License-Identifier: MIT
#include "symbol/dwarf_unit.h"

#include <dwarf.h>

#include "base/clock.h"

/* Namespaces, blocks and inlined calls nest; compilers stay far below. */
enum { DEPTH_MAX = 1024 };

enum { CLOCK_EVERY_STEPS = 1024 };

bool dwarf_spend(struct dwarf_budget *b)
{
	if (b->steps && b->steps % CLOCK_EVERY_STEPS == 0 &&
	    clock_ns(CLOCK_THREAD_CPUTIME_ID) > b->cpu_deadline_ns)
		b->steps = 0;
	if (b->steps)
		b->steps--;
	return b->steps != 0;
}

bool dwarf_add_ranges(Dwarf_Die *die, struct ranges *to, uint32_t row, struct dwarf_budget *budget)
{
	ptrdiff_t offset = 0;
	Dwarf_Addr base, start, end;
	while ((offset = dwarf_ranges(die, offset, &base, &start, &end)) > 0) {
		if (!dwarf_spend(budget) || !ranges_add(to, start, end, row))
			return false;
	}
	return true;
}

struct walk {
	struct dwarf_unit *unit;
	struct dwarf_budget *budget;
};

/* Types can hold no code, except as the scope of functions. */
static bool may_hold_code(int tag)
{
	switch (tag) {
	case DW_TAG_subprogram:
	case DW_TAG_inlined_subroutine:
	case DW_TAG_lexical_block:
	case DW_TAG_try_block:
	case DW_TAG_catch_block:
	case DW_TAG_with_stmt:
	case DW_TAG_entry_point:
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_class_type:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_interface_type: return true;
	default: return false;
	}
}

/* @return the scope for the children: a row of `functions`, or `scope`; UINT32_MAX without memory
 */
static uint32_t add_function(struct walk *w, Dwarf_Die *die, int tag, uint32_t scope)
{
	struct dwarf_unit *u = w->unit;
	bool inlined = tag == DW_TAG_inlined_subroutine;
	size_t row = u->functions.count, before = u->ranges.pending.count;
	if (row >= UINT32_MAX || !dwarf_add_ranges(die, &u->ranges, (uint32_t)row, w->budget))
		return UINT32_MAX;
	if (u->ranges.pending.count == before)
		return scope; /* a declaration, or the abstract form of an inlined function */
	struct dwarf_function f = { .die_off = dwarf_dieoffset(die),
				    .parent = inlined ? scope : 0,
				    .inlined = inlined && scope };
	return vec_push(&u->functions, f) ? (uint32_t)row : UINT32_MAX;
}

static bool walk_children(struct walk *w, Dwarf_Die *parent, uint32_t scope, int depth)
{
	Dwarf_Die die;
	if (depth > DEPTH_MAX || dwarf_child(parent, &die) != 0)
		return true;
	for (;;) {
		if (!dwarf_spend(w->budget))
			return true;
		int tag = dwarf_tag(&die);
		uint32_t inner = scope;
		if (tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine)
			inner = add_function(w, &die, tag, scope);
		if (inner == UINT32_MAX ||
		    (may_hold_code(tag) && !walk_children(w, &die, inner, depth + 1)))
			return false;
		Dwarf_Die next;
		/* A sibling before its elder would lead round in circles. */
		if (dwarf_siblingof(&die, &next) != 0 || next.addr <= die.addr)
			return true;
		die = next;
	}
}

bool dwarf_unit_load(struct dwarf_unit *u, struct dwarf_budget *budget)
{
	if (u->loaded)
		return true;
	u->loaded = true;
	struct walk w = { u, budget };
	uint64_t begin_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	budget->cpu_deadline_ns = begin_ns + budget->cpu_ns;
	if (!budget->steps || !budget->cpu_ns)
		return false;
	if (!vec_push(&u->functions, (struct dwarf_function){ 0 }))
		return false;
	bool ok = walk_children(&w, &u->die, 0, 0);
	if (dwarf_getsrclines(&u->die, &u->lines, &u->line_count) != 0)
		u->line_count = 0;
	if (dwarf_getsrcfiles(&u->die, &u->files, &u->file_count) != 0)
		u->file_count = 0;
	ok &= ranges_finish(&u->ranges);
	uint64_t spent_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin_ns;
	budget->cpu_ns -= spent_ns < budget->cpu_ns ? spent_ns : budget->cpu_ns;
	return ok;
}

static bool line_address(const struct dwarf_unit *u, size_t i, Dwarf_Addr *out)
{
	Dwarf_Line *line = dwarf_onesrcline(u->lines, i);
	return line && dwarf_lineaddr(line, out) == 0;
}

Dwarf_Line *dwarf_unit_line(const struct dwarf_unit *u, uint64_t vaddr)
{
	size_t low = 0, high = u->line_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		Dwarf_Addr address;
		if (line_address(u, middle, &address) && address <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	Dwarf_Line *line = low ? dwarf_onesrcline(u->lines, low - 1) : NULL;
	bool is_end;
	return line && dwarf_lineendsequence(line, &is_end) == 0 && !is_end ? line : NULL;
}

void dwarf_unit_deinit(struct dwarf_unit *u)
{
	vec_free(&u->functions);
	ranges_deinit(&u->ranges);
}
