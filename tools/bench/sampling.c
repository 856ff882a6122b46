// SPDX-License-Identifier: MIT
/*
 * Drives sampler_perf without a session and without symbols.
 *
 *	sampling shares CYCLES MODE RUNS SAMPLES [fixed]
 *		runs `CYCLES MODE` RUNS times for some SAMPLES samples each and prints how the share
 *of warm() (in truth 25 %) varies, as a multiple of the binomial variance sampling count CMD
 *[ARG...] runs CMD and prints samples, CPU time and what the sampler did sampling attach PID MS the
 *same for a running process sampling open PID prints what it takes to cover a process
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "sampler/sampler.h"

enum { RATE_HZ = 999 };

struct range {
	unsigned long begin, end;
};

struct tally {
	struct range warm, hot;
	uint64_t in_warm, in_hot, samples, fixed, cpu_ns, cpu_records;
};

static void die(const char *what, const struct error *err)
{
	fprintf(stderr, "sampling: %s: %s\n", what, err->text);
	exit(3);
}

static bool within(const struct range *r, uint64_t pc)
{
	return pc >= r->begin && pc < r->end;
}

static void take(struct sampler *s, struct tally *t)
{
	const struct record *r;
	while (s->ops->peek(s, &r)) {
		if (r->kind == RECORD_SAMPLE) {
			t->samples++;
			t->fixed += r->sample.fixed_period;
			t->in_warm += within(&t->warm, r->sample.pc);
			t->in_hot += within(&t->hot, r->sample.pc);
		} else if (r->kind == RECORD_CPU) {
			t->cpu_ns += r->cpu.cpu_ns;
			t->cpu_records++;
		}
		s->ops->consume(s);
	}
}

static struct sampler *open_sampler(bool jitter)
{
	struct error err = { 0 };
	struct sampler_config config = {
		.rate_hz = RATE_HZ, .kernel = true, .children = true, .jitter = jitter
	};
	struct sampler *s;
	if (sampler_perf.open(&config, &s, &err) < 0)
		die("open", &err);
	return s;
}

static pid_t start(char **argv, int *go)
{
	int pipe_fds[2];
	if (pipe(pipe_fds) < 0)
		exit(3);
	pid_t pid = fork();
	if (!pid) {
		char byte;
		close(pipe_fds[1]);
		if (read(pipe_fds[0], &byte, 1) != 1)
			_exit(1);
		close(pipe_fds[0]);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(pipe_fds[0]);
	*go = pipe_fds[1];
	return pid;
}

/* Runs a command to its end. @return its CPU time */
static uint64_t run(char **argv, bool jitter, struct tally *t, struct sampler_stats *stats)
{
	struct error err = { 0 };
	struct sampler *s = open_sampler(jitter);
	int go, status;
	pid_t pid = start(argv, &go);
	if (s->ops->add_on_exec(s, pid, &err) < 0 || s->ops->arm(s, &err) < 0)
		die("add", &err);
	if (write(go, "", 1) != 1)
		exit(3);
	close(go);
	struct rusage usage;
	while (!wait4(pid, &status, WNOHANG, &usage)) {
		s->ops->rearm(s, monotonic_ns());
		take(s, t);
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	}
	s->ops->disarm(s);
	take(s, t);
	s->ops->stats(s, stats);
	s->ops->destroy(s);
	return ((uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec) * NSEC_PER_SEC +
	       ((uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec) * 1000;
}

static void read_ranges(const char *program, struct tally *t)
{
	char command[4096];
	snprintf(command, sizeof(command), "%s ranges", program);
	FILE *f = popen(command, "r");
	if (!f || fscanf(f, "warm %lx %lx hot %lx %lx", &t->warm.begin, &t->warm.end, &t->hot.begin,
			 &t->hot.end) != 4)
		exit(3);
	pclose(f);
}

/* Steps of one cycle of 1/3 ms, as many as METER_SPIN does in that time. */
static uint64_t steps_per_cycle(double ns)
{
	enum { PROBE = 2000000 };
	uint64_t best_ns = UINT64_MAX;
	for (int round = 0; round < 10; round++) {
		uint64_t begin_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID), x = PROBE;
		for (uint64_t i = 0; i < PROBE; i++) {
			x = x * 3 + 1;
			__asm__ volatile("" : "+r"(x));
		}
		uint64_t took_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin_ns;
		best_ns = took_ns < best_ns ? took_ns : best_ns;
	}
	return (uint64_t)(ns * PROBE / (double)best_ns);
}

static int shares(int argc, char **argv)
{
	if (argc < 6)
		return 2;
	char *mode = argv[3], steps[32], cycles[32];
	int runs = atoi(argv[4]), samples = atoi(argv[5]);
	double cycle_ns = strcmp(mode, "timer") ? 1e6 / 3 : 1e6, threads = 1;
	if (strcmp(mode, "threads") == 0 || strcmp(mode, "churn") == 0)
		threads = 2;
	snprintf(steps, sizeof(steps), "%lu", (unsigned long)steps_per_cycle(cycle_ns));
	snprintf(cycles, sizeof(cycles), "%d", (int)(samples * 1e6 / cycle_ns / threads));
	char *command[] = { argv[2], mode, steps, cycles, NULL };
	double sum = 0, squares = 0, binomial = 0, total = 0, cpu_s = 0, fixed = 0;
	uint64_t ioctls = 0, generations = 0;
	for (int i = 0; i < runs; i++) {
		struct tally t = { 0 };
		struct sampler_stats stats;
		read_ranges(argv[2], &t);
		cpu_s += (double)run(command, argc < 7, &t, &stats) / 1e9;
		double n = (double)(t.in_warm + t.in_hot), share = (double)t.in_warm / n;
		sum += share;
		squares += (share - 0.25) * (share - 0.25);
		binomial += 0.25 * 0.75 / n;
		total += (double)t.samples;
		fixed += (double)t.fixed;
		ioctls += stats.jitter_ioctls;
		generations += stats.generations;
	}
	printf("{\"mode\": \"%s\", \"runs\": %d, \"samples_per_run\": %.1f, \"mean\": %.4f, "
	       "\"variance_ratio\": %.3f, "
	       "\"samples_per_cpu_s\": %.1f, \"fixed_share\": %.3f, \"ioctls_per_cpu_s\": %.1f, "
	       "\"generations_per_run\": %.2f}\n",
	       mode, runs, total / runs, sum / runs, squares / binomial, total / cpu_s,
	       fixed / total, (double)ioctls / cpu_s, (double)generations / runs);
	return 0;
}

static void print_counts(const struct tally *t, const struct sampler_stats *stats, uint64_t cpu_ns,
			 uint64_t own_ns)
{
	printf("{\"samples\": %lu, \"fixed\": %lu, \"cpu_s\": %.4f, \"samples_per_cpu_s\": %.1f, "
	       "\"record_cpu_s\": %.4f, "
	       "\"record_cpu\": %lu, \"lost\": %lu, \"throttled\": %lu, \"ioctls\": %lu, "
	       "\"generations\": %lu, \"own_cpu_s\": %.4f}\n",
	       t->samples, t->fixed, (double)cpu_ns / 1e9,
	       (double)t->samples / ((double)cpu_ns / 1e9), (double)t->cpu_ns / 1e9, t->cpu_records,
	       stats->lost, stats->throttled, stats->jitter_ioctls, stats->generations,
	       (double)own_ns / 1e9);
}

static int count(char **argv)
{
	struct tally t = { 0 };
	struct sampler_stats stats;
	uint64_t own_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	uint64_t cpu_ns = run(argv, true, &t, &stats);
	print_counts(&t, &stats, cpu_ns, clock_ns(CLOCK_PROCESS_CPUTIME_ID) - own_ns);
	return 0;
}

/* The CPU time of a process, its ended threads included. */
static uint64_t process_cpu_ns(pid_t pid)
{
	clockid_t clock;
	return clock_getcpuclockid(pid, &clock) ? 0 : clock_ns(clock);
}

static int attach(pid_t pid, uint64_t duration_ns)
{
	struct error err = { 0 };
	struct tally t = { 0 };
	struct sampler_stats stats;
	struct sampler *s = open_sampler(true);
	uint64_t own_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	if (s->ops->add_process(s, pid, &err) < 0 || s->ops->arm(s, &err) < 0)
		die("add", &err);
	uint64_t cpu_ns = process_cpu_ns(pid), end_ns = monotonic_ns() + duration_ns;
	while (monotonic_ns() < end_ns) {
		s->ops->rearm(s, monotonic_ns());
		take(s, &t);
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	}
	cpu_ns = process_cpu_ns(pid) - cpu_ns;
	s->ops->disarm(s);
	take(s, &t);
	s->ops->stats(s, &stats);
	s->ops->destroy(s);
	print_counts(&t, &stats, cpu_ns, clock_ns(CLOCK_PROCESS_CPUTIME_ID) - own_ns);
	return 0;
}

static int open_cost(pid_t pid)
{
	struct error err = { 0 };
	uint64_t t0 = monotonic_ns();
	struct sampler *s = open_sampler(true);
	uint64_t t1 = monotonic_ns();
	if (s->ops->add_process(s, pid, &err) < 0)
		die("add", &err);
	uint64_t t2 = monotonic_ns();
	if (s->ops->arm(s, &err) < 0)
		die("arm", &err);
	uint64_t t3 = monotonic_ns();
	struct sampler_stats stats;
	s->ops->stats(s, &stats);
	s->ops->disarm(s);
	uint64_t t4 = monotonic_ns();
	s->ops->destroy(s);
	printf("{\"threads\": %u, \"ring_bytes\": %lu, \"open_ms\": %.2f, \"add_ms\": %.2f, "
	       "\"arm_ms\": %.2f, \"disarm_ms\": %.2f, \"destroy_ms\": %.2f}\n",
	       stats.threads, stats.ring_bytes, (double)(t1 - t0) / 1e6, (double)(t2 - t1) / 1e6,
	       (double)(t3 - t2) / 1e6, (double)(t4 - t3) / 1e6,
	       (double)(monotonic_ns() - t4) / 1e6);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "shares"))
		return shares(argc, argv);
	if (argc > 2 && !strcmp(argv[1], "count"))
		return count(argv + 2);
	if (argc > 3 && !strcmp(argv[1], "attach"))
		return attach((pid_t)atoi(argv[2]), (uint64_t)atoi(argv[3]) * NSEC_PER_MSEC);
	if (argc > 2 && !strcmp(argv[1], "open"))
		return open_cost((pid_t)atoi(argv[2]));
	fprintf(stderr, "usage: sampling shares|count|open ...\n");
	return 2;
}
