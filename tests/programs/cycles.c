// SPDX-License-Identifier: MIT
/*
 * Periodic work of a known split: each cycle spends a quarter in warm() and the rest in hot().
 *
 *	cycles ranges                  prints "warm BEGIN END hot BEGIN END", the functions' addresses
 *	cycles busy STEPS CYCLES       cycles without a pause
 *	cycles timer STEPS CYCLES      a cycle at each tick of a 10 ms timer
 *	cycles threads STEPS CYCLES    two threads that each run cycles without a pause
 *	cycles churn STEPS CYCLES      the same, and a thread that ends at once every 20 ms beside them
 *
 * STEPS is the length of one cycle (some 1 ns a step). Linked at a fixed address.
 */
#include <pthread.h>

#include "meter.h"

extern const char __start_warm_code[], __stop_warm_code[], __start_hot_code[], __stop_hot_code[];

__attribute__((section("warm_code"))) METER_LEAF(warm) __attribute__((section("hot_code")))
METER_LEAF(hot)

	struct job {
	uint64_t steps, cycles;
};

static void cycle(uint64_t steps)
{
	hot(steps / 4 * 3);
	warm(steps / 4);
}

static void *busy(void *argument)
{
	const struct job *job = argument;
	for (uint64_t i = 0; i < job->cycles; i++)
		cycle(job->steps);
	return NULL;
}

static void *nothing(void *argument)
{
	return argument;
}

static void timer(const struct job *job)
{
	struct timespec next;
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (uint64_t i = 0; i < job->cycles; i++) {
		next.tv_nsec += 10000000;
		if (next.tv_nsec >= 1000000000) {
			next.tv_nsec -= 1000000000;
			next.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
		cycle(job->steps);
	}
}

static void threads(struct job *job, int churn)
{
	pthread_t worker[2], passing;
	for (int i = 0; i < 2; i++)
		pthread_create(&worker[i], NULL, busy, job);
	for (int i = 0; churn && i < 10; i++) {
		struct timespec pause = { 0, 20000000 };
		nanosleep(&pause, NULL);
		pthread_create(&passing, NULL, nothing, NULL);
		pthread_join(passing, NULL);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(worker[i], NULL);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "ranges";
	struct job job = { (uint64_t)meter_argument(argc, argv, 2, 0),
			   (uint64_t)meter_argument(argc, argv, 3, 0) };
	if (!strcmp(mode, "ranges"))
		printf("warm %p %p hot %p %p\n", (const void *)__start_warm_code,
		       (const void *)__stop_warm_code, (const void *)__start_hot_code,
		       (const void *)__stop_hot_code);
	else if (!strcmp(mode, "timer"))
		timer(&job);
	else if (!strcmp(mode, "busy"))
		busy(&job);
	else
		threads(&job, !strcmp(mode, "churn"));
	return 0;
}
