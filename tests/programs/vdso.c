// SPDX-License-Identifier: MIT
/* Asks for the time and does little else: most samples lie in the vdso. usage: vdso [SECONDS] */
#include "meter.h"

NOINLINE static void ask_the_time(int n)
{
	struct timespec t;
	for (int i = 0; i < n; i++)
		clock_gettime(CLOCK_MONOTONIC, &t);
}

int main(int argc, char **argv)
{
	double seconds = meter_argument(argc, argv, 1, 1);
	uint64_t start = meter_thread_ns();
	while ((double)(meter_thread_ns() - start) < seconds * 1e9)
		ask_the_time(300000);
	return 0;
}
