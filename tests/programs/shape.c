// SPDX-License-Identifier: MIT
/*
 * One stack: main, outer, middle, inner. usage: shape [SECONDS of CPU time]
 * Prints "ready" first. Built in every way that a binary comes in.
 */
#include "meter.h"

METER_LEAF(inner)

NOINLINE void middle(uint64_t steps);
NOINLINE void middle(uint64_t steps)
{
	inner(steps);
	__asm__ volatile("" ::: "memory"); /* keeps the call from becoming a jump */
}

NOINLINE void outer(uint64_t steps);
NOINLINE void outer(uint64_t steps)
{
	middle(steps);
	__asm__ volatile("" ::: "memory");
}

int main(int argc, char **argv)
{
	double seconds = meter_argument(argc, argv, 1, 1);
	puts("ready");
	fflush(stdout);
	uint64_t start = meter_thread_ns();
	while ((double)(meter_thread_ns() - start) < seconds * 1e9)
		outer(3000000);
	return 0;
}
