// SPDX-License-Identifier: MIT
/*
 * Half of its CPU time in one function, then half of it in another. usage: phases SECONDS (each half)
 * Prints the true nanoseconds of both.
 */
#include "meter.h"

METER_LEAF(early)
METER_LEAF(late)

static unsigned long long spend(void (*work)(uint64_t), double seconds)
{
	uint64_t steps = meter_steps(1e6), begin = meter_thread_ns(), now = begin;
	while ((double)(now - begin) < seconds * 1e9) {
		work(steps);
		now = meter_thread_ns();
	}
	return now - begin;
}

int main(int argc, char **argv)
{
	double seconds = meter_argument(argc, argv, 1, 1);
	unsigned long long early_ns = spend(early, seconds), late_ns = spend(late, seconds);
	printf("{\"early\": %llu, \"late\": %llu}\n", early_ns, late_ns);
	return 0;
}
