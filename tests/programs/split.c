// SPDX-License-Identifier: MIT
/*
 * Known shares of user and kernel time. usage: split [SECONDS] [hide]  A cycle is 3 ms of `alpha`, 1 ms
 * of `beta` and 2 ms of reading zeroes, which the kernel writes. `hide`: takes its memory from its
 * owner's eyes, as ssh-agent does. Ends after SECONDS of CPU time or at SIGTERM and prints the true
 * nanoseconds.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "meter.h"

METER_LEAF(alpha)
METER_LEAF(beta)

static volatile sig_atomic_t stop;

static void on_term(int number)
{
	(void)number;
	stop = 1;
}

NOINLINE static void zeroes(int fd, int times)
{
	static char buffer[1 << 20];
	for (int i = 0; i < times; i++)
		if (read(fd, buffer, sizeof(buffer)) < 0)
			abort();
}

static int reads_for(int fd, double ns)
{
	uint64_t begin = meter_thread_ns();
	zeroes(fd, 20);
	return 1 + (int)(ns * 20 / (double)(meter_thread_ns() - begin));
}

int main(int argc, char **argv)
{
	double seconds = meter_argument(argc, argv, 1, 1);
	int fd = open("/dev/zero", O_RDONLY);
	uint64_t steps = meter_steps(1e6), alpha_ns = 0, beta_ns = 0, kernel_ns = 0;
	zeroes(fd, 1); /* pages the buffer in */
	int reads = reads_for(fd, 2e6);
	signal(SIGTERM, on_term);
	if (argc > 2 && !strcmp(argv[2], "hide") && prctl(PR_SET_DUMPABLE, 0) < 0)
		return 1;
	puts("ready");
	fflush(stdout);
	uint64_t begin = meter_thread_ns(), at = begin;
	while (!stop && (double)(at - begin) < seconds * 1e9) {
		alpha(3 * steps);
		uint64_t after_alpha = meter_thread_ns();
		beta(steps);
		uint64_t after_beta = meter_thread_ns();
		zeroes(fd, reads);
		uint64_t now = meter_thread_ns();
		alpha_ns += after_alpha - at;
		beta_ns += after_beta - after_alpha;
		kernel_ns += now - after_beta;
		at = now;
	}
	printf("{\"alpha\": %llu, \"beta\": %llu, \"kernel\": %llu}\n",
	       (unsigned long long)alpha_ns, (unsigned long long)beta_ns,
	       (unsigned long long)kernel_ns);
	return 0;
}
