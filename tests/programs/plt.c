// SPDX-License-Identifier: MIT
/*
 * Calls a function that does nothing through the PLT, so that many samples lie in the stub.
 * usage: plt [SECONDS of CPU time]
 */
#include "meter.h"

int nothing(int x);

NOINLINE static int many_calls(int n)
{
	int sum = 0;
	for (int i = 0; i < n; i++)
		sum += nothing(i);
	return sum;
}

int main(int argc, char **argv)
{
	double seconds = meter_argument(argc, argv, 1, 1);
	int sum = 0;
	uint64_t start = meter_thread_ns();
	while ((double)(meter_thread_ns() - start) < seconds * 1e9)
		sum += many_calls(1000000);
	return sum == 12345;
}
