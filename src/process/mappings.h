/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_MAPPINGS_H
#define PROCESS_MAPPINGS_H

#include "base/vec.h"
#include "process/process.h"

/*
 * The executable mappings of an address space: sorted, without overlaps. Counted, since fork shares
 * them until either side changes them.
 */
struct mappings {
	uint32_t references;
	VEC(struct mapping) list;
};

/** @return an empty set with one reference, NULL without memory */
struct mappings *mappings_create(void);
struct mappings *mappings_ref(struct mappings *m);
/** Takes NULL. */
void mappings_unref(struct mappings *m);

/**
 * Adds a mapping; what it covers of older ones is gone (munmap leaves no record, a newer mapping wins).
 *
 * @param m replaced by a copy of its own if it is shared
 * @return false without memory
 */
bool mappings_add(struct mappings **m, const struct mapping *mapping);

/** @return the mapping that holds pc, or NULL */
const struct mapping *mappings_find(const struct mappings *m, uint64_t pc);

#endif
