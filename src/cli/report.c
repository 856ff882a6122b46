// SPDX-License-Identifier: MIT
#include <errno.h>

#include "cli/cli.h"
#include "cli/reading.h"

static const struct option_words formats = {
	.at = (const char *const[]){ "text", "md", "json", NULL },
	.later = (const char *const[]){ "html", NULL },
};

static const struct option report_options[] = {
	READING_WORD("format", format, &formats, "form of the report"),
	READING_OPTION(OPTION_UINT, 0, "top", "N", top,
		       "functions listed in text and Markdown (20)"),
	READING_OPTIONS,
	READING_FILTERS,
	OPTION_END,
};

static int cmd_report(char **argv)
{
	struct reading_options options = { .format = "text", .inlines = true, .kernel = true };
	struct error err = { 0 };
	enum output_format format;
	const char *capture;
	int status = reading_parse(&report_command, argv, &options, &capture, &err);
	if (status != READING_GO_ON)
		return status == STATUS_DONE ? status : complain(status, &err);
	if (output_format_by_name(options.format, &format, &err) < 0)
		return complain(STATUS_USAGE, &err);
	struct output output = { .path = options.output ? options.output : "-", .format = format };
	return reading_write(capture, &options, &output);
}

const struct command report_command = {
	.name = "report",
	.main = cmd_report,
	.brief = "the hot-spot report of a profile",
	.usage = "report CAPTURE [OPTIONS]",
	.summary =
		"The hot-spot report of a profile: ours, pprof, or collapsed stacks ('-': stdin).",
	.options = report_options,
	.epilog = "examples:\n"
		  "  perfprof report perfprof.pb.gz\n"
		  "  perfprof report perfprof.pb.gz --format json | jq '.hotspots[0]'\n",
};
