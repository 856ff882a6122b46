// SPDX-License-Identifier: MIT
#include "sampler/ptrace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "process/rights.h"
#include "process/stat_file.h"

enum {
	RING_BYTES = 64 << 20,
	RATE_HZ_MOST = 10000, /* a sample costs some 60 us */
	SAMPLE_REST_BYTES = 1024,
	SCOPE_NOBODY = 3, /* of kernel.yama.ptrace_scope */
};

static struct ptrace_sampler *ptrace_of(struct sampler *s)
{
	return (struct ptrace_sampler *)s;
}

static int ptrace_probe(const struct sampler_config *config, struct error *err)
{
	if (config->scope != SCOPE_PROCESSES)
		return fail(err, -EINVAL,
			    "--backend ptrace traces processes one by one: it cannot sample the "
			    "whole system");
	struct rights rights;
	rights_read("", &rights);
	if (rights.ptrace_scope >= SCOPE_NOBODY)
		return fail(err, -EPERM,
			    "cannot trace: kernel.yama.ptrace_scope is 3: nobody may, until the "
			    "next boot");
	/* Nobody has this number: if the call is permitted, it says so. */
	if (ptrace(PTRACE_SEIZE, INT32_MAX, NULL, 0L) < 0 && errno != ESRCH)
		return fail_errno(err, "cannot trace: ptrace is forbidden (a seccomp filter?)");
	return 0;
}

static void set_rate(struct ptrace_sampler *p)
{
	uint32_t wanted_hz = p->config.rate_hz ? p->config.rate_hz : 1;
	p->stats.rate_hz = wanted_hz < RATE_HZ_MOST ? wanted_hz : RATE_HZ_MOST;
	p->period_ns = NSEC_PER_SEC / p->stats.rate_hz;
	p->random.state = p->config.seed;
	if (!p->config.seed && getrandom(&p->random.state, sizeof(p->random.state), 0) < 0)
		p->random.state = monotonic_ns();
}

/* Two files of /proc for each thread. */
static void raise_descriptor_limit(struct ptrace_sampler *p)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	p->stats.nofile_soft = limit.rlim_cur;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void ptrace_destroy(struct sampler *s)
{
	struct ptrace_sampler *p = ptrace_of(s);
	if (!p)
		return;
	ptrace_tracer_end(p);
	ptrace_threads_deinit(p);
	if (p->counted_fd >= 0)
		close(p->counted_fd);
	ptrace_ring_deinit(&p->ring);
	free(p->stack);
	free(p->text);
	free(p);
}

static int open_parts(struct ptrace_sampler *p, struct error *err)
{
	raise_descriptor_limit(p);
	set_rate(p);
	p->stats.kernel = true;
	p->stats.ring_bytes = RING_BYTES;
	p->stats.stack_bytes = PTRACE_STACK_BYTES;
	p->stats.ring_samples = RING_BYTES / (PTRACE_STACK_BYTES + SAMPLE_REST_BYTES);
	p->stack = malloc(PTRACE_STACK_BYTES);
	if (!p->stack || ptrace_ring_init(&p->ring, RING_BYTES) < 0)
		return fail(err, -ENOMEM, "out of memory");
	return ptrace_tracer_start(p, err);
}

static int ptrace_open(const struct sampler_config *config, struct sampler **out, struct error *err)
{
	int r = ptrace_probe(config, err);
	if (r < 0)
		return r;
	struct ptrace_sampler *p = calloc(1, sizeof(*p));
	if (!p)
		return fail(err, -ENOMEM, "out of memory");
	p->base.ops = &sampler_ptrace;
	p->config = *config;
	p->counted_fd = -1;
	r = open_parts(p, err);
	if (r < 0) {
		ptrace_destroy(&p->base);
		return r;
	}
	*out = &p->base;
	return 0;
}

static int ptrace_add_process(struct sampler *s, pid_t pid, struct error *err)
{
	return ptrace_tracer_ask(ptrace_of(s), PTRACE_ASK_ADD, pid, err);
}

static int ptrace_add_on_exec(struct sampler *s, pid_t pid, struct error *err)
{
	return ptrace_tracer_ask(ptrace_of(s), PTRACE_ASK_ADD_ON_EXEC, pid, err);
}

static int ptrace_arm(struct sampler *s, struct error *err)
{
	return ptrace_tracer_ask(ptrace_of(s), PTRACE_ASK_ARM, 0, err);
}

/* The tracer does by itself what is due. */
static uint64_t ptrace_rearm(struct sampler *s, uint64_t now_ns)
{
	(void)s;
	return now_ns + 10 * NSEC_PER_MSEC;
}

static bool ptrace_peek(struct sampler *s, const struct record **out)
{
	*out = ptrace_ring_peek(&ptrace_of(s)->ring);
	return *out;
}

static void ptrace_consume(struct sampler *s)
{
	ptrace_ring_release(&ptrace_of(s)->ring);
}

static void ptrace_last_look(struct sampler *s, pid_t pid)
{
	struct ptrace_sampler *p = ptrace_of(s);
	if (pid == atomic_load(&p->child))
		atomic_store(&p->child_cpu_ns, stat_file_thread_cpu_ns(pid, pid));
}

static void ptrace_disarm(struct sampler *s)
{
	ptrace_tracer_end(ptrace_of(s));
}

static void ptrace_stats(const struct sampler *s, struct sampler_stats *out)
{
	const struct ptrace_sampler *p = (const struct ptrace_sampler *)s;
	uint64_t restarted = atomic_load_explicit(&p->restarted, memory_order_relaxed);
	int length;
	*out = p->stats;
	length = snprintf(
		out->remark, sizeof(out->remark),
		"time in the kernel counts for the functions that called it: ptrace does not "
		"see kernel frames");
	if (restarted && length > 0)
		snprintf(
			out->remark + length, sizeof(out->remark) - (size_t)length,
			"; %llu system calls were begun again, which may have made their time-outs "
			"longer",
			(unsigned long long)restarted);
	out->rate_limit = "ptrace takes no more";
	out->threads = atomic_load_explicit(&p->thread_count, memory_order_relaxed);
	out->kernel_cost_ns = atomic_load_explicit(&p->stopped_ns, memory_order_relaxed);
	out->samples = atomic_load_explicit(&p->samples, memory_order_relaxed);
	out->lost = atomic_load_explicit(&p->lost, memory_order_relaxed);
}

const struct sampler_ops sampler_ptrace = {
	.name = "ptrace",
	.probe = ptrace_probe,
	.open = ptrace_open,
	.add_process = ptrace_add_process,
	.add_on_exec = ptrace_add_on_exec,
	.arm = ptrace_arm,
	.rearm = ptrace_rearm,
	.peek = ptrace_peek,
	.consume = ptrace_consume,
	.last_look = ptrace_last_look,
	.disarm = ptrace_disarm,
	.stats = ptrace_stats,
	.destroy = ptrace_destroy,
};
