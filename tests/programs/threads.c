// SPDX-License-Identifier: MIT
/*
 * Many threads. usage: threads [COUNT] [MILLISECONDS of CPU time each]
 * Odd ones work in odd_work, even ones in even_work; thread i is named worker-i. Prints the true
 * nanoseconds of each function and of each thread.
 */
#include <pthread.h>
#include <sys/prctl.h>

#include "meter.h"

METER_LEAF(odd_work)
METER_LEAF(even_work)

enum { THREADS_MAX = 1024 };
static struct worker {
	pthread_t thread;
	int number;
	double ns;
	uint64_t spent_ns;
} workers[THREADS_MAX];

NOINLINE static void *worker_main(void *argument)
{
	struct worker *w = argument;
	char name[16];
	snprintf(name, sizeof(name), "worker-%d", w->number);
	prctl(PR_SET_NAME, name);
	uint64_t start = meter_thread_ns();
	while ((double)(meter_thread_ns() - start) < w->ns) {
		if (w->number & 1)
			odd_work(300000);
		else
			even_work(300000);
	}
	w->spent_ns = meter_thread_ns() - start;
	return NULL;
}

int main(int argc, char **argv)
{
	int n = (int)meter_argument(argc, argv, 1, 64);
	if (n < 1 || n > THREADS_MAX)
		return 2;
	for (int i = 0; i < n; i++) {
		workers[i].number = i;
		workers[i].ns = meter_argument(argc, argv, 2, 50) * 1e6;
		if (pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]))
			return 1;
	}
	uint64_t sums[2] = { 0 };
	for (int i = 0; i < n; i++) {
		pthread_join(workers[i].thread, NULL);
		sums[i & 1] += workers[i].spent_ns;
	}
	printf("{\"even_work\": %llu, \"odd_work\": %llu, \"threads\": %d}\n",
	       (unsigned long long)sums[0], (unsigned long long)sums[1], n);
	return 0;
}
