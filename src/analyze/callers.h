/* SPDX-License-Identifier: MIT */
#ifndef ANALYZE_CALLERS_H
#define ANALYZE_CALLERS_H

#include "analyze/hotspots.h"

struct caller {
	string_id function; /* 0: nobody, it is outermost */
	uint64_t samples;   /* of the called one's own code */
};

/**
 * Who calls a function while samples are in its own code; recursion is skipped.
 *
 * @param out array of `most`, those with most samples first
 * @return how many there are in it; without memory none
 */
size_t callers_of(const struct profile *p, const struct hotspot *h, struct caller *out,
		  size_t most);

#endif
