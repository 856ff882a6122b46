// SPDX-License-Identifier: MIT
/*
 * Prints "ready", then the number of each signal that comes, a line each; SIGTERM ends it with 5.
 * usage: signals
 */
#include <signal.h>
#include <unistd.h>

#include "meter.h"

int main(void)
{
	static const int wanted[] = { SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTERM };
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		sigaddset(&set, wanted[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	puts("ready");
	fflush(stdout);
	for (;;) {
		int number = 0;
		if (sigwait(&set, &number))
			return 1;
		printf("%d\n", number);
		fflush(stdout);
		if (number == SIGTERM)
			return 5;
	}
}
