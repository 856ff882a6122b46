// SPDX-License-Identifier: MIT
#include "cli/reading.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

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
	return reading_capture(command, &arguments, out_capture, err);
}

int reading_capture(const struct command *command, const struct arguments *arguments,
		    const char **out_capture, struct error *err)
{
	/* What `run` and `attach` write unless they are told otherwise, as perf report has perf.data. */
	static const char by_default[] = "perfprof.pb.gz";
	bool is_there = !arguments->count && access(by_default, F_OK) == 0;
	if (arguments->count != 1 && !is_there) {
		fail(err, -EINVAL, "%s wants one CAPTURE, not %zu; see 'perfprof %s --help'",
		     command->name, arguments->count, command->name);
		return STATUS_USAGE;
	}
	*out_capture = is_there ? by_default : arguments->at[0];
	return READING_GO_ON;
}

/* A pattern that meets nothing is most often misspelt. */
static void say_what_met_nothing(const struct profile_filter *f)
{
	const struct profile_filter_found *found = f->found;
	const struct {
		bool matched;
		const char *option, *text, *what;
	} all[] = {
		{ found->focus, "--focus", f->focus, "no function, file or module matches" },
		{ found->ignore, "--ignore", f->ignore, "no function, file or module matches" },
		{ found->hide, "--hide", f->hide, "no function, file or module matches" },
		{ found->thread, "--thread", f->thread, "no thread matches" },
	};
	bool said = false;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i].matched)
			continue;
		note("%s %s '%s'", all[i].what, all[i].option, all[i].text);
		said = true;
	}
	if (!found->kept && found->before && !said)
		note("none of the %llu samples is left by the filters",
		     (unsigned long long)found->before);
}

static int set_time(const struct profile *p, const char *text, struct profile_filter *f,
		    struct error *err)
{
	if (parse_time_range_ns(text, &f->begin_ns, &f->end_ns) < 0)
		return fail(err, -EINVAL,
			    "--time wants seconds since the start like 1.5-3, 2- or -500ms, not "
			    "'%s'",
			    text);
	if (!p->time_count && profile_total_count(p))
		return fail(err, -EINVAL,
			    "--time: the file does not say when its samples were taken");
	return 0;
}

int reading_filter(struct profile **p, const struct reading_options *options, struct error *err)
{
	struct profile_filter_found found;
	struct profile_filter f = {
		.no_inlines = !options->inlines,
		.no_kernel = !options->kernel,
		.focus = options->focus,
		.ignore = options->ignore,
		.hide = options->hide,
		.thread = options->thread,
		.found = &found,
	};
	int r = options->time ? set_time(*p, options->time, &f, err) : 0;
	if (r < 0 || (!f.no_inlines && !f.no_kernel && !f.focus && !f.ignore && !f.hide &&
		      !f.thread && !f.end_ns))
		return r;
	struct profile *filtered;
	r = profile_filter(*p, &f, &filtered, err);
	if (r < 0)
		return r;
	say_what_met_nothing(&f);
	profile_destroy(*p);
	*p = filtered;
	return 0;
}

static bool is_report(enum output_format format)
{
	return format == OUTPUT_TEXT || format == OUTPUT_MARKDOWN || format == OUTPUT_JSON;
}

/* The extension of a file says its format; --format may say the same once more. */
int reading_report_output(const struct reading_options *options, struct output *out,
			  struct error *err)
{
	const char *name = options->format ? options->format : "text";
	*out = (struct output){ .path = options->output ? options->output : "-" };
	int r = output_format_by_name(name, &out->format, err);
	if (r < 0 || !strcmp(out->path, "-"))
		return r;
	enum output_format asked = out->format;
	r = output_format_of(out->path, &out->format, err);
	if (r < 0)
		return r;
	if (!is_report(out->format))
		return fail(err, -EINVAL,
			    "a report is a .txt, .md or .json file, not '%s'; 'perfprof convert' "
			    "writes the others",
			    out->path);
	if (options->format && asked != out->format)
		return fail(err, -EINVAL, "--format %s contradicts the name '%s'", name, out->path);
	return 0;
}

struct output_style reading_style(const struct reading_options *options)
{
	return (struct output_style){
		.threads = options->threads,
		.inverted = options->inverted,
		.reverse = options->reverse,
		.annotate = options->annotate,
		.plain = options->plain,
		.weight = options->weight,
		.title = options->title,
		.colors = options->colors,
		.color = options->color,
		.source = options->source,
		.width_px = options->width_px,
		.top = options->top,
	};
}

int reading_write(const char *capture, const struct reading_options *options,
		  const struct output *output)
{
	struct error err = { 0 };
	struct profile *p;
	int status = open_capture(capture, &p, &err);
	if (status)
		return complain(status, &err);
	struct output_style style = reading_style(options);
	int r = reading_filter(&p, options, &err);
	if (r == 0)
		r = output_write(p, output, &style, 0, &err);
	profile_destroy(p);
	if (r < 0)
		return complain(r == -EINVAL ? STATUS_USAGE : STATUS_MISSING, &err);
	return STATUS_DONE;
}
