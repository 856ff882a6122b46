/* SPDX-License-Identifier: MIT */
#ifndef CLI_OUTPUTS_H
#define CLI_OUTPUTS_H

#include <sys/types.h>

#include "base/strbuf.h"
#include "cli/options.h"
#include "profile/profile.h"

/* What -o names: a format by the extension, a place. */

enum output_format {
	OUTPUT_PPROF,
	OUTPUT_SVG,
	OUTPUT_FOLDED,
	OUTPUT_JSON,
	OUTPUT_MARKDOWN,
	OUTPUT_TEXT,
	OUTPUT_SPEEDSCOPE,
	OUTPUT_FIREFOX,
};

struct output {
	const char *path; /* "-": standard output; may hold %p and %t until it is expanded */
	char *expanded;   /* owns `path` then */
	enum output_format format;
	bool is_fifo;
	int fifo_fd; /* opened at the start: somebody reads it */
};

struct outputs {
	struct output at[OPTION_LIST_MAX];
	size_t count;
};

/* How pictures and reports are made. */
struct output_style {
	bool threads, inverted, reverse, annotate;
	bool plain;         /* pprof without our labels and our message */
	const char *weight; /* "samples" or "ns"; NULL: the format's own choice */
	const char *title, *colors;
	const char *source; /* of reports: the lines of this function */
	const char *color;  /* of text: auto, always, never; NULL: auto */
	uint32_t width_px, top;
};

/** The names of all formats, for --format; that of `-o -` comes first. */
extern const struct option_words output_formats;
/** What stacks are weighted by in .folded and .speedscope.json. */
extern const struct option_words output_weights;

/** @return 0; -EINVAL for an extension that no format has, or one that is not in this version */
int output_format_of(const char *path, enum output_format *out, struct error *err);

/** By a name of output_formats, or the extension without its dot. @return 0 or -EINVAL */
int output_format_by_name(const char *name, enum output_format *out, struct error *err);

/**
 * Reads the -o list; an empty one means `perfprof.pb.gz`.
 *
 * @param format_name for "-"; NULL: folded
 * @return 0; -EINVAL; -ENOENT, -EACCES where the folder of a file cannot be written
 */
int outputs_parse(const struct option_list *list, const char *format_name, struct outputs *out,
		  struct error *err);

/** Puts %p and %t into all paths, so that they stay what they are now. @return 0 or -ENOMEM */
int outputs_expand(struct outputs *o, pid_t pid, struct error *err);
void outputs_deinit(struct outputs *o);

/**
 * @return the path of the first output that will be a regular file, beside which a journal has its
 *         place; NULL if all of them are streams
 */
const char *outputs_first_file(const struct outputs *o);

/** Renders and writes one output. @param pid for %p */
int output_write(const struct profile *p, const struct output *o, const struct output_style *style,
		 pid_t pid, struct error *err);

/** Writes what was rendered otherwise. @param pid for %p */
int output_write_bytes(const struct output *o, const struct strbuf *bytes, pid_t pid,
		       struct error *err);

/** @param color of --color: auto, always, never; NULL: auto */
bool output_uses_color(const char *color, bool to_terminal);

#endif
