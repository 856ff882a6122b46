/* SPDX-License-Identifier: MIT */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/error.h"
#include "cli/options.h"

/* Exit statuses of the contract (docs/perfprof.1). */
enum {
	STATUS_DONE = 0,
	STATUS_GATE = 1,
	STATUS_USAGE = 2,
	STATUS_MISSING = 3, /* no such process, file or permission */
	STATUS_NO_PROFILE = 4,
	STATUS_OURS = 125, /* `run`: a failure of ours */
	STATUS_NOT_EXECUTABLE = 126,
	STATUS_NOT_FOUND = 127,
	STATUS_SIGNAL_BASE = 128,
	STATUS_GAVE_UP = 130,
};

/* One file a command. */
extern const struct command run_command;
extern const struct command attach_command;
extern const struct command report_command;
extern const struct command flame_command;
extern const struct command diff_command;
extern const struct command convert_command;
extern const struct command completion_command;
extern const struct command check_command;

/* Other words for them, known to fingers from elsewhere. */
extern const struct command record_command;
extern const struct command annotate_command;

/** All of them in the order of `perfprof --help`; NULL-terminated. */
extern const struct command *const commands[];

/** @return NULL if there is none of that name */
const struct command *command_find(const char *name);

/** @return whether `record` with these arguments names processes (-p) and no command */
bool attach_is_meant(char **argv);

/** Prints `perfprof COMMAND --help` to standard output. @return STATUS_DONE */
int show_help(const struct command *command);

/**
 * `perfprof help --tables`, for tools/man.py: an option a line, tabs between command, type, letter, name,
 * argument, help and words. @return STATUS_DONE
 */
int show_tables(void);

/** The width of the terminal by COLUMNS, else as it says itself; 0 if standard output is none. */
uint32_t terminal_columns(void);

/** Prints "perfprof: SENTENCE" to standard error. @return `status` */
int complain(int status, const struct error *err);

/** A note of one line to standard error, with "perfprof: " in front; control bytes are masked. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
