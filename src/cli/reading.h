/* SPDX-License-Identifier: MIT */
#ifndef CLI_READING_H
#define CLI_READING_H

#include "cli/options.h"
#include "cli/outputs.h"

/* What the commands that read a CAPTURE share. */

struct reading_options {
	const char *format, *output, *title, *colors, *weight, *color, *source;
	struct option_list outputs; /* convert */
	uint32_t top, width_px;
	bool inlines, kernel, threads, inverted, reverse, annotate, plain, quiet;
	const char *focus, *ignore, *hide, *thread, *time;
};

#define READING_OPTION(type_, letter_, name_, argument_, field_, help_)                         \
	{                                                                                       \
		.type = (type_), .letter = (letter_), .name = (name_), .argument = (argument_), \
		.help = (help_), .offset = offsetof(struct reading_options, field_)             \
	}

#define READING_WORD(name_, field_, words_, help_)                                         \
	{                                                                                  \
		.type = OPTION_WORD, .name = (name_), .argument = "NAME", .help = (help_), \
		.offset = offsetof(struct reading_options, field_), .words = (words_)      \
	}

#define READING_OPTIONS                                                                          \
	READING_OPTION(OPTION_STRING, 'o', "output", "FILE", output, "write FILE; - is stdout"), \
		READING_OPTION(OPTION_FLAG, 0, "threads", NULL, threads,                         \
			       "put comm-TID, not comm, at the root")

/* What `report`, `flame` and `convert` can leave out. */
#define READING_FILTERS                                                                        \
	OPTION_GROUP("what is shown"),                                                         \
		READING_OPTION(OPTION_STRING, 0, "focus", "RE", focus,                         \
			       "only samples with a matching function on the stack"),          \
		READING_OPTION(OPTION_STRING, 0, "ignore", "RE", ignore,                       \
			       "only samples without a matching function"),                    \
		READING_OPTION(OPTION_STRING, 0, "hide", "RE", hide,                           \
			       "leave matching functions out of the stacks"),                  \
		READING_OPTION(OPTION_STRING, 0, "thread", "RE", thread,                       \
			       "only threads of a matching name, name-TID, or this TID"),      \
		READING_OPTION(OPTION_STRING, 0, "time", "A-B", time,                          \
			       "only from A to B seconds since the start: 1.5-3, 2-, -500ms"), \
		READING_OPTION(OPTION_UNSET, 0, "no-inlines", NULL, inlines,                   \
			       "leave out inlined frames"),                                    \
		READING_OPTION(OPTION_UNSET, 0, "no-kernel", NULL, kernel,                     \
			       "leave out kernel frames")

enum { READING_GO_ON = -1 };

/**
 * Parses; prints --help where asked for.
 * @return READING_GO_ON with the CAPTURE's name, else the exit status (`err` is set unless it is 0)
 */
int reading_parse(const struct command *command, char **argv, struct reading_options *options,
		  const char **out_capture, struct error *err);

/** Takes the CAPTURE from what stands behind the options, as reading_parse() does. */
int reading_capture(const struct command *command, const struct arguments *arguments,
		    const char **out_capture, struct error *err);

/** Replaces the profile by what the filters leave of it. @return 0; -EINVAL; -ENOMEM */
int reading_filter(struct profile **p, const struct reading_options *options, struct error *err);

/** Where a text, Markdown or JSON document goes, by -o and --format. @return 0 or -EINVAL */
int reading_report_output(const struct reading_options *options, struct output *out,
			  struct error *err);

struct output_style reading_style(const struct reading_options *options);

/** Opens, filters, renders, writes; complains itself. @return the exit status */
int reading_write(const char *capture, const struct reading_options *options,
		  const struct output *output);

#endif
