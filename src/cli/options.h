/* SPDX-License-Identifier: MIT */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

/* One table a command gives its parser, its --help, the shells' completions and its manual page. */

enum option_type {
	OPTION_LAST,     /* ends a table */
	OPTION_HEADING,  /* no option: `help` is the title of the group that follows */
	OPTION_FLAG,     /* bool: set */
	OPTION_UNSET,    /* bool: cleared */
	OPTION_UINT,     /* uint32_t, at least 1 */
	OPTION_DURATION, /* uint64_t nanoseconds: 10, 2.5, 500ms, 10s, 2m */
	OPTION_PERCENT,  /* uint32_t, millionths: 1, 0.5, 100 */
	OPTION_SIZE,     /* size_t bytes: 0, 4096, 512K, 24M */
	OPTION_STRING,   /* const char *; the last one counts */
	OPTION_WORD,     /* const char *: one of `words` */
	OPTION_LIST,     /* struct option_list; may be repeated */
	OPTION_IGNORED,  /* accepted and needless (perf's -g) */
};

enum { OPTION_LIST_MAX = 64 };

struct option_list {
	const char *at[OPTION_LIST_MAX];
	size_t count;
};

/* What an option may be set to. Of an OPTION_STRING they are only shown and completed. */
struct option_words {
	const char *const *at;    /* NULL-terminated; the first is the default */
	const char *const *later; /* those of later versions; may be NULL */
};

struct option {
	enum option_type type;
	char letter;      /* 0: none */
	const char *name; /* without dashes; NULL: none */
	/* As --help shows it; NULL for flags. FILE, PATH and PID are completed as such. */
	const char *argument;
	const char *help; /* NULL: an alias, not shown */
	size_t offset;    /* of the field in the command's struct */
	const struct option_words *words;
};

#define OPTION_END                   \
	{                            \
		.type = OPTION_LAST, \
	}

/** Heads a group of options in --help and the manual. */
#define OPTION_GROUP(title_)                              \
	{                                                 \
		.type = OPTION_HEADING, .help = (title_), \
	}

struct command {
	const char *name;
	int (*main)(char **argv);     /* argv[0] is the command's name; returns the exit status */
	const char *brief;            /* one line for `perfprof --help`; NULL: not listed there */
	const char *usage;            /* behind "perfprof " */
	const char *summary;          /* a few sentences */
	const struct option *options; /* ends with OPTION_END */
	const char *epilog;           /* examples for --help; may be NULL */
	bool stops_at_first_word;     /* CMD and its own options follow */
	const struct option_words *operands; /* what completes behind the options; may be NULL */
};

/* What is left behind the options. */
struct arguments {
	char **at;
	size_t count;
	bool help;   /* --help was asked for */
	bool dashes; /* a `--` stood in front of them */
};

/**
 * Parses argv[1...] into `fields`; words may stand between options.
 *
 * @param argv NULL-terminated, argv[0] is the command's name; words are moved to its front
 * @return 0; -EINVAL (`err` repeats the text that was wrong, with "did you mean" for a near miss)
 */
int options_parse(const struct command *command, char **argv, void *fields, struct arguments *out,
		  struct error *err);

/** @param columns width to keep; 0: 80 */
void options_help(const struct command *command, uint32_t columns, FILE *out);

/** The words of an option as a sentence's end: "text (default), md or json". */
void option_words_list(const struct option_words *words, FILE *out);

static inline bool option_takes_argument(const struct option *o)
{
	return o->type == OPTION_UINT || o->type == OPTION_PERCENT || o->type == OPTION_DURATION ||
	       o->type == OPTION_SIZE || o->type == OPTION_STRING || o->type == OPTION_WORD ||
	       o->type == OPTION_LIST;
}

/** Parses a duration. @return 0 or -EINVAL */
int parse_duration_ns(const char *text, uint64_t *out_ns);

/**
 * Parses a range of time: 1.5-3, 2-, -500ms. An open end is UINT64_MAX.
 * @return 0; -EINVAL, also if it is empty
 */
int parse_time_range_ns(const char *text, uint64_t *out_begin_ns, uint64_t *out_end_ns);

/** Parses a percentage above 0 and up to 100 into millionths of the whole. @return 0 or -EINVAL */
int parse_percent(const char *text, uint32_t *out_ppm);

/** Parses a number of bytes, K, M and G being powers of 1024. @return 0 or -EINVAL */
int parse_size(const char *text, size_t *out_bytes);

/** Parses a whole decimal number in [low, high]. @return 0 or -EINVAL */
int parse_uint(const char *text, uint32_t low, uint32_t high, uint32_t *out);

/** @return the entry of a NULL-terminated list that is nearest to `word`, NULL if none is near */
const char *nearest_word(const char *word, const char *const *list);

#endif
