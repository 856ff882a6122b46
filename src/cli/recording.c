// SPDX-License-Identifier: MIT
#include "cli/recording.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static int check_event(const char *event, struct error *err)
{
	if (!strcmp(event, "cpu") || !strcmp(event, "cpu-clock"))
		return 0;
	return fail(err, -EINVAL, "event '%s' is not in this version; it samples 'cpu'", event);
}

const struct option_words recording_backends = {
#ifdef PERFPROF_BPF
	.at = (const char *const[]){ "auto", "bpf", "perf", "ptrace", NULL },
#else
	.at = (const char *const[]){ "auto", "perf", "ptrace", NULL },
	.later = (const char *const[]){ "bpf", NULL },
#endif
};

const struct option_words recording_unwinds = {
	.at = (const char *const[]){ "auto", "fp", "dwarf", "libunwind", NULL },
};

#define ERASE_TO_END "\033[K" /* of the line; console_codes(4) */

static void show_progress(void *context, uint64_t samples, uint64_t elapsed_ns)
{
	(void)context;
	fprintf(stderr, "\rperfprof: %.1f s, %llu samples; ^C stops and writes" ERASE_TO_END,
		(double)elapsed_ns / 1e9, (unsigned long long)samples);
}

static bool has_progress(const struct recording_options *o, bool runs_command)
{
	return !o->quiet && !runs_command && isatty(STDERR_FILENO);
}

static enum session_unwind unwind_of(const char *word)
{
	if (!strcmp(word, "fp"))
		return SESSION_UNWIND_FP;
	if (!strcmp(word, "libunwind"))
		return SESSION_UNWIND_LIBUNWIND;
	return strcmp(word, "dwarf") ? SESSION_UNWIND_AUTO : SESSION_UNWIND_DWARF;
}

static void say_last_resort(void *context, const char *refusal)
{
	static const char prefix[] = "cannot sample: ";
	const struct recording_options *o = context;
	if (!strncmp(refusal, prefix, strlen(prefix)))
		refusal += strlen(prefix);
	if (!o->quiet)
		note("sampling by ptrace, which stops a thread for some 20 us a sample and sees no "
		     "kernel "
		     "frames; the better way is closed: %s",
		     refusal);
}

/* The best that this build has, and what is taken where the machine does not permit it. */
static int choose_sampler(const struct recording_options *o, struct session_config *config,
			  struct error *err)
{
	bool automatic = !strcmp(o->backend, "auto");
	bool by_rows =
		config->unwind == SESSION_UNWIND_AUTO || config->unwind == SESSION_UNWIND_DWARF;
	if (!by_rows && !strcmp(o->backend, "bpf"))
		return fail(err, -EINVAL,
			    "--backend bpf walks stacks in the kernel, by unwind rows: for "
			    "'--unwind %s' say '--backend perf'",
			    o->unwind);
	config->sampler = sampler_find(automatic && by_rows ? "bpf" : o->backend);
	if (automatic && config->sampler)
		config->fallback = &sampler_perf;
	else if (automatic)
		config->sampler = &sampler_perf;
	if (automatic) {
		config->last_resort = &sampler_ptrace;
		config->on_last_resort = say_last_resort;
		config->last_resort_context = (void *)o;
	}
	return 0;
}

int recording_prepare(const struct recording_options *o, struct session_config *config,
		      struct outputs *outputs, struct error *err)
{
	int r = check_event(o->event, err);
	if (r == 0 && o->time_budget_bytes > TIME_BUDGET_MOST_BYTES)
		r = fail(err, -EINVAL, "--time-budget may be 28M at most: readers stop at 32M");
	if (r == 0)
		r = outputs_parse(&o->outputs, o->format, outputs, err);
	config->unwind = unwind_of(o->unwind);
	if (r == 0)
		r = choose_sampler(o, config, err);
	config->rate_hz = o->rate_hz;
	config->max_overhead_ppm = o->max_overhead_ppm;
	config->duration_ns = o->duration_ns;
	config->time_budget_bytes = o->time_budget_bytes ? o->time_budget_bytes : SESSION_NO_TIMES;
	config->children = o->children;
	config->kernel = o->kernel;
	config->complete = o->complete;
	config->verify = o->verify;
	config->inlines = o->inlines;
	if (o->verbose)
		config->log = &o->log;
	if (has_progress(o, config->command))
		config->on_tick = show_progress;
	return r;
}

enum { TICKS_NS = 20 * 1000 * 1000 }; /* two of the kernel's: less is chance */

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

/* CMD's standard error is its own: without a terminal there is a word only if something went wrong. */
static void say_what_was_recorded(const struct profile *p, const struct recording_options *o,
				  const struct outputs *outputs)
{
	uint64_t samples = profile_total_count(p);
	bool terminal = isatty(STDERR_FILENO);
	for (size_t i = 0; !o->quiet && i < p->meta.note_count; i++)
		if (!strncmp(profile_string(p, p->meta.notes[i]), "sampled at ", 11))
			note("%s", profile_string(p, p->meta.notes[i]));
	if (o->quiet || (!terminal && !p->meta.lost_samples))
		return;
	note("%llu %s in %.1f s, %llu lost, %.1f %% truncated", (unsigned long long)samples,
	     samples == 1 ? "sample" : "samples", (double)p->meta.duration_ns / 1e9,
	     (unsigned long long)p->meta.lost_samples,
	     percent(profile_truncated_count(p), samples));
	if (terminal && p->meta.unsampled_kernel_ns >= TICKS_NS)
		note("%.2f s of system time are not in them: the kernel could not be sampled",
		     (double)p->meta.unsampled_kernel_ns / 1e9);
	for (size_t i = 0; terminal && i < outputs->count; i++)
		if (strcmp(outputs->at[i].path, "-") != 0)
			note("wrote %s", outputs->at[i].path);
}

int recording_write(struct session *s, const struct recording_options *o,
		    const struct outputs *outputs, pid_t pid, struct error *err)
{
	struct profile *p;
	struct output_style style = { .threads = o->threads,
				      .annotate = o->annotate,
				      .weight = o->weight };
	int r = session_profile(s, &p, err);
	if (has_progress(o, session_runs_command(s)))
		fputs("\r" ERASE_TO_END, stderr);
	if (r < 0)
		return r;
	int first = 0;
	for (size_t i = 0; i < outputs->count; i++) {
		struct error this_one = { 0 };
		r = output_write(p, &outputs->at[i], &style, pid, &this_one);
		if (r < 0 && first < 0)
			note("%s", this_one.text);
		if (r < 0 && first == 0) {
			*err = this_one;
			first = r;
		}
	}
	if (first == 0)
		say_what_was_recorded(p, o, outputs);
	profile_destroy(p);
	return first;
}
