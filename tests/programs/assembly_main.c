// SPDX-License-Identifier: MIT
/* main, call_asm, asm_rebased, asm_moving. usage: assembly [SECONDS of CPU time] */
#include "meter.h"

void asm_rebased(uint64_t steps);

NOINLINE static void call_asm(uint64_t steps)
{
	asm_rebased(steps);
	__asm__ volatile("" ::: "memory");
}

int main(int argc, char **argv)
{
	double seconds = meter_argument(argc, argv, 1, 1);
	uint64_t start = meter_thread_ns();
	while ((double)(meter_thread_ns() - start) < seconds * 1e9)
		call_asm(300000);
	return 0;
}
