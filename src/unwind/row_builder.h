/* SPDX-License-Identifier: MIT */
#ifndef UNWIND_ROW_BUILDER_H
#define UNWIND_ROW_BUILDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "base/vec.h"
#include "unwind/rows.h"

/*
 * Collects rows in order of address: equal neighbours become one row, equal rules one rule. A
 * zeroed struct is empty.
 */
enum { ROW_BUILDER_RECENT = 256 };

struct row_builder {
	VEC(struct unwind_row) rows;
	VEC(uint32_t) pages;
	VEC(struct unwind_rule) rules;
	struct row_index rule_index;         /* rows are rule numbers + 1 */
	uint16_t recent[ROW_BUILDER_RECENT]; /* rule numbers by hash */
};

/**
 * Adds a row that begins at `at`, which must be above those of all rows before.
 * @return false without memory
 */
bool row_builder_add(struct row_builder *b, uint32_t at, const struct unwind_rule *rule);

/** Completes the page index for addresses below `span_bytes`. @return false without memory */
bool row_builder_finish(struct row_builder *b, uint32_t span_bytes);

/** Frees everything that was not taken over. */
void row_builder_deinit(struct row_builder *b);

#endif
