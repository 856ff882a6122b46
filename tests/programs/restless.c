// SPDX-License-Identifier: MIT
/*
 * Threads that work and sleep in turns, each in a call that returns EINTR when it is disturbed; main only works, and
 * counts the signals (SIGRTMIN) that it gets. Calls last half a millisecond, work up to one. Ends with
 * SIGTERM and prints {"signals": N, "interrupted": N, "calls": N, "work": N}.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/sem.h>

#include "meter.h"

METER_LEAF(work)

enum { KINDS = 4, PAUSE_NS = 500000 };

static atomic_ulong signals, interrupted, calls, worked;
static atomic_bool ending;
static double steps_of_1_ms;

static void on_signal(int number)
{
	(void)number;
	signals++;
}

static void on_end(int number)
{
	(void)number;
	ending = true;
}

static int call(long kind, int epoll_fd, int semaphore)
{
	struct timespec pause = { 0, PAUSE_NS };
	struct sembuf down = { 0, -1, 0 };
	struct epoll_event event;
	sigset_t none;
	sigemptyset(&none);
	sigaddset(&none, SIGUSR2);
	switch (kind) {
	case 0: return epoll_wait(epoll_fd, &event, 1, 1);
	case 1: return sigtimedwait(&none, NULL, &pause);
	case 2: return semtimedop(semaphore, &down, 1, &pause);
	default: return nanosleep(&pause, NULL);
	}
}

static void *restless(void *argument)
{
	long kind = (long)argument;
	int epoll_fd = epoll_create1(0), semaphore = semget(IPC_PRIVATE, 1, 0600);
	unsigned seed = (unsigned)kind + 1;
	while (!ending) {
		work((uint64_t)(steps_of_1_ms * (rand_r(&seed) % 1000) / 1000) + 1);
		calls++;
		if (call(kind, epoll_fd, semaphore) < 0 && errno == EINTR)
			interrupted++;
	}
	semctl(semaphore, 0, IPC_RMID);
	return NULL;
}

int main(void)
{
	struct sigaction count = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct sigaction end = { .sa_handler = on_end };
	pthread_t threads[KINDS];
	sigset_t ours;
	sigemptyset(&ours);
	sigaddset(&ours, SIGRTMIN);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGUSR2);
	steps_of_1_ms = (double)meter_steps(1e6);
	sigaction(SIGRTMIN, &count, NULL);
	sigaction(SIGTERM, &end, NULL);
	pthread_sigmask(SIG_BLOCK, &ours, NULL);
	for (long i = 0; i < KINDS; i++)
		if (pthread_create(&threads[i], NULL, restless, (void *)i))
			return 1;
	pthread_sigmask(SIG_UNBLOCK, &ours, NULL);
	puts("ready");
	fflush(stdout);
	for (; !ending; worked++)
		work((uint64_t)steps_of_1_ms);
	for (int i = 0; i < KINDS; i++)
		pthread_join(threads[i], NULL);
	printf("{\"signals\": %lu, \"interrupted\": %lu, \"calls\": %lu, \"work\": %lu}\n", signals,
	       interrupted, calls, worked);
	return 0;
}
