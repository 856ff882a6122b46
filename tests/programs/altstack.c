// SPDX-License-Identifier: MIT
/*
 * A signal handler on a stack of its own that does half of the work: below handler_leaf and handler
 * stands what was interrupted, main_leaf or main. usage: altstack [SECONDS of CPU time]
 */
#include <signal.h>
#include <sys/time.h>

#include "meter.h"

static volatile uint64_t handler_ns;

METER_LEAF(main_leaf)
METER_LEAF(handler_leaf)

NOINLINE static void handler(int number)
{
	(void)number;
	uint64_t start = meter_thread_ns(), now = start;
	while (now - start < 10000000) {
		handler_leaf(300000);
		now = meter_thread_ns();
	}
	handler_ns += now - start;
}

NOINLINE static void interrupted(double seconds)
{
	uint64_t start = meter_thread_ns();
	while ((double)(meter_thread_ns() - start) < seconds * 1e9)
		main_leaf(3000000);
}

int main(int argc, char **argv)
{
	stack_t stack = { .ss_size = 128 * 1024, .ss_sp = malloc(128 * 1024) };
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_ONSTACK | SA_RESTART };
	struct itimerval timer = { { 0, 20000 }, { 0, 20000 } };
	uint64_t start = meter_thread_ns();
	if (sigaltstack(&stack, NULL) || sigaction(SIGVTALRM, &action, NULL) ||
	    setitimer(ITIMER_VIRTUAL, &timer, NULL))
		return 1;
	interrupted(meter_argument(argc, argv, 1, 1));
	timer = (struct itimerval){ 0 };
	setitimer(ITIMER_VIRTUAL, &timer, NULL);
	printf("{\"handler_leaf\": %llu, \"total_ns\": %llu}\n", (unsigned long long)handler_ns,
	       (unsigned long long)(meter_thread_ns() - start));
	return 0;
}
