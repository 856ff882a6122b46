// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/reading.h"
#include "render/svg_palette.h"

#define PALETTE_WORD(name) #name,

static const struct option_words palettes = {
	.at = (const char *const[]){ SVG_PALETTES(PALETTE_WORD) NULL },
};

static const struct option flame_options[] = {
	READING_OPTION(OPTION_FLAG, 0, "inverted", NULL, inverted, "icicle: the root at the top"),
	READING_OPTION(OPTION_FLAG, 0, "reverse", NULL, reverse, "merge from the innermost frame"),
	READING_OPTION(OPTION_STRING, 0, "title", "TEXT", title, "title of the picture"),
	READING_OPTION(OPTION_UINT, 0, "width", "PX", width_px,
		       "fixed width (default: the window's)"),
	READING_WORD("colors", colors, &palettes, "palette"),
	READING_OPTIONS,
	READING_FILTERS,
	OPTION_END,
};

static int cmd_flame(char **argv)
{
	struct reading_options options = { .inlines = true, .kernel = true };
	struct error err = { 0 };
	const char *capture;
	int status = reading_parse(&flame_command, argv, &options, &capture, &err);
	if (status != READING_GO_ON)
		return status == STATUS_DONE ? status : complain(status, &err);
	struct output output = { .path = options.output, .format = OUTPUT_SVG };
	if (!output.path)
		output.path = isatty(STDOUT_FILENO) ? "perfprof.svg" : "-";
	else if (strcmp(output.path, "-") != 0 &&
		 output_format_of(output.path, &output.format, &err) < 0)
		return complain(STATUS_USAGE, &err);
	if (output.format != OUTPUT_SVG) {
		fail(&err, -EINVAL,
		     "a flame graph is an .svg file, not '%s'; 'perfprof convert' writes the "
		     "others",
		     output.path);
		return complain(STATUS_USAGE, &err);
	}
	status = reading_write(capture, &options, &output);
	if (status == STATUS_DONE && !options.output && strcmp(output.path, "-") != 0)
		note("wrote %s", output.path);
	return status;
}

const struct command flame_command = {
	.name = "flame",
	.main = cmd_flame,
	.brief = "a flame graph of a profile",
	.usage = "flame [CAPTURE] [-o OUT.svg] [OPTIONS]",
	.summary = "A flame graph of a profile: a capture, perf.data, pprof, collapsed stacks, "
		   "the text of\nperf script, or a picture of perfprof's ('-': stdin). The picture "
		   "carries the capture.\n"
		   "Without -o it goes to standard output; on a terminal to perfprof.svg.",
	.options = flame_options,
	.epilog = "examples:\n"
		  "  perfprof flame perfprof.pb.gz -o profile.svg\n"
		  "  perf script | perfprof flame - > profile.svg\n",
};
