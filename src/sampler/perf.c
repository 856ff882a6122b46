// SPDX-License-Identifier: MIT
#include "sampler/perf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "sampler/perf_limits.h"
#include "sampler/refusal.h"

enum {
	RING_BYTES_WANTED = 16 << 20,
	RINGS_BYTES_MAX = 256 << 20, /* of all CPUs */
	SAMPLE_REST_BYTES = 1024,    /* of a record, beside the stack copy */
	RATE_HZ_USUAL = 1000,
};

static struct perf *perf_of(struct sampler *s)
{
	return (struct perf *)s;
}

static int perf_probe(const struct sampler_config *config, struct error *err)
{
	struct perf_features features;
	return perf_probe_features(config->kernel, config->children, &features, err);
}

/* A copy must fit its ring many times, or a late reader loses all; the more of them come, the more. */
static uint32_t stack_bytes_for(uint64_t ring_bytes, uint32_t rate_hz, uint32_t wanted_bytes)
{
	if (rate_hz > RATE_HZ_USUAL)
		ring_bytes = ring_bytes * RATE_HZ_USUAL / rate_hz;
	uint32_t bytes = ring_bytes >= 1 << 20   ? PERF_STACK_MAX
			 : ring_bytes >= 1 << 19 ? 32768
			 : ring_bytes >= 1 << 18 ? 16384
						 : 8192;
	wanted_bytes &= ~7u;
	return wanted_bytes && wanted_bytes < bytes ? wanted_bytes : bytes;
}

static void set_rate(struct perf *p)
{
	int64_t limit = perf_read_number("/proc/sys/kernel/perf_event_max_sample_rate", 100000);
	if (limit < 1)
		limit = 1;
	/* Jitter and repayment shorten periods for a while; the kernel throttles by the tick. */
	uint32_t most = (uint32_t)(limit * 7 / 10);
	p->stats.rate_hz = p->config.rate_hz < most ? p->config.rate_hz : most;
	if (!p->stats.rate_hz)
		p->stats.rate_hz = 1;
	uint64_t seed = p->config.seed;
	if (!seed && getrandom(&seed, sizeof(seed), 0) < 0)
		seed = monotonic_ns();
	jitter_init(&p->jitter, NSEC_PER_SEC / p->stats.rate_hz, NSEC_PER_SEC / (uint64_t)limit,
		    seed);
	p->jitter.off = !p->config.jitter;
	jitter_schedule(&p->jitter, monotonic_ns());
}

static void raise_descriptor_limit(struct perf *p)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	p->stats.nofile_soft = limit.rlim_cur;
	rlim_t most = (rlim_t)perf_read_number("/proc/sys/fs/nr_open", 0);
	struct rlimit higher = { most, most };
	if (most > limit.rlim_max && setrlimit(RLIMIT_NOFILE, &higher) == 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void limit_families(struct perf *p)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		limit.rlim_cur = 0;
	p->families_most = perf_families_that_fit(limit.rlim_cur, p->cpu_count);
}

static int open_rings(struct perf *p, struct error *err)
{
	int r = perf_online_cpus(&p->cpus, &p->cpu_count, err);
	if (r < 0)
		return r;
	p->rings = calloc(p->cpu_count, sizeof(*p->rings));
	p->scratch = malloc(PERF_RECORD_BYTES_MAX);
	if (!p->rings || !p->scratch || merge_init(&p->merge, p->cpu_count) < 0)
		return fail(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < p->cpu_count; i++)
		p->rings[i].cpu = p->cpus[i];
	uint64_t ring_bytes = RING_BYTES_WANTED;
	while (ring_bytes * p->cpu_count > RINGS_BYTES_MAX && ring_bytes > 1 << 20)
		ring_bytes /= 2;
	r = perf_rings_open(p->rings, p->cpu_count, &ring_bytes, err);
	if (r < 0)
		return r;
	p->stats.ring_bytes = ring_bytes * p->cpu_count;
	p->stats.stack_bytes = stack_bytes_for(ring_bytes, p->stats.rate_hz, p->config.stack_bytes);
	p->stats.ring_samples = (uint32_t)(ring_bytes / (p->stats.stack_bytes + SAMPLE_REST_BYTES));
	p->shape.stack_bytes = p->stats.stack_bytes;
	p->shape.watermark_bytes = (uint32_t)(ring_bytes / 2);
	return 0;
}

static void perf_destroy(struct sampler *s)
{
	struct perf *p = perf_of(s);
	if (!p)
		return;
	perf_families_deinit(&p->families);
	perf_threads_deinit(&p->threads);
	if (p->rings)
		perf_rings_close(p->rings, p->cpu_count);
	free(p->rings);
	free(p->cpus);
	free(p->scratch);
	vec_free(&p->dirty);
	vec_free(&p->cpu_times);
	merge_deinit(&p->merge);
	free(p);
}

static int perf_open_parts(struct perf *p, struct error *err)
{
	int r = perf_probe_features(p->config.kernel, p->config.children, &p->shape.features, err);
	if (r < 0)
		return r;
	p->stats.kernel = p->shape.features.kernel;
	p->shape.children = p->config.children;
	p->shape.scope = p->config.scope;
	raise_descriptor_limit(p);
	set_rate(p);
	r = open_rings(p, err);
	if (r < 0)
		return r;
	struct perf_event_attr attr;
	perf_attr_sampling(&p->shape, 1, false, &attr);
	perf_layout_of(&attr, &p->layout);
	limit_families(p);
	if (perf_families_init(&p->families, &p->shape, p->rings, p->cpu_count) < 0 ||
	    perf_threads_init(&p->threads, p->cpu_count) < 0)
		return fail(err, -ENOMEM, "out of memory");
	return perf_is_wide(p) ? perf_wide_open(p, err) : 0;
}

static int perf_create(const struct sampler_config *config, struct sampler **out, struct error *err)
{
	struct perf *p = calloc(1, sizeof(*p));
	if (!p)
		return fail(err, -ENOMEM, "out of memory");
	p->base.ops = &sampler_perf;
	p->config = *config;
	p->cost = PERF_COST_USUAL;
	int r = perf_open_parts(p, err);
	if (r < 0) {
		perf_destroy(&p->base);
		return r;
	}
	*out = &p->base;
	return 0;
}

static int perf_add_process(struct sampler *s, pid_t pid, struct error *err)
{
	struct perf *p = perf_of(s);
	return perf_is_wide(p) ? perf_wide_add_process(p, pid, err)
			       : perf_cover_process(p, pid, err);
}

static int perf_add_on_exec(struct sampler *s, pid_t pid, struct error *err)
{
	int r = perf_cover_thread(perf_of(s), pid, pid, true);
	return r < 0 ? refusal_of(pid, r, err) : 0;
}

static int perf_arm(struct sampler *s, struct error *err)
{
	struct perf *p = perf_of(s);
	p->armed = true;
	for (uint32_t i = 1; i < p->families.family.count; i++) {
		const struct perf_family *family = &p->families.family.at[i];
		if (family->state != FAMILY_OPEN || family->on_exec)
			continue;
		int r = perf_family_enable(&p->families, i);
		if (r < 0)
			return fail(err, r, "cannot start sampling: %s", strerror(-r));
	}
	for (size_t i = 1; i < p->threads.row.count; i++)
		if (p->threads.row.at[i].tid)
			perf_cpu_begin(&p->threads.row.at[i]);
	/* Forks before this moment left no record: their copies show up by what they sample. */
	return 0;
}

static uint64_t perf_rearm(struct sampler *s, uint64_t now_ns)
{
	struct perf *p = perf_of(s);
	if (p->disarmed)
		return UINT64_MAX;
	perf_scan(p);
	if (p->config.jitter)
		perf_change_periods(p, now_ns);
	perf_cover_pending(p, now_ns);
	/* What a lead's short period brings too much lasts until the next turn. */
	bool in_hurry = now_ns < p->lead_ns + 50 * NSEC_PER_MSEC || p->pending_since_ns;
	uint64_t pause_ns = in_hurry ? NSEC_PER_MSEC : 10 * NSEC_PER_MSEC;
	return now_ns + pause_ns < p->jitter.next_ns ? now_ns + pause_ns : p->jitter.next_ns;
}

/* At once, and for events too that have not sampled for long. Copies of events keep their period: they are thinned. */
static void perf_set_rate(struct sampler *s, uint32_t rate_hz)
{
	struct perf *p = perf_of(s);
	p->stats.rate_hz = rate_hz;
	p->jitter.nominal_ns = NSEC_PER_SEC / rate_hz;
	p->jitter.next_ns = 0;
	for (uint32_t i = 0; i < p->families.event.count; i++) {
		struct perf_sampling_event *event = &p->families.event.at[i];
		if (event->fd >= 0 && !event->dirty)
			event->dirty = vec_push(&p->dirty, i);
	}
	perf_change_periods(p, monotonic_ns());
}

static bool perf_peek(struct sampler *s, const struct record **out)
{
	return perf_emit(perf_of(s), out);
}

static void perf_consume(struct sampler *s)
{
	perf_emit_consume(perf_of(s));
}

static void perf_disarm(struct sampler *s)
{
	struct perf *p = perf_of(s);
	if (p->disarmed)
		return;
	for (uint32_t i = 1; i < p->families.family.count; i++)
		if (p->families.family.at[i].state == FAMILY_OPEN)
			perf_family_disable(&p->families, i);
	perf_scan(p);
	perf_cpu_end(p);
	p->safe_ns = UINT64_MAX;
	p->disarmed = true;
}

static void perf_stats(const struct sampler *s, struct sampler_stats *out)
{
	const struct perf *p = (const struct perf *)s;
	*out = p->stats;
	out->threads = p->families.open_count;
}

const struct sampler_ops sampler_perf = {
	.name = "perf",
	.probe = perf_probe,
	.open = perf_create,
	.add_process = perf_add_process,
	.add_on_exec = perf_add_on_exec,
	.arm = perf_arm,
	.rearm = perf_rearm,
	.set_rate = perf_set_rate,
	.peek = perf_peek,
	.consume = perf_consume,
	.disarm = perf_disarm,
	.stats = perf_stats,
	.destroy = perf_destroy,
};
