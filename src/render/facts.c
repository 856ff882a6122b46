// SPDX-License-Identifier: MIT
#include "render/facts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/interval.h"
#include "render/table.h"

enum {
	COMMAND_WIDTH = 40, /* of the command inside a sentence */
	INNER_PIDS_SHOWN = 8,
	CLOCK_SHOWN_PERCENT = 2,
};

double percent_of(uint64_t part, uint64_t whole)
{
	return whole ? 100 * (double)part / (double)whole : 0;
}

static double seconds_of(uint64_t ns)
{
	return (double)ns / 1e9;
}

static void find_reason(struct facts *f)
{
	const struct profile_meta *m = &f->profile->meta;
	uint64_t most = 0;
	for (size_t i = 0; i < m->reason_count; i++) {
		if (m->reasons[i].samples <= most)
			continue;
		most = m->reasons[i].samples;
		f->reason_id = profile_string(f->profile, m->reasons[i].id);
		f->reason_sentence = profile_string(f->profile, m->reasons[i].sentence);
	}
}

/* A foreign file says by a frame in front, not by a reason, that a stack is not whole. */
static bool stack_is_marked(const struct profile *p, stack_id stack)
{
	bool marked = false;
	for (uint32_t s = stack.v; s; s = p->stack_parent[s].v)
		marked = p->frames[p->stack_frame[s].v].kind == FRAME_TRUNCATED;
	return marked;
}

/*
 * Samples are counted, CPU seconds are the clock's (of threads with samples). They differ where threads run in
 * short bursts: what a timer has due at the end of one finds the thread gone.
 */
static double clock_percent(const struct facts *f, double sampled_cpu_s)
{
	const struct profile_meta *m = &f->profile->meta;
	double cpu_s = sampled_cpu_s - seconds_of(m->unsampled_kernel_ns);
	if (m->foreign || m->selection.v || !m->rate_hz || !f->samples || cpu_s <= 0)
		return 0;
	return 100 * (cpu_s * m->rate_hz / (double)(f->samples + m->lost_samples) - 1);
}

struct facts facts_of(const struct profile *p)
{
	struct facts f = { .profile = p, .reason_id = "", .reason_sentence = "" };
	for (size_t i = 0; i < p->sample_count; i++) {
		const struct profile_sample *s = &p->samples[i];
		f.samples += s->count;
		f.cpu_s += seconds_of(s->cpu_ns);
		if (s->truncated.v || (p->meta.foreign && stack_is_marked(p, s->stack)))
			f.truncated += s->count;
		if (s->completed)
			f.completed += s->count;
	}
	f.clock_percent = clock_percent(&f, f.cpu_s);
	f.cpu_s += seconds_of(p->meta.unsampled_cpu_ns);
	f.duration_s = seconds_of(p->meta.duration_ns);
	f.truncated_percent = percent_of(f.truncated, f.samples);
	uint64_t taken = p->meta.selection.v ? p->meta.samples_before : f.samples;
	f.lost_percent = percent_of(p->meta.lost_samples, p->meta.lost_samples + taken);
	find_reason(&f);
	return f;
}

void facts_seconds(struct strbuf *out, double seconds)
{
	if (seconds < 1)
		strbuf_printf(out, "%.0f ms", seconds * 1e3);
	else
		strbuf_printf(out, seconds < 100 ? "%.2f s" : "%.0f s", seconds);
}

void facts_title(const struct facts *f, struct strbuf *out)
{
	const char *command = profile_string(f->profile, f->profile->meta.command);
	strbuf_puts(out, *command ? command : "profile");
}

void facts_selection(const struct facts *f, struct strbuf *out)
{
	const struct profile_meta *m = &f->profile->meta;
	if (!m->selection.v)
		return;
	strbuf_printf(out, "Only what is left by %s: %llu of %llu samples (%.2f %%).",
		      profile_string(f->profile, m->selection), (unsigned long long)f->samples,
		      (unsigned long long)m->samples_before,
		      percent_of(f->samples, m->samples_before));
	if (f->samples && f->samples < m->samples_before)
		strbuf_puts(out, " Percentages are of those shown.");
}

static int compare_u64(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
	return (a > b) - (a < b);
}

/* Least, greatest, median: whoever reads it sees whether the runs were alike. */
static void add_runs(const struct profile_meta *m, struct strbuf *out)
{
	size_t n = m->run_count;
	uint64_t *ns = n && !m->selection.v ? malloc(n * sizeof(*ns)) : NULL;
	if (!ns)
		return;
	memcpy(ns, m->run_cpu_ns, n * sizeof(*ns));
	qsort(ns, n, sizeof(*ns), compare_u64);
	double median = (seconds_of(ns[(n - 1) / 2]) + seconds_of(ns[n / 2])) / 2;
	bool short_runs = median < 1;
	double scale = short_runs ? 1e3 : 1;
	int digits = short_runs ? 1 : 2;
	strbuf_printf(out, "; %zu %s, CPU %.*f", n, n == 1 ? "run" : "runs", digits,
		      seconds_of(ns[0]) * scale);
	if (n > 1)
		strbuf_printf(out, "-%.*f", digits, seconds_of(ns[n - 1]) * scale);
	strbuf_puts(out, short_runs ? " ms" : " s");
	if (n > 1)
		strbuf_printf(out, " each (median %.*f)", digits, median * scale);
	free(ns);
}

void facts_run(const struct facts *f, struct strbuf *out)
{
	const struct profile_meta *m = &f->profile->meta;
	strbuf_u64(out, f->samples);
	strbuf_puts(out, f->samples == 1 ? " sample" : " samples");
	if (m->foreign) {
		strbuf_puts(out, " (the file does not say at which rate)");
		return;
	}
	if (m->rate_hz)
		strbuf_printf(out, " at %u Hz", m->rate_hz);
	if (m->rate_hz && m->wanted_rate_hz)
		strbuf_printf(out, " (%u were wanted)", m->wanted_rate_hz);
	strbuf_puts(out, " in ");
	facts_seconds(out, f->duration_s);
	if (f->cpu_s > 0) {
		strbuf_puts(out, ", ");
		facts_seconds(out, f->cpu_s);
		strbuf_puts(out, " of CPU time");
	}
	add_runs(m, out);
}

void facts_clock(const struct facts *f, struct strbuf *out)
{
	double by_chance_percent = 300 / sqrt(f->samples ? (double)f->samples : 1);
	double percent = fabs(f->clock_percent);
	if (percent < CLOCK_SHOWN_PERCENT || percent < by_chance_percent)
		return;
	strbuf_printf(out,
		      "; by the clock that is %.1f %% %s than the samples stand for (%sseconds "
		      "follow the "
		      "clock, shares the samples)",
		      percent, f->clock_percent > 0 ? "more" : "less",
		      f->clock_percent > 0 ? "ticks miss the ends of short bursts; " : "");
}

/* Who reads a stack should know how sure its outer end is. */
static void add_completed(const struct facts *f, struct strbuf *out)
{
	if (f->completed)
		strbuf_printf(out,
			      ", completed %.2f %% (%llu stacks are larger than the kernel copies; "
			      "their outer frames were read from the process a moment later)",
			      percent_of(f->completed, f->samples),
			      (unsigned long long)f->completed);
}

static void add_truncated(const struct facts *f, struct strbuf *out)
{
	if (!f->samples)
		return;
	if (!f->truncated && f->profile->meta.foreign) {
		strbuf_puts(out, "The file does not say whether every stack is whole");
		return;
	}
	if (!f->truncated) {
		strbuf_puts(out, "Truncated 0.00 % (every stack is whole)");
		return;
	}
	strbuf_printf(out, "Truncated %.2f %% (%llu of %llu stacks", f->truncated_percent,
		      (unsigned long long)f->truncated, (unsigned long long)f->samples);
	if (*f->reason_sentence)
		strbuf_printf(out, ", mostly: %s", f->reason_sentence);
	strbuf_putc(out, ')');
}

void facts_completeness(const struct facts *f, struct strbuf *out)
{
	const struct profile_meta *m = &f->profile->meta;
	size_t before = out->length;
	add_truncated(f, out);
	add_completed(f, out);
	if (m->foreign)
		return;
	strbuf_printf(out, "%sost %.2f %%", out->length > before ? ", l" : "L", f->lost_percent);
	if (m->lost_samples)
		strbuf_printf(out, " (%llu samples)", (unsigned long long)m->lost_samples);
	if (m->checked_returns)
		strbuf_printf(out, ", %llu of %llu return addresses follow no call (%.4f %%)",
			      (unsigned long long)m->wrong_returns,
			      (unsigned long long)m->checked_returns,
			      percent_of(m->wrong_returns, m->checked_returns));
	if (m->throttled)
		strbuf_printf(out, ", throttled %llu times", (unsigned long long)m->throttled);
	double fixed = percent_of(m->fixed_period_samples,
				  m->selection.v ? m->samples_before : f->samples);
	if (fixed >= 1)
		strbuf_printf(out, ", %.1f %% sampled at a fixed period", fixed);
}

double facts_kernel_percent(const struct facts *f)
{
	const struct profile_meta *m = &f->profile->meta;
	if (m->foreign || m->kernel_sampled || m->selection.v || f->cpu_s <= 0)
		return 0;
	/* It comes from another clock than the CPU time: the kernel's tick. */
	double percent = 100 * seconds_of(m->unsampled_kernel_ns) / f->cpu_s;
	return percent < 100 ? percent : 100;
}

void facts_kernel(const struct facts *f, struct strbuf *out)
{
	const struct profile_meta *m = &f->profile->meta;
	if (m->foreign || m->kernel_sampled)
		return;
	double percent = facts_kernel_percent(f);
	if (percent >= FACTS_KERNEL_PERCENT) {
		facts_seconds(out, seconds_of(m->unsampled_kernel_ns));
		strbuf_printf(out,
			      " of system time, %.0f %% of the CPU time, are not in what is shown: "
			      "the kernel could not be sampled, and shares are of user time.",
			      percent);
		return;
	}
	strbuf_puts(out, "The kernel could not be sampled: shares are of user time");
	if (m->unsampled_kernel_ns) {
		strbuf_puts(out, "; ");
		facts_seconds(out, seconds_of(m->unsampled_kernel_ns));
		strbuf_puts(out, " of system time are not in them");
	}
	strbuf_putc(out, '.');
}

void facts_inner_pids(const struct facts *f, struct strbuf *out)
{
	const struct profile_meta *m = &f->profile->meta;
	size_t shown = 0, all = 0;
	for (size_t i = 0; i < m->pid_count; i++) {
		if (!m->inner_pids[i] || ++all > INNER_PIDS_SHOWN)
			continue;
		strbuf_printf(out, shown++ ? ", %u is %u" : "In its own pid namespace %u is %u",
			      m->pids[i], m->inner_pids[i]);
	}
	if (all > shown)
		strbuf_printf(out, ", and so on: %zu more", all - shown);
	if (all)
		strbuf_putc(out, '.');
}

void facts_few(const struct facts *f, struct strbuf *out)
{
	const struct profile_meta *m = &f->profile->meta;
	if (f->samples >= FACTS_FEW_SAMPLES)
		return;
	if (m->foreign || m->selection.v) {
		if (!f->samples && !m->samples_before)
			strbuf_puts(out, "The profile holds no samples.");
	} else {
		const char *command = profile_string(f->profile, m->command);
		text_clip_middle(out, *command ? command : "the program", COMMAND_WIDTH);
		uint64_t kernel_ns = m->kernel_sampled ? 0 : m->unsampled_kernel_ns;
		double user_s = f->cpu_s - seconds_of(kernel_ns);
		user_s = user_s > 0 ? user_s : 0; /* two clocks */
		strbuf_puts(out, " used ");
		facts_seconds(out, user_s);
		strbuf_puts(out, kernel_ns ? " of user time; " : " of CPU; ");
		uint64_t expected = (uint64_t)(user_s * m->rate_hz + 0.5);
		strbuf_u64(out, expected);
		strbuf_puts(out, expected == 1 ? " sample expected." : " samples expected.");
	}
	if (!f->samples)
		return;
	struct interval half = interval_wilson(f->samples / 2, f->samples);
	strbuf_printf(out, "%sWith %llu %s a share of half is known to +-%.0f points only.",
		      m->foreign || m->selection.v ? "" : " ", (unsigned long long)f->samples,
		      f->samples == 1 ? "sample" : "samples", (half.high - half.low) / 2);
}
