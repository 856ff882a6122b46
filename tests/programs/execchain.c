// SPDX-License-Identifier: MIT
/*
 * Works for a while and then becomes the next program: usage: execchain MILLISECONDS [NEXT...]
 * NEXT are paths of this program under other names.
 */
#include <unistd.h>

#include "meter.h"

METER_LEAF(chain_work)

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	uint64_t start = meter_thread_ns();
	while ((double)(meter_thread_ns() - start) < atof(argv[1]) * 1e6)
		chain_work(100000);
	if (argc == 2)
		return 7;
	char *next = argv[2];
	argv[2] = argv[1]; /* NEXT MILLISECONDS [REST...] */
	argv[1] = next;
	execv(next, argv + 1);
	return 127;
}
