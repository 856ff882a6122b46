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

/** Each takes its argv, argv[0] being the command's name, and returns the exit status. */
int cmd_run(char **argv);
int cmd_attach(char **argv);
int cmd_report(char **argv);
int cmd_flame(char **argv);
int cmd_check(char **argv);

/** @return whether `record` with these arguments names processes (-p) and no command */
bool attach_is_meant(char **argv);

/** Prints "perfprof: SENTENCE" to standard error. @return `status` */
int complain(int status, const struct error *err);

/** A note of one line to standard error, with "perfprof: " in front; control bytes are masked. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
