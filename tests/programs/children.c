// SPDX-License-Identifier: MIT
/*
 * Short children one after the other. usage: children fork|exec [COUNT] [MILLISECONDS each]
 * fork: the child works in forked_work and exits. exec: it runs this program again, which works in
 * exec_work. Prints the CPU time of all children, and its own, as the kernel accounts it.
 */
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "meter.h"

METER_LEAF(forked_work)
METER_LEAF(exec_work)

static void work(void (*leaf)(uint64_t), double ms)
{
	uint64_t start = meter_thread_ns();
	while ((double)(meter_thread_ns() - start) < ms * 1e6)
		leaf(100000);
}

static unsigned long long used_ns(int who)
{
	struct rusage u;
	getrusage(who, &u);
	return (unsigned long long)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000u +
	       (unsigned long long)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000u;
}

int main(int argc, char **argv)
{
	double ms = meter_argument(argc, argv, 3, 5);
	if (argc > 1 && !strcmp(argv[1], "child")) {
		work(exec_work, ms);
		return 0;
	}
	int is_exec = argc > 1 && !strcmp(argv[1], "exec");
	int n = (int)meter_argument(argc, argv, 2, 300);
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();
		if (pid < 0)
			return 1;
		if (!pid) {
			if (is_exec) {
				execl("/proc/self/exe", "children", "child", "0",
				      argc > 3 ? argv[3] : "5", (char *)0);
				_exit(127);
			}
			work(forked_work, ms);
			_exit(0);
		}
		int status;
		if (waitpid(pid, &status, 0) != pid || status)
			return 1;
	}
	printf("{\"children\": %d, \"cpu_ns\": %llu, \"own_ns\": %llu}\n", n,
	       used_ns(RUSAGE_CHILDREN), used_ns(RUSAGE_SELF));
	return 0;
}
