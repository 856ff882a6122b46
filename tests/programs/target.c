// SPDX-License-Identifier: MIT
/*
 * A process to attach to: prints "ready", then works until SIGTERM, at which it prints the CPU time
 * of its work and how often a system call was interrupted or a sleep cut short. usage: target
 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "meter.h"

static volatile sig_atomic_t stop;

METER_LEAF(target_work)

static void on_term(int number)
{
	(void)number;
	stop = 1;
}

int main(void)
{
	unsigned interrupted = 0;
	uint64_t worked_ns = 0;
	struct sigaction action = { .sa_handler = on_term };
	sigaction(SIGTERM, &action, NULL);
	puts("ready");
	fflush(stdout);
	while (!stop) {
		uint64_t start = meter_thread_ns();
		target_work(3000000);
		worked_ns += meter_thread_ns() - start;
		struct timespec pause = { 0, 1000000 };
		if (nanosleep(&pause, NULL) && !stop)
			interrupted++;
	}
	printf("{\"target_work\": %llu, \"interrupted\": %u}\n", (unsigned long long)worked_ns,
	       interrupted);
	return 0;
}
