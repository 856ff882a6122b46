// SPDX-License-Identifier: MIT
#include <errno.h>

#include "cli/cli.h"
#include "cli/reading.h"

static const struct option_words formats = {
	.at = (const char *const[]){ "text", "md", "json", NULL },
	.later = (const char *const[]){ "html", NULL },
};

static const struct option_words when_colored = {
	.at = (const char *const[]){ "auto", "always", "never", NULL },
};

static const struct option report_options[] = {
	READING_WORD("format", format, &formats, "form of the report"),
	READING_OPTION(OPTION_UINT, 0, "top", "N", top,
		       "functions listed in text and Markdown (20)"),
	READING_OPTION(OPTION_STRING, 0, "source", "FUNC", source,
		       "the source lines of a function with their cost"),
	READING_WORD("color", color, &when_colored, "colours in text"),
	READING_OPTIONS,
	READING_FILTERS,
	OPTION_END,
};

static int report(const struct reading_options *options, const char *capture)
{
	struct error err = { 0 };
	struct output output;
	if (reading_report_output(options, &output, &err) < 0)
		return complain(STATUS_USAGE, &err);
	return reading_write(capture, options, &output);
}

static int cmd_report(char **argv)
{
	struct reading_options options = { .inlines = true, .kernel = true };
	struct error err = { 0 };
	const char *capture;
	int status = reading_parse(&report_command, argv, &options, &capture, &err);
	if (status != READING_GO_ON)
		return status == STATUS_DONE ? status : complain(status, &err);
	return report(&options, capture);
}

/* As fingers know it from perf: `annotate FUNC` is `report --source FUNC`. */
static int cmd_annotate(char **argv)
{
	struct reading_options options = { .inlines = true, .kernel = true };
	struct arguments arguments;
	struct error err = { 0 };
	const char *capture;
	if (options_parse(&annotate_command, argv, &options, &arguments, &err) < 0)
		return complain(STATUS_USAGE, &err);
	if (arguments.help)
		return show_help(&annotate_command);
	if (!options.source && arguments.count) {
		options.source = *arguments.at++;
		arguments.count--;
	}
	if (!options.source) {
		fail(&err, -EINVAL,
		     "annotate wants a function; say 'perfprof annotate FUNC CAPTURE'");
		return complain(STATUS_USAGE, &err);
	}
	int status = reading_capture(&annotate_command, &arguments, &capture, &err);
	return status == READING_GO_ON ? report(&options, capture) : complain(status, &err);
}

const struct command annotate_command = {
	.name = "annotate",
	.main = cmd_annotate,
	.usage = "annotate FUNC [CAPTURE] [OPTIONS]",
	.summary = "The source lines of a function with their cost: 'report --source FUNC'.",
	.options = report_options,
};

const struct command report_command = {
	.name = "report",
	.main = cmd_report,
	.brief = "the hot-spot report of a profile",
	.usage = "report [CAPTURE] [OPTIONS]",
	.summary = "The hot-spot report of a profile: a capture, perf.data, pprof, collapsed "
		   "stacks, the text of\nperf script, or a picture of perfprof's ('-': stdin). -o "
		   "writes .txt, .md or .json. Without CAPTURE it reads perfprof.pb.gz.",
	.options = report_options,
	.epilog = "examples:\n"
		  "  perfprof report perfprof.pb.gz\n"
		  "  perf record -o - -g -- make | perfprof report -\n"
		  "  perfprof report perfprof.pb.gz --format json | jq '.hotspots[0]'\n",
};
