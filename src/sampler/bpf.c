// SPDX-License-Identifier: MIT
#include "sampler/bpf.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "sampler/perf_limits.h"

enum {
	LATENESS_NS = 2000000, /* between a record's time and its end: a walk of 16,384 frames */
	SAMPLE_BYTES_USUAL = 2048,
};

static struct bpf *bpf_of(struct sampler *s)
{
	return (struct bpf *)s;
}

static void set_rate(struct bpf *b)
{
	int64_t limit = perf_read_number("/proc/sys/kernel/perf_event_max_sample_rate", 100000);
	uint32_t most = limit < 2 ? 1 : (uint32_t)(limit * 7 / 10);
	uint32_t wanted = b->config.rate_hz ? b->config.rate_hz : 1;
	b->stats.rate_hz = wanted < most ? wanted : most;
	uint64_t seed = b->config.seed;
	if (!seed && getrandom(&seed, sizeof(seed), 0) < 0)
		seed = monotonic_ns();
	jitter_init(&b->jitter, NSEC_PER_SEC / b->stats.rate_hz,
		    NSEC_PER_SEC / (uint64_t)(limit < 1 ? 1 : limit), seed);
	b->jitter.off = !b->config.jitter;
	jitter_schedule(&b->jitter, monotonic_ns());
}

static void bpf_destroy(struct sampler *s)
{
	struct bpf *b = bpf_of(s);
	if (!b)
		return;
	bpf_clocks_close(b);
	bpf_programs_unload(b);
	bpf_sideband_close(b);
	map64_deinit(&b->followed);
	map64_deinit(&b->thread_by_tid);
	vec_free(&b->threads);
	vec_free(&b->ended);
	map64_deinit(&b->taken);
	free(b->cpus);
	free(b);
}

static int open_parts(struct bpf *b, struct error *err)
{
	set_rate(b);
	int r = perf_online_cpus(&b->cpus, &b->cpu_count, err);
	if (r == 0 && !vec_push(&b->threads, (struct bpf_thread_time){ 0 }))
		r = fail(err, -ENOMEM, "out of memory");
	if (r == 0)
		r = bpf_clocks_open(b, err);
	/* From here on nothing that targets do is missed, so that /proc can be read after it. */
	if (r == 0)
		r = bpf_sideband_open(b, err);
	return r == 0 ? bpf_programs_load(b, err) : r;
}

static int bpf_create(const struct sampler_config *config, struct sampler **out, struct error *err)
{
	struct bpf *b = calloc(1, sizeof(*b));
	if (!b)
		return fail(err, -ENOMEM, "out of memory");
	b->base.ops = &sampler_bpf;
	b->config = *config;
	b->stats.kernel = true;
	int r = open_parts(b, err);
	if (r < 0) {
		bpf_destroy(&b->base);
		return r;
	}
	b->stats.ring_samples = (uint32_t)(b->stats.ring_bytes / SAMPLE_BYTES_USUAL);
	*out = &b->base;
	return 0;
}

static int bpf_probe(const struct sampler_config *config, struct error *err)
{
	struct sampler *s;
	int r = bpf_create(config, &s, err);
	if (r == 0)
		bpf_destroy(s);
	return r;
}

static int bpf_add_process(struct sampler *s, pid_t pid, struct error *err)
{
	return bpf_targets_follow(bpf_of(s), pid, TARGET_ACTIVE, err);
}

static int bpf_add_on_exec(struct sampler *s, pid_t pid, struct error *err)
{
	return bpf_targets_follow(bpf_of(s), pid, TARGET_WAITS_FOR_EXEC, err);
}

static int bpf_arm(struct sampler *s, struct error *err)
{
	struct bpf *b = bpf_of(s);
	(void)err;
	bpf_targets_begin(b);
	bpf_clocks_arm(b);
	bpf_programs_arm(b);
	return 0;
}

static void scan(struct bpf *b)
{
	uint64_t now_ns = monotonic_ns();
	bpf_ring_scan(&b->ring);
	bpf_sideband_scan(b);
	b->safe_ns = now_ns - LATENESS_NS;
}

static uint64_t bpf_rearm(struct sampler *s, uint64_t now_ns)
{
	struct bpf *b = bpf_of(s);
	scan(b);
	return bpf_clocks_change(b, now_ns);
}

/* At once, and for clocks too on which nobody was seen for long: they would go on at the old rate. */
static void bpf_set_rate(struct sampler *s, uint32_t rate_hz)
{
	struct bpf *b = bpf_of(s);
	b->stats.rate_hz = rate_hz;
	b->jitter.nominal_ns = NSEC_PER_SEC / rate_hz;
	b->jitter.next_ns = 0;
	uint64_t now_ns = monotonic_ns();
	for (uint32_t i = 0; i < b->cpu_count; i++)
		b->clocks[i].busy_ns = now_ns;
	bpf_clocks_change(b, now_ns);
}

static bool bpf_peek(struct sampler *s, const struct record **out)
{
	return bpf_emit(bpf_of(s), out);
}

static void bpf_consume(struct sampler *s)
{
	bpf_emit_consume(bpf_of(s));
}

static void bpf_disarm(struct sampler *s)
{
	struct bpf *b = bpf_of(s);
	if (b->disarmed)
		return;
	bpf_clocks_stop(b);
	bpf_targets_await(b);
	scan(b);
	bpf_targets_finish(b);
	b->safe_ns = UINT64_MAX;
	b->disarmed = true;
}

static void bpf_stats(const struct sampler *s, struct sampler_stats *out)
{
	const struct bpf *b = (const struct bpf *)s;
	*out = b->stats;
	for (uint32_t i = 0; i < b->counter_count; i++) {
		out->handed_over += b->counters[i].handed_over;
		out->kernel_cost_ns += b->counters[i].run_ns;
	}
}

static int bpf_publish_rows(struct sampler *s, const struct unwind_rows *rows, uint32_t *out_number,
			    struct error *err)
{
	return bpf_store_add(&bpf_of(s)->store, rows, out_number, err);
}

static int bpf_publish_mappings(struct sampler *s, pid_t pid,
				const struct sampler_mapping *mappings, size_t count,
				struct error *err)
{
	struct bpf *b = bpf_of(s);
	VEC(struct layout_mapping) list = { 0 };
	int r = 0;
	for (size_t i = 0; r == 0 && i < count; i++) {
		const struct sampler_mapping *m = &mappings[i];
		struct layout_mapping mapping = { m->start, m->end, m->bias, m->rows, 0 };
		if (!vec_push(&list, mapping))
			r = fail(err, -ENOMEM, "out of memory");
	}
	/* What was shown so far is applied: nothing older is missing in the list. */
	const struct record *next;
	uint64_t as_of_ns = bpf_emit(b, &next) ? next->time_ns : b->safe_ns;
	if (r == 0)
		r = bpf_spaces_set(&b->spaces, pid, list.at, (uint32_t)list.count, as_of_ns, err);
	vec_free(&list);
	return r;
}

const struct sampler_ops sampler_bpf = {
	.name = "bpf",
	.probe = bpf_probe,
	.open = bpf_create,
	.add_process = bpf_add_process,
	.add_on_exec = bpf_add_on_exec,
	.arm = bpf_arm,
	.rearm = bpf_rearm,
	.set_rate = bpf_set_rate,
	.publish_rows = bpf_publish_rows,
	.publish_mappings = bpf_publish_mappings,
	.peek = bpf_peek,
	.consume = bpf_consume,
	.disarm = bpf_disarm,
	.stats = bpf_stats,
	.destroy = bpf_destroy,
};
