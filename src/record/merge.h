/* SPDX-License-Identifier: MIT */
#ifndef RECORD_MERGE_H
#define RECORD_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Merges sources that are each ordered by time (rings, files). The merge knows only the time at
 * which each source stands; equal times come in the order of the sources' numbers. A source that
 * has nothing at present is not in it.
 */
struct merge_entry {
	uint64_t time_ns;
	uint32_t source;
};

struct merge {
	struct merge_entry *heap;
	uint32_t count, capacity;
};

/** @return 0 or -ENOMEM */
int merge_init(struct merge *m, uint32_t sources);
void merge_deinit(struct merge *m);

/** Puts a source in; it must not be in already. @return false if more sources than promised are put
 * in */
bool merge_push(struct merge *m, uint32_t source, uint64_t time_ns);

/** @return the source that stands earliest, or NULL when all are empty */
static inline const struct merge_entry *merge_top(const struct merge *m)
{
	return m->count ? &m->heap[0] : NULL;
}

/** Takes the earliest source out. */
void merge_pop(struct merge *m);

/** The earliest source has moved on to a later time (not before the one it had). */
void merge_advance(struct merge *m, uint64_t time_ns);

#endif
