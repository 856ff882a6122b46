/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_PERF_SAMPLE_H
#define SAMPLER_PERF_SAMPLE_H

#include "base/cursor.h"
#include "sampler/perf_decode.h"

/* The one record whose content depends on the attr; the others are in perf_decode.c. */

static inline bool perf_has(const struct perf_layout *layout, uint64_t part)
{
	return layout->sample_type & part;
}

static inline uint64_t perf_take_if(struct cursor *c, bool there)
{
	return there ? cursor_u64(c) : 0;
}

/** Reads its fields up to the period. IDENTIFIER and ID are the same number. */
void perf_sample_head(struct cursor *c, const struct perf_layout *layout, uint64_t *pc,
		      struct perf_meta *out);

/**
 * Reads all of it.
 *
 * @param c behind the record's header
 * @param out_branches may be NULL
 * @return false if it is damaged
 */
bool perf_sample_decode(struct cursor c, const struct perf_layout *layout,
			const struct perf_meta *meta, struct perf_branches *out_branches,
			struct record *out);

#endif
