// SPDX-License-Identifier: MIT
/*
 * Much at once. Prints the CPU time of the process and of its children as the kernel accounts it. usage: storm
 *	threads COUNT    so many threads that live at the same time
 *	execs COUNT      a process that becomes itself again so often
 *	numbers COUNT    children that all have the number of the first, one after the other (needs root);
 *			 prints how many had it
 */
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "meter.h"

METER_LEAF(storm_work)

enum { STEPS = 300000 };
static pthread_barrier_t all_live;

static void *thread_main(void *argument)
{
	pthread_barrier_wait(&all_live);
	storm_work(STEPS);
	return argument;
}

static int threads(int n)
{
	pthread_t *t = calloc((size_t)n, sizeof(*t));
	pthread_attr_t small;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	pthread_barrier_init(&all_live, NULL, (unsigned)n);
	for (int i = 0; i < n; i++)
		if (!t || pthread_create(&t[i], &small, thread_main, NULL))
			return 1;
	for (int i = 0; i < n; i++)
		pthread_join(t[i], NULL);
	free(t);
	return 0;
}

static int execs(int n)
{
	char left[16];
	storm_work(STEPS);
	if (n <= 0)
		return 0;
	snprintf(left, sizeof(left), "%d", n - 1);
	execl("/proc/self/exe", "storm", "execs", left, (char *)0);
	return 1;
}

/* The next process gets the number behind it, if that is free (proc_sys_kernel(5)). */
static void set_last_number(int number)
{
	FILE *f = fopen("/proc/sys/kernel/ns_last_pid", "w");
	if (f) {
		fprintf(f, "%d", number);
		fclose(f);
	}
}

static int numbers(int n)
{
	int same = 0;
	pid_t first = 0;
	for (int i = 0; i < n; i++) {
		if (first)
			set_last_number(first - 1);
		pid_t pid = fork();
		int status;
		if (!pid) {
			storm_work(20 * STEPS);
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			return -1;
		first = first ? first : pid;
		same += pid == first;
	}
	return same;
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
	const char *mode = argc > 1 ? argv[1] : "";
	int n = (int)meter_argument(argc, argv, 2, 100), same = 0;
	int failed = !strcmp(mode, "threads") ? threads(n)
		     : !strcmp(mode, "execs") ? execs(n)
					      : (same = numbers(n)) < 0;
	printf("{\"cpu_ns\": %llu, \"same\": %d}\n",
	       used_ns(RUSAGE_SELF) + used_ns(RUSAGE_CHILDREN), same);
	return failed;
}
