// SPDX-License-Identifier: MIT
/*
 * Known shares: alpha 50 %, beta 25 %, gamma 15 %, delta 8 %, epsilon 2 % of a cycle, in that
 * order. usage: shares [SECONDS] [CYCLE_US] [THREADS] [TIMER_MS] SECONDS of CPU time a thread (of
 * wall time with TIMER_MS). With TIMER_MS the cycle begins with each tick of an absolute timer and
 * the rest of the tick is slept. Threads start after main has worked for a while. Prints the true
 * nanoseconds of each function, summed over threads.
 */
#include <pthread.h>
#include <signal.h>

#include "meter.h"

METER_LEAF(alpha)
METER_LEAF(beta)
METER_LEAF(gamma_)
METER_LEAF(delta)
METER_LEAF(epsilon)

enum { KINDS = 5, THREADS_MAX = 256 };
static const struct {
	const char *name;
	void (*work)(uint64_t);
	double part;
} kinds[KINDS] = { { "alpha", alpha, 0.50 },
		   { "beta", beta, 0.25 },
		   { "gamma_", gamma_, 0.15 },
		   { "delta", delta, 0.08 },
		   { "epsilon", epsilon, 0.02 } };

struct worker {
	pthread_t thread;
	double seconds, cycle_us, timer_ms;
	uint64_t steps, spent_ns[KINDS], total_ns;
};

NOINLINE static void one_cycle(struct worker *w)
{
	uint64_t before = meter_thread_ns();
	for (int k = 0; k < KINDS; k++) {
		kinds[k].work((uint64_t)((double)w->steps * kinds[k].part) + 1);
		uint64_t now = meter_thread_ns();
		w->spent_ns[k] += now - before;
		before = now;
	}
}

static void next_tick(struct timespec *at, double ms)
{
	at->tv_nsec += (long)(ms * 1e6);
	while (at->tv_nsec >= 1000000000) {
		at->tv_nsec -= 1000000000;
		at->tv_sec++;
	}
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, at, NULL);
}

NOINLINE static void *worker_run(void *argument)
{
	struct worker *w = argument;
	struct timespec tick;
	clock_gettime(CLOCK_MONOTONIC, &tick);
	uint64_t start = meter_thread_ns(), wall = meter_clock_ns(CLOCK_MONOTONIC);
	for (;;) {
		one_cycle(w);
		if (w->timer_ms > 0)
			next_tick(&tick, w->timer_ms);
		uint64_t spent = w->timer_ms > 0 ? meter_clock_ns(CLOCK_MONOTONIC) - wall
						 : meter_thread_ns() - start;
		if ((double)spent >= w->seconds * 1e9)
			break;
	}
	w->total_ns = meter_thread_ns() - start;
	return NULL;
}

int main(int argc, char **argv)
{
	static struct worker workers[THREADS_MAX];
	double seconds = meter_argument(argc, argv, 1, 1),
	       cycle_us = meter_argument(argc, argv, 2, 700);
	int threads = (int)meter_argument(argc, argv, 3, 0);
	uint64_t steps = meter_steps(cycle_us * 1000), sums[KINDS] = { 0 }, total = 0;
	int n = threads > 0 && threads <= THREADS_MAX ? threads : 1;
	for (int i = 0; i < n; i++) {
		workers[i] = (struct worker){ .seconds = seconds,
					      .cycle_us = cycle_us,
					      .timer_ms = meter_argument(argc, argv, 4, 0),
					      .steps = steps };
		if (!threads)
			worker_run(&workers[i]);
		else if (pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]))
			return 1;
	}
	for (int i = 0; i < n; i++) {
		if (threads)
			pthread_join(workers[i].thread, NULL);
		for (int k = 0; k < KINDS; k++)
			sums[k] += workers[i].spent_ns[k];
		total += workers[i].total_ns;
	}
	printf("{\"total_ns\": %llu", (unsigned long long)total);
	for (int k = 0; k < KINDS; k++)
		printf(", \"%s\": %llu", kinds[k].name, (unsigned long long)sums[k]);
	puts("}");
	return 0;
}
