/* SPDX-License-Identifier: MIT */
#ifndef UNWIND_TABLE_H
#define UNWIND_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "object/object.h"
#include "unwind/cfi.h"
#include "unwind/rows.h"

/* Where an FDE stands. Sorted by `start`. */
struct table_fde {
	uint32_t start;  /* behind table->base_vaddr */
	uint32_t offset; /* in its section */
};
enum { TABLE_FDE_DEBUG = 1u << 31 }; /* in `offset`: of .debug_frame */

struct unwind_table {
	struct object *obj;
	uint64_t base_vaddr; /* a multiple of the page size */
	uint32_t span_bytes; /* rows cover [base_vaddr, base_vaddr + span_bytes) */
	uint32_t row_count, page_count, rule_count, fde_count;
	struct unwind_row *rows;
	uint32_t *pages; /* page_count + 1 of them */
	struct unwind_rule *rules;
	struct table_fde *fdes;
	uint64_t eh_frame_vaddr;
	size_t eh_frame_size_bytes;
	uint64_t eh_frame_file_off;        /* its bytes are read again when an FDE is interpreted */
	struct object_section debug_frame; /* kept, as it may be compressed in the file */
	bool is_go;                        /* rows come from what Go's linker wrote as CFI */
	uint64_t go_start, go_end;         /* rows in [go_start, go_end) come from Go's own table */
};

/** Has Go's own table made the rows for an address? There is no FDE for it. */
static inline bool table_is_go(const struct unwind_table *t, uint64_t vaddr)
{
	return vaddr - t->go_start < t->go_end - t->go_start;
}

/** @return the rule for an address, CFA_UNKNOWN in gaps and outside */
static inline struct unwind_rule table_rule(const struct unwind_table *t, uint64_t vaddr)
{
	uint64_t at = vaddr - t->base_vaddr;
	if (at >= t->span_bytes)
		return (struct unwind_rule){ .cfa_kind = CFA_UNKNOWN };
	uint32_t page = (uint32_t)(at >> UNWIND_PAGE_SHIFT);
	uint32_t low = at & (UNWIND_PAGE_BYTES - 1);
	uint32_t first = t->pages[page], end = t->pages[page + 1];
	while (first < end) { /* the first row behind the address */
		uint32_t middle = (first + end) / 2;
		if (t->rows[middle].low <= low)
			first = middle + 1;
		else
			end = middle;
	}
	if (!first)
		return (struct unwind_rule){ .cfa_kind = CFA_UNKNOWN };
	return t->rules[t->rows[first - 1].rule];
}

/** Fills rows and FDEs from .eh_frame and t->debug_frame; errors as unwind_table_create(). */
int table_compile(struct unwind_table *t, const struct object_section *eh_frame, struct error *err);

/* An FDE with its CIE, read again from the object. Big: it holds copies of their bytes. */
enum { TABLE_FDE_BYTES = 8192, TABLE_CIE_BYTES = 1024 };
struct table_entry {
	struct cfi_section section;
	struct cfi_cie cie;
	struct cfi_fde fde;
	uint8_t fde_bytes[TABLE_FDE_BYTES];
	uint8_t cie_bytes[TABLE_CIE_BYTES];
};

/** @return false if none covers the address, or it cannot be read */
bool table_read_entry(const struct unwind_table *t, uint64_t vaddr, struct table_entry *out);

/** Does an FDE start at the address, and none cover the byte before? */
bool table_is_bare_start(const struct unwind_table *t, uint64_t vaddr);

#endif
