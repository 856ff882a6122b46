/* SPDX-License-Identifier: MIT */
#ifndef UNWIND_CACHE_H
#define UNWIND_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "unwind/rows.h"

enum { CACHE_BITS = 12 };

struct cache_entry {
	uint64_t pc; /* 0: free */
	uint32_t space;
	struct unwind_rule rule;
};

/* Direct-mapped: one probe, a newcomer replaces. */
struct unwind_cache {
	bool used;
	struct cache_entry entries[1 << CACHE_BITS];
};

static inline struct cache_entry *cache_slot(struct unwind_cache *c, uint64_t pc, uint32_t space)
{
	uint64_t hash = (pc ^ (uint64_t)space << 40) * UINT64_C(0x9e3779b97f4a7c15);
	return &c->entries[hash >> (64 - CACHE_BITS)];
}

#endif
