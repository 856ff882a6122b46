/* SPDX-License-Identifier: MIT */
#ifndef ANALYZE_INTERVAL_H
#define ANALYZE_INTERVAL_H

#include <stdint.h>

struct interval { /* in percent */
	double percent, low, high;
};

/**
 * Share of `count` in `total` with its 95 % Wilson score interval (Wilson 1927); total 0 gives
 * 0..0. Finite, 0 <= low <= percent <= high <= 100.
 */
struct interval interval_wilson(uint64_t count, uint64_t total);

#endif
