// SPDX-License-Identifier: MIT
#include "cli/reading.h"

#include <errno.h>

#include "cli/cli.h"
#include "cli/open.h"

int reading_parse(const struct command *command, char **argv, struct reading_options *options,
		  const char **out_capture, struct error *err)
{
	struct arguments arguments;
	if (options_parse(command, argv, options, &arguments, err) < 0)
		return STATUS_USAGE;
	if (arguments.help)
		return show_help(command);
	if (arguments.count != 1) {
		fail(err, -EINVAL, "%s wants one CAPTURE, not %zu; see 'perfprof %s --help'",
		     command->name, arguments.count, command->name);
		return STATUS_USAGE;
	}
	*out_capture = arguments.at[0];
	return READING_GO_ON;
}

static int filter(struct profile **p, const struct reading_options *options, struct error *err)
{
	struct profile_filter f = { .no_inlines = !options->inlines,
				    .no_kernel = !options->kernel };
	if (!f.no_inlines && !f.no_kernel)
		return 0;
	struct profile *filtered;
	int r = profile_filter(*p, &f, &filtered, err);
	if (r < 0)
		return r;
	profile_destroy(*p);
	*p = filtered;
	return 0;
}

int reading_write(const char *capture, const struct reading_options *options,
		  const struct output *output)
{
	struct error err = { 0 };
	struct profile *p;
	int status = open_capture(capture, &p, &err);
	if (status)
		return complain(status, &err);
	struct output_style style = {
		.threads = options->threads,
		.inverted = options->inverted,
		.reverse = options->reverse,
		.title = options->title,
		.colors = options->colors,
		.width_px = options->width_px,
		.top = options->top,
	};
	int r = filter(&p, options, &err);
	if (r == 0)
		r = output_write(p, output, &style, 0, &err);
	profile_destroy(p);
	if (r < 0)
		return complain(r == -EINVAL ? STATUS_USAGE : STATUS_MISSING, &err);
	return STATUS_DONE;
}
