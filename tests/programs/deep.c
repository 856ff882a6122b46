// SPDX-License-Identifier: MIT
/*
 * Recursion: main, then DEPTH times descend_BYTES, then bottom.
 * usage: deep DEPTH BYTES [SECONDS]; BYTES is 16, 512 or 4096, a frame's local array.
 * Prints the bytes of stack between main and bottom.
 */
#include <sys/resource.h>
#include <unistd.h>

#include "meter.h"

static char *top;

METER_LEAF(bottom)

NOINLINE static void work(double seconds)
{
	char here;
	printf("{\"stack_bytes\": %td}\n", top - &here);
	fflush(stdout);
	uint64_t start = meter_thread_ns();
	while ((double)(meter_thread_ns() - start) < seconds * 1e9)
		bottom(1000000);
}

#define DESCEND(bytes)                                                                \
	NOINLINE static int descend_##bytes(unsigned depth, double seconds)           \
	{                                                                             \
		volatile char local[bytes];                                           \
		local[0] = (char)depth;                                               \
		if (depth > 1)                                                        \
			local[bytes - 1] = (char)descend_##bytes(depth - 1, seconds); \
		else                                                                  \
			work(seconds);                                                \
		return local[0] + local[bytes - 1];                                   \
	}
DESCEND(16)
DESCEND(512)
DESCEND(4096)

/* The main thread's stack grows up to the limit, which is read at exec. */
static void want_stack(char **argv, unsigned long need_bytes)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_STACK, &limit) || limit.rlim_cur >= need_bytes)
		return;
	limit.rlim_cur = need_bytes;
	if (!setrlimit(RLIMIT_STACK, &limit))
		execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
	char here;
	top = &here;
	unsigned depth = (unsigned)meter_argument(argc, argv, 1, 100);
	int bytes = (int)meter_argument(argc, argv, 2, 16);
	double seconds = meter_argument(argc, argv, 3, 0.5);
	want_stack(argv, (unsigned long)depth * ((unsigned long)bytes + 256) + 1000000);
	int r = bytes == 16    ? descend_16(depth, seconds)
		: bytes == 512 ? descend_512(depth, seconds)
			       : descend_4096(depth, seconds);
	return r == 12345;
}
