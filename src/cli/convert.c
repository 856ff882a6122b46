// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "base/vec.h"
#include "cli/cli.h"
#include "cli/losses.h"
#include "cli/open.h"
#include "cli/reading.h"
#include "profile/merge.h"

static const struct option convert_options[] = {
	READING_OPTION(OPTION_LIST, 'o', "output", "FILE", outputs,
		       "write FILE; the extension picks the format; may be repeated"),
	READING_WORD("format", format, &output_formats, "format of '-o -'"),
	READING_WORD("weight", weight, &output_weights,
		     "count samples or CPU nanoseconds in .folded and .speedscope.json"),
	READING_OPTION(OPTION_FLAG, 0, "annotate", NULL, annotate,
		       "mark kernel, inlined and JIT frames in .folded: _[k] _[i] _[j]"),
	READING_OPTION(OPTION_FLAG, 0, "threads", NULL, threads,
		       "put comm-TID, not comm, at the root"),
	READING_OPTION(OPTION_FLAG, 0, "plain", NULL, plain,
		       "write pprof without what only perfprof reads: labels, facts, times"),
	READING_OPTION(OPTION_FLAG, 'q', "quiet", NULL, quiet,
		       "do not say what a format does not hold"),
	READING_FILTERS,
	OPTION_END,
};

typedef VEC(struct profile *) profile_list;

static int check_words(const struct reading_options *options, const struct arguments *inputs,
		       struct error *err)
{
	size_t stdins = 0;
	for (size_t i = 0; i < inputs->count; i++)
		stdins += !strcmp(inputs->at[i], "-");
	if (!inputs->count)
		return fail(err, -EINVAL,
			    "nothing to convert; say 'perfprof convert IN... -o OUT'");
	if (!options->outputs.count)
		return fail(err, -EINVAL,
			    "convert wants -o OUT, whose extension picks the format ('-o -': "
			    "standard output)");
	if (stdins > 1)
		return fail(err, -EINVAL, "standard input ('-') is given %zu times", stdins);
	return 0;
}

static int open_all(const struct arguments *inputs, profile_list *out, struct error *err)
{
	for (size_t i = 0; i < inputs->count; i++) {
		struct profile *p;
		int status = open_capture(inputs->at[i], &p, err);
		if (status)
			return status;
		if (!vec_push(out, p)) {
			profile_destroy(p);
			fail(err, -ENOMEM, "out of memory");
			return STATUS_MISSING;
		}
	}
	return STATUS_DONE;
}

/* All inputs become one, in the place of the first. */
static int merge_all(profile_list *list, struct error *err)
{
	struct profile *merged;
	if (list->count < 2)
		return 0;
	int r = profile_merge_taken(list->at, list->count, &merged, err);
	if (r < 0)
		return r;
	list->at[0] = merged;
	return 0;
}

static int write_all_outputs(const struct profile *p, const struct reading_options *options,
			     const struct outputs *outputs, struct error *err)
{
	struct output_style style = reading_style(options);
	pid_t pid = p->meta.pid_count ? (pid_t)p->meta.pids[0] : 0;
	for (size_t i = 0; i < outputs->count; i++) {
		int r = output_write(p, &outputs->at[i], &style, pid, err);
		if (r < 0)
			return r;
		if (!options->quiet)
			say_losses(p, &outputs->at[i], &style);
	}
	return 0;
}

static int convert(const struct reading_options *options, const struct arguments *inputs,
		   const struct outputs *outputs)
{
	struct error err = { 0 };
	profile_list list = { 0 };
	int status = open_all(inputs, &list, &err);
	int r = status ? 0 : merge_all(&list, &err);
	if (!status && r == 0)
		r = reading_filter(&list.at[0], options, &err);
	if (!status && r == 0)
		r = write_all_outputs(list.at[0], options, outputs, &err);
	for (size_t i = 0; i < list.count; i++)
		profile_destroy(list.at[i]);
	vec_free(&list);
	if (r < 0)
		status = r == -EINVAL ? STATUS_USAGE : STATUS_MISSING;
	return status ? complain(status, &err) : STATUS_DONE;
}

static int cmd_convert(char **argv)
{
	struct reading_options options = { .inlines = true, .kernel = true };
	struct arguments inputs;
	struct outputs outputs;
	struct error err = { 0 };
	if (options_parse(&convert_command, argv, &options, &inputs, &err) < 0)
		return complain(STATUS_USAGE, &err);
	if (inputs.help)
		return show_help(&convert_command);
	int r = check_words(&options, &inputs, &err);
	if (r == 0)
		r = outputs_parse(&options.outputs, options.format, &outputs, &err);
	if (r < 0)
		return complain(r == -EINVAL ? STATUS_USAGE : STATUS_MISSING, &err);
	return convert(&options, &inputs, &outputs);
}

const struct command convert_command = {
	.name = "convert",
	.main = cmd_convert,
	.brief = "other formats of a profile; merge several",
	.usage = "convert IN... -o OUT [OPTIONS]",
	.summary =
		"Writes profiles in other formats: IN may be a capture, pprof, collapsed stacks, "
		"the text of\nperf script or a picture of perfprof's ('-': stdin). Several IN are "
		"added up. What a format does\nnot hold is said on standard error.",
	.options = convert_options,
	.epilog = "examples:\n"
		  "  perfprof convert perfprof.pb.gz -o profile.firefox.json -o profile.folded\n"
		  "  perfprof convert monday.pb.gz tuesday.pb.gz -o both.pb.gz\n"
		  "  perf script | perfprof convert - -o profile.pb.gz\n",
};
