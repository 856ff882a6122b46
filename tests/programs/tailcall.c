// SPDX-License-Identifier: MIT
/*
 * Tail calls: main calls first, which jumps to second, which jumps to third. The machine knows only
 * main and third. usage: tailcall [SECONDS of CPU time]
 */
#include "meter.h"

METER_LEAF(third)

NOINLINE void second(uint64_t steps);
NOINLINE void second(uint64_t steps)
{
	third(steps + 1);
}

NOINLINE void first(uint64_t steps);
NOINLINE void first(uint64_t steps)
{
	second(steps + 1);
}

/* A call that ends its function: the return address is the first byte of what comes behind it. */
NOINLINE __attribute__((noreturn)) void at_the_end(uint64_t steps);
NOINLINE void at_the_end(uint64_t steps)
{
	first(steps);
	exit(0);
}

int main(int argc, char **argv)
{
	double seconds = meter_argument(argc, argv, 1, 1);
	uint64_t start = meter_thread_ns();
	while ((double)(meter_thread_ns() - start) < seconds * 1e9)
		first(3000000);
	at_the_end(30000000);
}
