// SPDX-License-Identifier: MIT
#include "render/report_answer.h"

#include <math.h>
#include <string.h>

#include "analyze/callers.h"
#include "render/short_name.h"

enum {
	DOMINATES_PERCENT = 10,
	MODULE_PERCENT = 30,
	CALLER_PERCENT = 25,
	BROKEN_PERCENT = 5,
	TOP_TEN = 10,
	NAME_WIDTH = 70,
	WAITING_PERCENT = 10,
	KERNEL_PERCENT = 20, /* of the CPU time: what to look for is in the kernel */
};

#define SHORT_S 0.2 /* of so little time the beginning and the end of a program are much */

/* A name inside a sentence. */
static void say_name(const struct report *r, string_id name, struct strbuf *out)
{
	short_name(out, profile_string(r->profile, name), NAME_WIDTH);
}

static void say_caller(const struct report *r, const struct hotspot *h, struct strbuf *out)
{
	struct caller caller = { 0 };
	callers_of(r->profile, h, &caller, 1);
	double share = percent_of(caller.samples, h->self);
	if (!caller.function.v || share < CALLER_PERCENT)
		return;
	strbuf_printf(out, " %s of it is called by ",
		      caller.samples == h->self ? "All"
		      : share >= 50             ? "Most"
						: "Much");
	say_name(r, caller.function, out);
	strbuf_putc(out, '.');
}

static void say_module(const struct report *r, struct strbuf *out)
{
	const struct quality *q = &r->quality;
	if (!q->count)
		return;
	const char *path = profile_string(r->profile, q->at[0].path);
	double share = percent_of(q->at[0].self, q->samples);
	if (share >= MODULE_PERCENT && *path)
		strbuf_printf(out, " %.0f %% is spent in %s.", share, report_basename(path));
}

static const char *unit(const struct report *r)
{
	const struct profile_meta *m = &r->profile->meta;
	bool part = m->selection.v && r->facts.samples < m->samples_before;
	if (part)
		return "what is shown";
	return m->foreign ? "the samples" : m->kernel_sampled ? "the CPU time" : "the user time";
}

void answer_dominates(const struct report *r, struct strbuf *out)
{
	const struct hotspots *hot = &r->hotspots;
	if (!r->facts.samples || !hot->count || !hot->at[0].self)
		return;
	const struct hotspot *h = &hot->at[0];
	double ten = 0;
	for (size_t i = 0; i < hot->count && i < TOP_TEN; i++)
		ten += hot->at[i].self_share.percent;
	bool dominates = h->self_share.percent >= DOMINATES_PERCENT;
	if (!dominates)
		strbuf_printf(out, "nothing: the ten hottest functions take %.0f %%; the first is ",
			      ten);
	say_name(r, h->function, out);
	strbuf_printf(out, "%s %.1f %% of %s in its own code (%.1f to %.1f %%)",
		      dominates ? " takes" : " with", h->self_share.percent, unit(r),
		      h->self_share.low, h->self_share.high);
	if (h->total > h->self)
		strbuf_printf(out, ", %.1f %% with all that it calls", h->total_share.percent);
	strbuf_putc(out, '.');
	say_caller(r, h, out);
	say_module(r, out);
}

void answer_sure(const struct report *r, struct strbuf *out)
{
	if (!r->facts.samples)
		return;
	facts_run(&r->facts, out);
	facts_clock(&r->facts, out);
	struct interval half = interval_wilson(r->facts.samples / 2, r->facts.samples);
	if (r->facts.samples >= FACTS_FEW_SAMPLES)
		strbuf_printf(out, "; a share of half is known to +-%.1f points",
			      (half.high - half.low) / 2);
	strbuf_putc(out, '.');
}

void answer_selection(const struct report *r, struct strbuf *out)
{
	facts_selection(&r->facts, out);
}

void answer_few(const struct report *r, struct strbuf *out)
{
	facts_few(&r->facts, out);
}

void answer_complete(const struct report *r, struct strbuf *out)
{
	const struct quality *q = &r->quality;
	const struct module_quality *worst = NULL;
	if (!r->facts.samples && !r->profile->meta.lost_samples)
		return;
	facts_completeness(&r->facts, out);
	if (out->length)
		strbuf_putc(out, '.');
	for (size_t i = 0; i < q->count; i++)
		if (q->at[i].truncated && (!worst || q->at[i].truncated > worst->truncated))
			worst = &q->at[i];
	if (worst && worst->path.v)
		strbuf_printf(out, " %.0f %% of the truncated broke in %s.",
			      percent_of(worst->truncated, q->truncated),
			      report_basename(profile_string(r->profile, worst->path)));
}

static bool kernel_is_first(const struct report *r)
{
	return facts_kernel_percent(&r->facts) >= FACTS_KERNEL_PERCENT;
}

void answer_kernel_first(const struct report *r, struct strbuf *out)
{
	if (kernel_is_first(r))
		facts_kernel(&r->facts, out);
}

void answer_kernel_last(const struct report *r, struct strbuf *out)
{
	if (!kernel_is_first(r))
		facts_kernel(&r->facts, out);
}

static const struct module_quality *most_unnamed(const struct quality *q)
{
	const struct module_quality *worst = NULL;
	for (size_t i = 0; i < q->count; i++)
		if (q->at[i].unnamed && (!worst || q->at[i].unnamed > worst->unnamed))
			worst = &q->at[i];
	return worst;
}

/* Whoever asks why a program is slow must know that this profile cannot tell. */
static bool say_waiting(const struct report *r, struct strbuf *out)
{
	const struct facts *f = &r->facts;
	double share = f->duration_s > 0 ? 100 * f->cpu_s / f->duration_s : 100;
	if (r->profile->meta.foreign || r->profile->meta.selection.v || f->duration_s < SHORT_S ||
	    share >= WAITING_PERCENT)
		return false;
	strbuf_printf(
		out,
		"it was on a CPU for %.0f %% of the time: it waits, and a profile of CPU time does "
		"not say what for; ",
		share);
	return true;
}

static bool say_kernel(const struct report *r, struct strbuf *out)
{
	if (facts_kernel_percent(&r->facts) < KERNEL_PERCENT)
		return false;
	strbuf_puts(out,
		    "let root sample the kernel, too: `sudo perfprof ...` (`run -u USER` keeps "
		    "the command an ordinary user's); ");
	return true;
}

/* Where its hottest line is, and how to see it. */
static void say_lines(const struct report *r, const struct hotspot *h, struct strbuf *out)
{
	size_t length;
	bool newer;
	strbuf_printf(out, "look at %s:%u", profile_string(r->profile, h->file), h->line);
	if (profile_source_text(r->profile, h->file, h->line, &length, &newer)) {
		const char *name = profile_string(r->profile, h->function);
		bool plain =
			!name[strspn(name, "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					   "0123456789")];
		strbuf_printf(out, " (`perfprof annotate %s` shows its lines)",
			      plain ? name : "FUNCTION");
	}
	strbuf_puts(out, "; ");
}

static void say_unnamed(const struct report *r, struct strbuf *out)
{
	const struct module_quality *m = most_unnamed(&r->quality);
	double unnamed = m ? percent_of(m->unnamed, r->quality.samples) : 0;
	if (m && unnamed >= BROKEN_PERCENT && m->path.v) {
		const char *path = profile_string(r->profile, m->path);
		strbuf_printf(out,
			      "%.0f %% of the samples lie in functions of %s without a name: "
			      "give it debug symbols; ",
			      unnamed, report_basename(path));
	} else if (m && unnamed >= BROKEN_PERCENT && !r->profile->meta.foreign) {
		strbuf_printf(out,
			      "%.0f %% of the samples lie in code that is in no file, as a JIT "
			      "compiler's, which this version does not name; ",
			      unnamed);
	}
}

void answer_next(const struct report *r, struct strbuf *out)
{
	bool waits = say_waiting(r, out), in_kernel = say_kernel(r, out);
	if (!r->facts.samples && r->profile->meta.samples_before) {
		strbuf_puts(out, "show more: a shorter pattern, or another one.");
		return;
	}
	if (!r->facts.samples) {
		strbuf_puts(out,
			    waits       ? "look at its locks, input and output."
			    : in_kernel ? "nothing else is known of it."
					: "profile more work: a longer input, or several runs in a "
					  "loop.");
		return;
	}
	if (r->facts.truncated_percent >= BROKEN_PERCENT)
		strbuf_printf(out,
			      "%.0f %% of the stacks lack their outer part, so totals are too "
			      "low: see the quality of each module; ",
			      r->facts.truncated_percent);
	say_unnamed(r, out);
	const struct hotspot *h = r->hotspots.count ? &r->hotspots.at[0] : NULL;
	if (h && h->file.v && h->line && h->self_share.percent >= DOMINATES_PERCENT)
		say_lines(r, h, out);
	strbuf_puts(out, "`perfprof flame` draws who calls what.");
}

/* Of a short command the share says nothing: most of ours is to begin and to end. */
static void say_share_of_watched(const struct report *r, uint64_t ns, struct strbuf *out)
{
	if (r->facts.cpu_s * 1e9 > (double)r->profile->meta.profiler_cpu_ns)
		strbuf_printf(out, " (%.2f %% of what it watched)",
			      (double)ns / 1e7 / r->facts.cpu_s);
}

void answer_cost(const struct report *r, struct strbuf *out)
{
	const struct profile_meta *m = &r->profile->meta;
	if (m->foreign)
		return;
	strbuf_puts(out, "perfprof itself used ");
	facts_seconds(out, (double)m->profiler_cpu_ns / 1e9);
	strbuf_puts(out, " of CPU");
	say_share_of_watched(r, m->profiler_cpu_ns, out);
	if (m->profiler_kernel_ns) {
		strbuf_puts(out, ", the kernel ");
		facts_seconds(out, (double)m->profiler_kernel_ns / 1e9);
		strbuf_puts(out, " for its samples");
		say_share_of_watched(r, m->profiler_kernel_ns, out);
	}
	if (m->profiler_written_bytes)
		strbuf_printf(out, "; %.0f KB written meanwhile",
			      ceil((double)m->profiler_written_bytes / 1e3));
	if (m->backend.v)
		strbuf_printf(out, "; samples by %s", profile_string(r->profile, m->backend));
	if (m->unwind.v)
		strbuf_printf(out, "; stacks by %s", profile_string(r->profile, m->unwind));
	strbuf_putc(out, '.');
}
