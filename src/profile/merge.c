// SPDX-License-Identifier: MIT
#include "profile/merge.h"

#include <errno.h>
#include <string.h>

#include "base/map.h"
#include "base/strbuf.h"
#include "base/strings.h"
#include "profile/builder.h"
#include "profile/copy.h"
#include "profile/facts.h"

struct merge {
	const struct profile *const *profiles;
	struct profile **taken; /* the same, to be destroyed as soon as they are copied; or NULL */
	size_t count;
	struct builder *b;
	struct strbuf text;   /* scratch */
	struct strings notes; /* that are told already */
	struct map64 pids;    /* that are listed already */
};

static const char *fact_of(const struct profile *p, unsigned which)
{
	struct profile_meta m = p->meta;
	return profile_string(p, *profile_fact_text(&m, which));
}

/* @return whether a profile before `limit` has this fact too */
static bool is_known(const struct merge *m, size_t limit, unsigned which, const char *text)
{
	for (size_t i = 0; i < limit; i++)
		if (!strcmp(fact_of(m->profiles[i], which), text))
			return true;
	return false;
}

/* "make; make test": each once, in the order of the profiles. */
static string_id join_fact(struct merge *m, unsigned which)
{
	enum { TEXT_LIMIT = 1000 }; /* the rest of a long list says no more */
	strbuf_clear(&m->text);
	for (size_t i = 0; i < m->count; i++) {
		const char *text = fact_of(m->profiles[i], which);
		if (!*text || is_known(m, i, which, text))
			continue;
		if (m->text.length > TEXT_LIMIT) {
			strbuf_puts(&m->text, "; ...");
			break;
		}
		if (m->text.length)
			strbuf_puts(&m->text, "; ");
		strbuf_puts(&m->text, text);
	}
	return builder_intern(m->b, strbuf_text(&m->text));
}

static void add_u64(uint64_t *sum, uint64_t more)
{
	if (__builtin_add_overflow(*sum, more, sum))
		*sum = UINT64_MAX;
}

static void add_numbers(struct profile_meta *sum, const struct profile_meta *m)
{
	add_u64(&sum->duration_ns, m->duration_ns);
	add_u64(&sum->lost_samples, m->lost_samples);
	add_u64(&sum->throttled, m->throttled);
	add_u64(&sum->fixed_period_samples, m->fixed_period_samples);
	add_u64(&sum->profiler_cpu_ns, m->profiler_cpu_ns);
	add_u64(&sum->profiler_kernel_ns, m->profiler_kernel_ns);
	add_u64(&sum->profiler_written_bytes, m->profiler_written_bytes);
	add_u64(&sum->checked_returns, m->checked_returns);
	add_u64(&sum->wrong_returns, m->wrong_returns);
	add_u64(&sum->unsampled_cpu_ns, m->unsampled_cpu_ns);
	add_u64(&sum->unsampled_kernel_ns, m->unsampled_kernel_ns);
	if (m->cpus > sum->cpus)
		sum->cpus = m->cpus;
	if (m->start_unix_ns && (!sum->start_unix_ns || m->start_unix_ns < sum->start_unix_ns))
		sum->start_unix_ns = m->start_unix_ns;
	if (m->rate_hz != sum->rate_hz)
		sum->rate_hz = 0;
	if (m->wanted_rate_hz != sum->wanted_rate_hz)
		sum->wanted_rate_hz = 0;
	sum->kernel_sampled = sum->kernel_sampled && m->kernel_sampled;
	sum->foreign = sum->foreign || m->foreign;
}

/* Shares of samples mean something only if all were taken alike. */
static bool add_doubts(struct merge *m)
{
	const struct profile_meta *first = &m->profiles[0]->meta;
	const char *event = profile_string(m->profiles[0], first->event);
	bool rates = false, events = false;
	for (size_t i = 1; i < m->count; i++) {
		const struct profile *p = m->profiles[i];
		rates = rates || p->meta.rate_hz != first->rate_hz;
		events = events || strcmp(profile_string(p, p->meta.event), event) != 0;
	}
	if (rates &&
	    builder_note(m->b, "the merged files were sampled at different rates: shares of "
			       "samples weigh those at higher ones more") < 0)
		return false;
	return !events ||
	       builder_note(m->b, "the merged files hold samples of different events") == 0;
}

/* Each once, in the order of the profiles. */
static bool add_notes(struct merge *m, const struct profile *p)
{
	for (size_t i = 0; i < p->meta.note_count; i++) {
		const char *text = profile_string(p, p->meta.notes[i]);
		if (!*text)
			continue;
		size_t known = m->notes.count;
		string_id id = strings_intern(&m->notes, text);
		if (!id.v || (id.v >= known && builder_note(m->b, text) < 0))
			return false;
	}
	return true;
}

static bool add_pids(struct merge *m, const struct profile *p)
{
	for (size_t i = 0; i < p->meta.pid_count; i++) {
		uint64_t pid = p->meta.pids[i];
		if (map64_get(&m->pids, pid))
			continue;
		if (!map64_put(&m->pids, pid, 1) || builder_target_pid(m->b, (uint32_t)pid) < 0)
			return false;
		builder_target_inner_pid(m->b, (uint32_t)pid, p->meta.inner_pids[i]);
	}
	return true;
}

/* Those of a profile are numbered behind those of the profiles before it. */
static bool add_runs(struct merge *m, const struct profile *p)
{
	for (size_t i = 0; i < p->meta.run_count; i++)
		if (builder_end_run(m->b, p->meta.run_cpu_ns[i]) < 0)
			return false;
	return true;
}

static bool add_reasons(struct merge *m, const struct profile *p)
{
	for (size_t i = 0; i < p->meta.reason_count; i++) {
		const struct profile_reason *r = &p->meta.reasons[i];
		if (builder_reason(m->b, profile_string(p, r->id), profile_string(p, r->sentence)) <
		    0)
			return false;
	}
	return true;
}

/* Of the profiles that no filter had reduced, all samples were there before. */
static uint64_t samples_before(const struct merge *m)
{
	uint64_t sum = 0;
	bool filtered = false;
	for (size_t i = 0; i < m->count; i++) {
		const struct profile *p = m->profiles[i];
		filtered = filtered || p->meta.selection.v;
		add_u64(&sum,
			p->meta.selection.v ? p->meta.samples_before : profile_total_count(p));
	}
	return filtered ? sum : 0;
}

static bool merge_meta(struct merge *m)
{
	struct profile_meta *sum = builder_meta(m->b);
	sum->rate_hz = m->profiles[0]->meta.rate_hz;
	sum->kernel_sampled = true;
	sum->samples_before = samples_before(m);
	for (size_t i = 0; i < m->count; i++) {
		const struct profile *p = m->profiles[i];
		add_numbers(sum, &p->meta);
		if (!add_pids(m, p) || !add_notes(m, p) || !add_reasons(m, p) || !add_runs(m, p))
			return false;
	}
	for (unsigned i = 0; i < FACT_TEXTS; i++)
		*profile_fact_text(sum, i) = join_fact(m, i);
	return !m->text.failed && add_doubts(m);
}

static bool fits(const struct merge *m)
{
	uint64_t samples = 0, cpu_ns = 0;
	for (size_t i = 0; i < m->count; i++)
		if (__builtin_add_overflow(samples, profile_total_count(m->profiles[i]),
					   &samples) ||
		    __builtin_add_overflow(cpu_ns, profile_total_cpu_ns(m->profiles[i]), &cpu_ns))
			return false;
	return true;
}

/* How long a profile is: a file may not say, or have samples beyond what it says. */
static uint64_t length_ns(const struct profile *p)
{
	uint64_t last = p->time_count ? p->times[p->time_count - 1].time_ns + 1 : 0;
	return last > p->meta.duration_ns ? last : p->meta.duration_ns;
}

/* A journal says nothing of the run that it was cut short in, but its samples do. */
static uint32_t runs_of(const struct profile *p)
{
	uint32_t runs = (uint32_t)p->meta.run_count;
	for (size_t i = 1; i < p->thread_count; i++)
		if (p->threads[i].run > runs)
			runs = p->threads[i].run;
	return runs;
}

static int copy_whole(struct merge *m, const struct profile *p, uint64_t times_from_ns,
		      uint32_t runs_before, struct error *err)
{
	static const struct profile_filter no_filter = { 0 };
	struct selection all = { 0 };
	int r = selection_make(p, &no_filter, &all, err);
	if (r == 0)
		r = profile_copy(m->b, p, &all, (struct profile_span){ 0, p->time_count },
				 times_from_ns, runs_before, err);
	selection_deinit(&all);
	return r;
}

static int merge_all(struct merge *m, struct error *err)
{
	uint64_t elapsed_ns = 0;
	uint32_t runs = 0;
	if (!fits(m))
		return fail(err, -EOVERFLOW, "the samples add up to more than 64 bits");
	if (!merge_meta(m))
		return fail(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < m->count; i++) {
		int r = copy_whole(m, m->profiles[i], elapsed_ns, runs, err);
		if (r < 0)
			return r;
		add_u64(&elapsed_ns, length_ns(m->profiles[i]));
		runs += runs_of(m->profiles[i]);
		if (m->taken) {
			profile_destroy(m->taken[i]);
			m->taken[i] = NULL;
		}
	}
	return 0;
}

static int merge(struct merge *m, struct profile **out, struct error *err)
{
	int r = builder_create(&m->b, err);
	if (r == 0 && strings_init(&m->notes) < 0)
		r = fail(err, -ENOMEM, "out of memory");
	if (r == 0)
		r = merge_all(m, err);
	if (r == 0) {
		builder_seal(m->b);
		r = builder_freeze(m->b, out, err);
	}
	builder_destroy(m->b);
	strbuf_deinit(&m->text);
	strings_deinit(&m->notes);
	map64_deinit(&m->pids);
	return r;
}

int profile_merge(const struct profile *const *profiles, size_t count, struct profile **out,
		  struct error *err)
{
	struct merge m = { .profiles = profiles, .count = count };
	return merge(&m, out, err);
}

int profile_merge_taken(struct profile **profiles, size_t count, struct profile **out,
			struct error *err)
{
	struct merge m = { .profiles = (const struct profile *const *)profiles,
			   .taken = profiles,
			   .count = count };
	return merge(&m, out, err);
}
