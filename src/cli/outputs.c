// SPDX-License-Identifier: MIT
#include "cli/outputs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "cli/cli.h"
#include "format/firefox.h"
#include "format/folded.h"
#include "format/speedscope.h"
#include "profile/pprof.h"
#include "render/report.h"
#include "render/svg.h"

enum { FORMAT_LATER = -1 };

/* The longest suffix wins, so that longer ones stand first. */
static const struct {
	const char *suffix;
	int format;
} suffixes[] = {
	{ ".speedscope.json", OUTPUT_SPEEDSCOPE },
	{ ".firefox.json", OUTPUT_FIREFOX },
	{ ".pb.gz", OUTPUT_PPROF },
	{ ".pprof", OUTPUT_PPROF },
	{ ".svg", OUTPUT_SVG },
	{ ".html", FORMAT_LATER },
	{ ".folded", OUTPUT_FOLDED },
	{ ".json", OUTPUT_JSON },
	{ ".md", OUTPUT_MARKDOWN },
	{ ".txt", OUTPUT_TEXT },
};

int output_format_of(const char *path, enum output_format *out, struct error *err)
{
	size_t length = strlen(path);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		size_t n = strlen(suffixes[i].suffix);
		if (length <= n || strcmp(path + length - n, suffixes[i].suffix) != 0)
			continue;
		if (suffixes[i].format == FORMAT_LATER)
			return fail(err, -EINVAL,
				    "cannot write '%s': %s pages are not in this version; an .svg "
				    "zooms and searches in any browser",
				    path, suffixes[i].suffix);
		*out = (enum output_format)suffixes[i].format;
		return 0;
	}
	if (!strcmp(path, "/dev/stdout") || !strcmp(path, "/dev/fd/1"))
		return fail(err, -EINVAL,
			    "cannot tell the format of '%s'; say '-o -' with --format NAME", path);
	return fail(err, -EINVAL,
		    "cannot tell the format of '%s': the name must end in .pb.gz, .pprof, .svg, "
		    ".folded, .json, .md, .txt, .speedscope.json or .firefox.json",
		    path);
}

const struct option_words output_formats = {
	.at = (const char *const[]){ "folded", "svg", "text", "md", "json", "pb.gz", "speedscope",
				     "firefox", NULL },
	.later = (const char *const[]){ "html", NULL },
};

int output_format_by_name(const char *name, enum output_format *out, struct error *err)
{
	static const struct {
		const char *name;
		enum output_format format;
	} names[] = {
		{ "folded", OUTPUT_FOLDED },
		{ "svg", OUTPUT_SVG },
		{ "text", OUTPUT_TEXT },
		{ "txt", OUTPUT_TEXT },
		{ "md", OUTPUT_MARKDOWN },
		{ "json", OUTPUT_JSON },
		{ "pb.gz", OUTPUT_PPROF },
		{ "pprof", OUTPUT_PPROF },
		{ "speedscope", OUTPUT_SPEEDSCOPE },
		{ "speedscope.json", OUTPUT_SPEEDSCOPE },
		{ "firefox", OUTPUT_FIREFOX },
		{ "firefox.json", OUTPUT_FIREFOX },
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(names[i].name, name)) {
			*out = names[i].format;
			return 0;
		}
	}
	if (!strcmp(name, "html"))
		return fail(err, -EINVAL, "format '%s' is not in this version", name);
	return fail(err, -EINVAL,
		    "unknown format '%s'; there are folded, svg, text, md, json, pb.gz, "
		    "speedscope, firefox",
		    name);
}

const struct option_words output_weights = {
	.at = (const char *const[]){ "samples", "ns", NULL },
};

/* A run must not end in a file that cannot be written: look before CMD starts. */
static int check_folder(const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *folder =
		slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	if (!folder)
		return fail(err, -ENOMEM, "out of memory");
	struct stat st;
	bool is_there = stat(path, &st) == 0;
	if (is_there && S_ISDIR(st.st_mode))
		return fail(err, -EISDIR, "cannot write '%s': it is a folder", path);
	/* A file is written aside and renamed; a device or a pipe is opened. */
	const char *written = is_there && !S_ISREG(st.st_mode) ? path : folder;
	if (faccessat(AT_FDCWD, written, W_OK | (written == folder ? X_OK : 0), AT_EACCESS) < 0)
		return fail_errno(err, "cannot write '%s'", path);
	return 0;
}

/*
 * Opening a FIFO waits for a reader, and where there is none, for ever, with CMD's status in our hands:
 * so it is opened while nothing has begun, and the reader must be there.
 */
static int open_fifo(const char *path, struct output *out, struct error *err)
{
	struct stat st;
	if (stat(path, &st) < 0 || !S_ISFIFO(st.st_mode))
		return 0;
	out->fifo_fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (out->fifo_fd < 0 && errno == ENXIO)
		return fail(err, -ENXIO,
			    "cannot write '%s': it is a FIFO that nobody reads; start its reader "
			    "first",
			    path);
	if (out->fifo_fd < 0 || fcntl(out->fifo_fd, F_SETFL, O_WRONLY) < 0)
		return fail_errno(err, "cannot open '%s' for writing", path);
	out->is_fifo = true;
	return 0;
}

static int parse_output(const char *path, const char *format_name, struct output *out,
			struct error *err)
{
	*out = (struct output){ .path = path };
	if (!strcmp(path, "-"))
		return output_format_by_name(format_name ? format_name : "folded", &out->format,
					     err);
	int r = output_format_of(path, &out->format, err);
	if (r == 0)
		r = check_folder(path, err);
	return r == 0 ? open_fifo(path, out, err) : r;
}

int outputs_parse(const struct option_list *list, const char *format_name, struct outputs *out,
		  struct error *err)
{
	static const struct option_list by_default = { .at = { "perfprof.pb.gz" }, .count = 1 };
	if (!list->count)
		list = &by_default;
	out->count = 0;
	for (size_t i = 0; i < list->count; i++) {
		int r = parse_output(list->at[i], format_name, &out->at[out->count], err);
		if (r < 0)
			return r;
		out->count++;
	}
	return 0;
}

/* --color outranks NO_COLOR (no-color.org), which outranks what standard output is. */
bool output_uses_color(const char *color, bool to_terminal)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	if (color && strcmp(color, "auto") != 0)
		return !strcmp(color, "always");
	return to_terminal && !(no_color && *no_color) && !(term && !strcmp(term, "dumb"));
}

static int render_report(const struct profile *p, enum report_format format,
			 const struct output_style *style, bool to_terminal, struct strbuf *out,
			 struct error *err)
{
	struct report_options options = {
		.format = format,
		.top = style->top,
		.columns = to_terminal ? terminal_columns() : 0,
		.color = output_uses_color(style->color, to_terminal),
		.source = style->source,
	};
	return report_render(p, &options, out, err);
}

static int render(const struct profile *p, enum output_format format,
		  const struct output_style *style, bool to_terminal, struct strbuf *out,
		  struct error *err)
{
	bool in_ns = style->weight && !strcmp(style->weight, "ns");
	struct folded_options folded = { .annotate = style->annotate,
					 .threads = style->threads,
					 .weight_ns = in_ns };
	struct svg_options svg = {
		.title = style->title,
		.width_px = style->width_px,
		.inverted = style->inverted,
		.reverse = style->reverse,
		.threads = style->threads,
		.colors = style->colors,
	};
	switch (format) {
	case OUTPUT_PPROF:
		return style->plain ? pprof_write_plain(p, out, err) : pprof_write(p, out, err);
	case OUTPUT_SVG: return svg_render(p, &svg, out, err);
	case OUTPUT_FOLDED: return folded_write(p, &folded, out, err);
	case OUTPUT_JSON: return render_report(p, REPORT_JSON, style, to_terminal, out, err);
	case OUTPUT_MARKDOWN:
		return render_report(p, REPORT_MARKDOWN, style, to_terminal, out, err);
	case OUTPUT_TEXT: return render_report(p, REPORT_TEXT, style, to_terminal, out, err);
	case OUTPUT_SPEEDSCOPE:
		return speedscope_write(p,
					in_ns           ? SPEEDSCOPE_CPU_NS
					: style->weight ? SPEEDSCOPE_SAMPLES
							: SPEEDSCOPE_AUTO,
					out, err);
	case OUTPUT_FIREFOX: return firefox_write(p, out, err);
	}
	return fail(err, -EINVAL, "unknown format");
}

/* %p is the first target's pid, %t the local time as YYYYmmdd-HHMMSS, %% a percent sign. */
static void expand(const char *path, pid_t pid, time_t now, struct strbuf *out)
{
	for (; *path; path++) {
		if (path[0] != '%' || !path[1]) {
			strbuf_putc(out, *path);
			continue;
		}
		struct tm local;
		char text[32] = "";
		switch (*++path) {
		case 'p': strbuf_printf(out, "%d", (int)pid); break;
		case 't':
			if (localtime_r(&now, &local))
				strftime(text, sizeof(text), "%Y%m%d-%H%M%S", &local);
			strbuf_puts(out, text);
			break;
		case '%': strbuf_putc(out, '%'); break;
		default: strbuf_printf(out, "%%%c", *path);
		}
	}
}

int outputs_expand(struct outputs *o, pid_t pid, struct error *err)
{
	time_t now = time(NULL); /* one for all: names that belong together look alike */
	for (size_t i = 0; i < o->count; i++) {
		struct strbuf path = { 0 };
		expand(o->at[i].path, pid, now, &path);
		if (path.failed || !path.text) {
			strbuf_deinit(&path);
			return fail(err, -ENOMEM, "out of memory");
		}
		o->at[i].path = o->at[i].expanded = path.text;
	}
	return 0;
}

void outputs_deinit(struct outputs *o)
{
	for (size_t i = 0; i < o->count; i++) {
		free(o->at[i].expanded);
		if (o->at[i].is_fifo)
			close(o->at[i].fifo_fd);
	}
	o->count = 0;
}

const char *outputs_first_file(const struct outputs *o)
{
	for (size_t i = 0; i < o->count; i++) {
		struct stat st;
		if (!strcmp(o->at[i].path, "-") ||
		    (stat(o->at[i].path, &st) == 0 && !S_ISREG(st.st_mode)))
			continue;
		return o->at[i].path;
	}
	return NULL;
}

int output_write_bytes(const struct output *o, const struct strbuf *bytes, pid_t pid,
		       struct error *err)
{
	if (!strcmp(o->path, "-")) {
		/* Without a sample there may be nothing to write, and so nothing that fails. */
		int flags = fcntl(STDOUT_FILENO, F_GETFL);
		if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
			return fail(err, -EBADF, "cannot write to standard output: it is closed");
		int r = write_all(STDOUT_FILENO, bytes->text, bytes->length, err);
		return r == -EPIPE ? 0 : r < 0 ? fail_in(err, r, "standard output") : 0;
	}
	if (o->is_fifo) {
		int r = write_all(o->fifo_fd, bytes->text, bytes->length, err);
		return r == -EPIPE ? 0 : r < 0 ? fail_in(err, r, "'%s'", o->path) : 0;
	}
	struct strbuf path = { 0 };
	if (o->expanded)
		strbuf_puts(&path, o->path);
	else
		expand(o->path, pid, time(NULL), &path);
	int r = write_file(strbuf_text(&path), bytes->text, bytes->length,
			   file_owner_from_environment(), err);
	strbuf_deinit(&path);
	return r;
}

int output_write(const struct profile *p, const struct output *o, const struct output_style *style,
		 pid_t pid, struct error *err)
{
	struct strbuf bytes = { 0 };
	bool to_terminal = !strcmp(o->path, "-") && isatty(STDOUT_FILENO);
	int r = render(p, o->format, style, to_terminal, &bytes, err);
	if (r == 0)
		r = output_write_bytes(o, &bytes, pid, err);
	strbuf_deinit(&bytes);
	return r;
}
