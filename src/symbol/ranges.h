/* SPDX-License-Identifier: MIT */
#ifndef SYMBOL_RANGES_H
#define SYMBOL_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"

/*
 * Address ranges that may nest, flattened so that one binary search finds the innermost. Add all,
 * call ranges_finish(), then look up. A zeroed struct is empty.
 */
struct range {
	uint64_t start, end;
	uint32_t row; /* the caller's; 0 means "none" */
	uint32_t order;
};

struct range_edge { /* from here up to the next edge: `row` */
	uint64_t start;
	uint32_t row;
};

struct ranges {
	VEC(struct range) pending;
	VEC(struct range_edge) edges;
};

/** Empty ranges are ignored. @return false without memory */
bool ranges_add(struct ranges *r, uint64_t start, uint64_t end, uint32_t row);

/**
 * Flattens. Innermost is what starts later; of equal starts the shorter; of equal ranges the one
 * added later.
 * @return false without memory
 */
bool ranges_finish(struct ranges *r);

/** @return the row, or 0 if no range holds the address */
uint32_t ranges_find(const struct ranges *r, uint64_t address);
void ranges_deinit(struct ranges *r);

#endif
