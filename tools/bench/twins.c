// SPDX-License-Identifier: MIT
/*
 * Two processes do the same work in turn on one CPU, a window of some 50 ms each; a profiler is
 * attached to one of them (the first) only. So both see the same neighbours and the same clock frequency, and the
 * ratio of their CPU times is what the profiler costs its target.
 *
 *	twins DEPTH WINDOW_MS FLOOR_HZ
 *
 * The work lies below DEPTH frames and goes through 256 KiB of memory, so that a cold cache shows. Prints
 * "ready PID PID"; when its standard input ends, it prints a line a window: twin (0, 1), begin and end
 * by CLOCK_MONOTONIC, CPU time, in ns. At SIGUSR1 the first twin opens a timer event on itself whose ticks do nothing
 * (FLOOR_HZ), at SIGUSR2 it closes it: no profiler that samples by that timer can cost less.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../tests/programs/meter.h"

enum { TABLE_WORDS = 64 * 1024, WINDOWS_MAX = 1 << 17 };

struct window {
	uint64_t begin_ns, end_ns, cpu_ns;
	int twin;
};

struct shared {
	volatile bool stop;
	volatile uint32_t count;
	struct window windows[WINDOWS_MAX];
};

struct twin {
	int number, turn_fd, next_fd;
	uint64_t steps;
	struct shared *shared;
};

static uint32_t table[TABLE_WORDS];
static volatile uint32_t sink;
static volatile sig_atomic_t wants_floor;
static unsigned floor_hz;

/* One cycle through all words (Sattolo's shuffle). */
static void fill_table(void)
{
	uint64_t seed = 4711;
	for (uint32_t i = 0; i < TABLE_WORDS; i++)
		table[i] = i;
	for (uint32_t i = TABLE_WORDS - 1; i > 0; i--) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		uint32_t j = (uint32_t)((seed >> 33) % i), word = table[i];
		table[i] = table[j];
		table[j] = word;
	}
}

NOINLINE static void work(uint64_t steps)
{
	uint32_t at = 0;
	while (steps--)
		at = table[at];
	sink = at;
}

static uint64_t steps_of(double ns)
{
	enum { PROBE = 4000000 };
	uint64_t best_ns = UINT64_MAX;
	for (int i = 0; i < 5; i++) {
		uint64_t begin_ns = meter_thread_ns();
		work(PROBE);
		uint64_t took_ns = meter_thread_ns() - begin_ns;
		best_ns = took_ns < best_ns ? took_ns : best_ns;
	}
	return (uint64_t)(ns * PROBE / (double)best_ns) + 1;
}

static void on_signal(int number)
{
	wants_floor = number == SIGUSR1;
}

static void follow_floor(int *fd)
{
	if (wants_floor && *fd < 0) {
		struct perf_event_attr attr = {
			.type = PERF_TYPE_SOFTWARE,
			.size = sizeof(attr),
			.config = PERF_COUNT_SW_CPU_CLOCK,
			.sample_period = 1000000000u / floor_hz,
			.exclude_kernel = geteuid() != 0,
		};
		*fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
		wants_floor = *fd >= 0;
	} else if (!wants_floor && *fd >= 0) {
		close(*fd);
		*fd = -1;
	}
}

static void take_turns(const struct twin *t)
{
	char token;
	int floor_fd = -1;
	for (;;) {
		ssize_t n = read(t->turn_fd, &token, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n != 1 || t->shared->stop || t->shared->count == WINDOWS_MAX)
			_exit(0);
		follow_floor(&floor_fd);
		struct window w = { .twin = t->number,
				    .begin_ns = meter_clock_ns(CLOCK_MONOTONIC) };
		uint64_t cpu_ns = meter_thread_ns();
		work(t->steps);
		w.cpu_ns = meter_thread_ns() - cpu_ns;
		w.end_ns = meter_clock_ns(CLOCK_MONOTONIC);
		t->shared->windows[t->shared->count++] = w;
		if (write(t->next_fd, &token, 1) != 1)
			_exit(0);
	}
}

NOINLINE static unsigned descend(unsigned depth, const struct twin *t)
{
	volatile unsigned here[16] = { depth };
	if (depth > 1)
		here[1] = descend(depth - 1, t);
	else
		take_turns(t);
	return here[0] + here[1];
}

static void stay_on_one_cpu(void)
{
	cpu_set_t allowed, one;
	CPU_ZERO(&one);
	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return;
	for (int cpu = CPU_SETSIZE; cpu-- > 0;)
		if (CPU_ISSET(cpu, &allowed)) {
			CPU_SET(cpu, &one);
			break;
		}
	sched_setaffinity(0, sizeof(one), &one);
}

static pid_t start(const struct twin *t, unsigned depth, int unused_fds[2])
{
	pid_t pid = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(unused_fds[0]);
	close(unused_fds[1]);
	if (t->number == 0 && floor_hz) {
		signal(SIGUSR1, on_signal);
		signal(SIGUSR2, on_signal);
	}
	fill_table(); /* pages of its own */
	_exit(descend(depth, t) == 0);
}

int main(int argc, char **argv)
{
	unsigned depth = (unsigned)meter_argument(argc, argv, 1, 50);
	double window_ms = meter_argument(argc, argv, 2, 50);
	int turns[2][2];
	char byte;
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	floor_hz = (unsigned)meter_argument(argc, argv, 3, 0);
	if (shared == MAP_FAILED || pipe(turns[0]) < 0 || pipe(turns[1]) < 0)
		return 1;
	stay_on_one_cpu();
	fill_table();
	uint64_t steps = steps_of(window_ms * 1e6);
	struct twin first = { 0, turns[0][0], turns[1][1], steps, shared };
	struct twin second = { 1, turns[1][0], turns[0][1], steps, shared };
	pid_t pids[2] = { start(&first, depth, (int[]){ turns[0][1], turns[1][0] }),
			  start(&second, depth, (int[]){ turns[0][0], turns[1][1] }) };
	printf("ready %d %d\n", (int)pids[0], (int)pids[1]);
	fflush(stdout);
	if (write(turns[0][1], "", 1) != 1)
		return 1;
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	shared->stop = true;
	close(turns[0][1]);
	close(turns[1][1]);
	waitpid(pids[0], NULL, 0);
	waitpid(pids[1], NULL, 0);
	for (uint32_t i = 0; i < shared->count; i++) {
		const struct window *w = &shared->windows[i];
		printf("%d %llu %llu %llu\n", w->twin, (unsigned long long)w->begin_ns,
		       (unsigned long long)w->end_ns, (unsigned long long)w->cpu_ns);
	}
	return 0;
}
