// SPDX-License-Identifier: MIT
#include "sampler/ptrace.h"

#include <errno.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

/*
 * A thread that is asked to stop while it runs on another CPU goes on until the interrupt gets there, or until its
 * next system call, whichever comes first: its calls would have far too many samples (measured: 5-50 %
 * in place of 1). So we sleep on the very CPU that a thread runs on. The timer that wakes us there puts us in
 * its place at a random moment, and it stops before it has done anything more.
 */
enum {
	QUIET_LOOKS = 30,     /* that did not find it running: then it is looked at more rarely */
	QUIET_IN_A_ROUND = 8, /* of those, at each look */
	FEW_THREADS = 4,      /* of which we know at each look where they are */
	FEW_CPUS = 4,         /* that are all looked at while several threads run */
	HOT_NS = 20 * 1000 * 1000,
	COUNTED_SLACK_NS = 30 * 1000,
	SLEEP_LEAST_NS = 30 * 1000,
	SLACK_MOST_NS = 200 * 1000,
	LATE_MOST_PERIODS = 10,
	IDLE_CPU_PERIODS = 5, /* from look to look at a CPU where none of ours was seen lately */
};

int ptrace_look_init(struct ptrace_sampler *p)
{
	p->counted_fd = ptrace_proc_open_counted(getpid(), gettid());
	cpu_set_t set;
	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		CPU_SET(0, &set);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set) && !vec_push(&p->cpus, (struct ptrace_cpu){ .number = i }))
			return -ENOMEM;
	return 0;
}

static void go_to(struct ptrace_sampler *p, size_t cpu)
{
	cpu_set_t set;
	if (cpu == p->here)
		return;
	CPU_ZERO(&set);
	CPU_SET(p->cpus.at[cpu].number, &set);
	sched_setaffinity(0, sizeof(set), &set); /* where that fails we stay, and look from afar */
	p->here = cpu;
}

static void note_place(struct ptrace_sampler *p, int number, uint64_t now_ns)
{
	for (size_t i = 0; i < p->cpus.count; i++) {
		struct ptrace_cpu *cpu = &p->cpus.at[i];
		if (cpu->number != number)
			continue;
		if (now_ns > cpu->since_ns + HOT_NS && cpu->due_ns > now_ns + p->period_ns)
			cpu->due_ns = now_ns + random_between(&p->random, 0, p->period_ns);
		cpu->since_ns = now_ns;
	}
}

/* A look at a thread. What is read of its clock is exact if it is not on a CPU now. */
struct look {
	struct ptrace_thread *t;
	bool ran, runs; /* since the last look; now, or waiting for a CPU */
	int cpu;
};

static bool look_at(struct ptrace_sampler *p, struct ptrace_thread *t, struct look *out)
{
	uint64_t now_ns = monotonic_ns(), cpu_ns = ptrace_proc_cpu_ns(t);
	*out = (struct look){ .t = t, .cpu = -1 };
	if (!cpu_ns)
		return false;
	out->ran = cpu_ns != t->credit.cpu_ns;
	/* One that only waits for a CPU is not quiet, whatever its clock says. */
	if (!out->ran && p->active_count > FEW_THREADS && t->quiet + 1 < QUIET_LOOKS)
		return true;
	out->cpu = ptrace_proc_place(t, &out->runs);
	if (!out->ran)
		return true;
	ptrace_credit_read(&t->credit, p->period_ns, cpu_ns, now_ns);
	return true;
}

/*
 * Several may have been on this CPU lately, and somebody else after them. The scheduler counted a thread's time when
 * it was displaced, and ours when we came: at the same moment if we took its place.
 * @return that moment; 0 if it was not by us
 */
static uint64_t displaced_by_us_ns(struct ptrace_sampler *p, const struct look *look)
{
	if (!look->ran)
		return 0;
	if (!p->came_ns)
		return 1;
	_cleanup_close_ int fd = ptrace_proc_open_counted(look->t->pid, look->t->tid);
	uint64_t its_ns = ptrace_proc_counted_ns(fd);
	return !its_ns ? 1 : its_ns + COUNTED_SLACK_NS > p->came_ns ? its_ns : 0;
}

static void interrupt(struct ptrace_sampler *p, struct ptrace_thread *t)
{
	if (!t || t->state != PTRACE_RUNS) /* it was asked before, and has not run since */
		return;
	p->lags = ptrace_credit_lags(&t->credit, p->period_ns);
	if (p->moment == PTRACE_MOMENT_LATE && !p->lags)
		return;
	if (ptrace_credit_accepts(&t->credit, p->period_ns, monotonic_ns()) &&
	    ptrace(PTRACE_INTERRUPT, t->tid, NULL, NULL) == 0)
		t->state = PTRACE_INTERRUPTED;
}

static bool can_be_looked_at(const struct ptrace_thread *t)
{
	return t->tid && (t->state == PTRACE_RUNS || t->state == PTRACE_INTERRUPTED);
}

static void take(struct ptrace_sampler *p, struct ptrace_thread *t, uint64_t now_ns)
{
	struct look look;
	if (!look_at(p, t, &look))
		return;
	t->quiet = look.ran || look.runs ? 0 : t->quiet + 1;
	if (!look.runs)
		return;
	note_place(p, look.cpu, now_ns);
	if (p->moment == PTRACE_MOMENT_OF_AN_EVENT || look.cpu != p->cpus.at[p->here].number)
		return;
	uint64_t displaced_ns = displaced_by_us_ns(p, &look);
	if (displaced_ns <= p->displaced_ns)
		return;
	p->displaced = t->tid;
	p->displaced_ns = displaced_ns;
}

static void look_at_some_quiet(struct ptrace_sampler *p, uint64_t now_ns)
{
	uint32_t looked = 0;
	for (size_t i = 1; i < p->threads.count && looked < QUIET_IN_A_ROUND; i++) {
		p->round = p->round + 1 < p->threads.count ? p->round + 1 : 1;
		struct ptrace_thread *t = &p->threads.at[p->round];
		if (!can_be_looked_at(t) || t->quiet < QUIET_LOOKS)
			continue;
		looked++;
		take(p, t, now_ns);
	}
}

static void look_at_all(struct ptrace_sampler *p, uint64_t now_ns)
{
	size_t active = 0;
	for (size_t i = 1; i < p->threads.count; i++) {
		struct ptrace_thread *t = &p->threads.at[i];
		if (!can_be_looked_at(t) || t->quiet >= QUIET_LOOKS)
			continue;
		active++;
		take(p, t, now_ns);
	}
	look_at_some_quiet(p, now_ns);
	p->active_count = active;
}

/* Of those where threads of ours may be running, the one whose turn comes first. */
static size_t next_cpu(const struct ptrace_sampler *p, uint64_t now_ns)
{
	bool all = p->active_count > 1 && p->cpus.count <= FEW_CPUS;
	size_t best = p->here;
	uint64_t best_ns = UINT64_MAX;
	for (size_t i = 0; i < p->cpus.count; i++) {
		const struct ptrace_cpu *cpu = &p->cpus.at[i];
		bool hot = all || now_ns < cpu->since_ns + HOT_NS;
		uint64_t due_ns = cpu->due_ns + (hot ? 0 : IDLE_CPU_PERIODS * p->period_ns);
		if (due_ns >= best_ns)
			continue;
		best = i;
		best_ns = due_ns;
	}
	return best;
}

/* We must have slept for a while before a moment counts; which one it is then, is chance as well. */
static uint64_t not_before(struct ptrace_sampler *p, uint64_t due_ns, uint64_t earliest_ns)
{
	uint64_t slack_ns = p->period_ns / 2 < SLACK_MOST_NS ? p->period_ns / 2 : SLACK_MOST_NS;
	if (due_ns > earliest_ns)
		return due_ns;
	return earliest_ns + random_between(&p->random, 0, slack_ns);
}

uint64_t ptrace_look(struct ptrace_sampler *p, uint64_t now_ns)
{
	struct ptrace_cpu *here = &p->cpus.at[p->here];
	bool counts = p->moment != PTRACE_MOMENT_OF_AN_EVENT;
	p->came_ns = counts ? ptrace_proc_counted_ns(p->counted_fd) : 0;
	p->counts.looks++;
	p->counts.late += p->moment != PTRACE_MOMENT_OF_CHANCE;
	p->lags = false;
	p->displaced_ns = 0;
	look_at_all(p, now_ns);
	p->counts.displaced += p->displaced_ns > 0;
	if (p->displaced_ns)
		interrupt(p, ptrace_thread_find(p, p->displaced));
	if (counts)
		here->due_ns += ptrace_credit_pause(&p->random, p->period_ns, p->lags);
	uint64_t end_ns = monotonic_ns();
	if (here->due_ns + LATE_MOST_PERIODS * p->period_ns < end_ns)
		here->due_ns = end_ns; /* what is long past is not made up for */
	size_t next = next_cpu(p, end_ns);
	go_to(p, next);
	/* Half of a CPU is the most that looks may take. */
	uint64_t earliest_ns = monotonic_ns() + (end_ns - now_ns) / 2 + SLEEP_LEAST_NS;
	struct ptrace_cpu *there = &p->cpus.at[next];
	there->due_ns = not_before(p, there->due_ns, earliest_ns);
	return there->due_ns;
}
