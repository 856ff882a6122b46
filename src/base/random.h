/* SPDX-License-Identifier: MIT */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

/** A small fast generator for jitter, not for secrets: splitmix64 (Steele, Lea, Flood 2014). */
struct random {
	uint64_t state;
};

static inline uint64_t random_u64(struct random *r)
{
	uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/** @return uniform in [low, high], both included */
static inline uint64_t random_between(struct random *r, uint64_t low, uint64_t high)
{
	uint64_t span = high - low + 1;
	if (!span) /* all 64 bits */
		return random_u64(r);
	return low + (uint64_t)(((unsigned __int128)random_u64(r) * span) >> 64);
}

#endif
