// SPDX-License-Identifier: MIT
/*
 * Ends as it is told: usage: ending exit STATUS | signal NUMBER | daemon SECONDS PIDFILE
 * daemon leaves a process in a session of its own that works for SECONDS and writes its pid first.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "meter.h"

METER_LEAF(last_work)

static int become_daemon(const char *pidfile, double seconds)
{
	pid_t pid = fork();
	if (pid)
		return pid < 0;
	setsid();
	if (fork())
		_exit(0);
	FILE *f = fopen(pidfile, "w");
	if (f) {
		fprintf(f, "%d\n", (int)getpid());
		fclose(f);
	}
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	uint64_t start = meter_clock_ns(CLOCK_MONOTONIC);
	while ((double)(meter_clock_ns(CLOCK_MONOTONIC) - start) < seconds * 1e9)
		last_work(1000000);
	_exit(0);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	last_work(20000000);
	if (!strcmp(argv[1], "exit"))
		return atoi(argv[2]);
	if (!strcmp(argv[1], "daemon") && argc > 3)
		return become_daemon(argv[3], atof(argv[2]));
	struct rlimit no_core = { 0 };
	setrlimit(RLIMIT_CORE, &no_core);
	signal(atoi(argv[2]), SIG_DFL);
	raise(atoi(argv[2]));
	return 1;
}
