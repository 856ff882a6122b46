// SPDX-License-Identifier: MIT
/*
 * Two outer paths, chosen at random, call the same 100 KB of inner frames, which hold the same bytes
 * whoever called. Nobody can tell by the inner part of the stack which path was taken.
 * usage: alternate [SECONDS]
 */
#include "meter.h"

METER_LEAF(leaf)

NOINLINE static int inner(unsigned depth)
{
	volatile char local[1024];
	memset((char *)local, 0, sizeof(local));
	if (depth)
		local[0] = (char)inner(depth - 1);
	else
		leaf(100000);
	return local[0] + local[1023];
}

#define OUTER(name)                          \
	NOINLINE static int name(void)       \
	{                                    \
		volatile char local[64];     \
		local[0] = (char)inner(100); \
		return local[0];             \
	}
OUTER(outer_one)
OUTER(outer_two)

int main(int argc, char **argv)
{
	double seconds = meter_argument(argc, argv, 1, 0.5);
	uint64_t start = meter_thread_ns(), random = 88172645463325252;
	while ((double)(meter_thread_ns() - start) < seconds * 1e9) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		if ((random & 1 ? outer_one : outer_two)())
			return 1;
	}
	return 0;
}
