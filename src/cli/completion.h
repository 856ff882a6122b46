/* SPDX-License-Identifier: MIT */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

#include "cli/cli.h"

/* The scripts that make a shell complete perfprof's words, from the option tables. */

void completion_bash(FILE *out);
void completion_zsh(FILE *out);
void completion_fish(FILE *out);

/** What is completed behind an option, by the name of its argument. */
enum completion_kind {
	COMPLETE_NOTHING,
	COMPLETE_WORDS,
	COMPLETE_FILES,
	COMPLETE_FOLDERS,
	COMPLETE_PIDS
};

enum completion_kind completion_kind_of(const struct option *o);

/** @return what stands behind a command's options, the same way */
enum completion_kind completion_operands(const struct command *c);

/** The words of an option with `before` in front of each. */
void completion_words(const struct option *o, const char *before, FILE *out);

#endif
