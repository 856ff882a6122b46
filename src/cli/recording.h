/* SPDX-License-Identifier: MIT */
#ifndef CLI_RECORDING_H
#define CLI_RECORDING_H

#include <unistd.h>

#include "base/part_file.h"
#include "cli/options.h"
#include "cli/outputs.h"
#include "profile/builder.h"
#include "session/session.h"

/* What `run` and `attach` share: their options, and the way from a session to files. */

struct recording_options {
	uint32_t rate_hz;
	uint32_t max_overhead_ppm;
	uint64_t duration_ns;
	size_t time_budget_bytes;
	const char *event, *backend, *unwind, *format, *weight;
	struct option_list outputs;
	bool inlines, kernel, threads, children, complete, verify, annotate;
	bool quiet, verbose;
	struct log log;          /* where --verbose writes */
	struct option_list pids; /* attach */
	bool system;
	const char *cgroup;
	uint32_t repeat; /* run, */
	const char *user;
};

#define RECORDING_DEFAULTS                                                                    \
	{                                                                                     \
		.rate_hz = 999, .max_overhead_ppm = 10000, .event = "cpu", .backend = "auto", \
		.unwind = "auto", .inlines = true, .kernel = true, .children = true,          \
		.complete = true, .time_budget_bytes = TIME_BUDGET_BYTES,                     \
		.log = { LOG_ALL,                                                             \
			 STDERR_FILENO }                                                      \
	}

#define RECORDING_OPTION(type_, letter_, name_, argument_, field_, help_)                       \
	{                                                                                       \
		.type = (type_), .letter = (letter_), .name = (name_), .argument = (argument_), \
		.help = (help_), .offset = offsetof(struct recording_options, field_)           \
	}

#define RECORDING_WORD(name_, field_, words_, help_)                                       \
	{                                                                                  \
		.type = OPTION_WORD, .name = (name_), .argument = "NAME", .help = (help_), \
		.offset = offsetof(struct recording_options, field_), .words = (words_)    \
	}

extern const struct option_words recording_backends, recording_unwinds;

#define RECORDING_OPTIONS                                                                         \
	RECORDING_OPTION(OPTION_UINT, 'F', "rate", "HZ", rate_hz,                                 \
			 "samples per second of CPU time (999)"),                                 \
		RECORDING_OPTION(OPTION_UINT, 'r', "freq", "HZ", rate_hz, NULL),                  \
		RECORDING_OPTION(OPTION_PERCENT, 0, "max-overhead", "PERCENT", max_overhead_ppm,  \
				 "lower the rate where sampling costs more of the CPU time (1)"), \
		RECORDING_OPTION(OPTION_DURATION, 'd', "duration", "TIME", duration_ns,           \
				 "stop after TIME: 10, 2.5, 500ms, 10s, 2m"),                     \
		RECORDING_OPTION(OPTION_STRING, 'e', "event", "NAME", event,                      \
				 "what to sample: cpu"),                                          \
		RECORDING_OPTION(OPTION_LIST, 'o', "output", "FILE", outputs,                     \
				 "write FILE (perfprof.pb.gz); the extension picks the format; "  \
				 "may be repeated"),                                              \
		RECORDING_WORD("format", format, &output_formats, "format of '-o -'"),            \
		RECORDING_WORD("backend", backend, &recording_backends, "how samples are taken"), \
		RECORDING_WORD("unwind", unwind, &recording_unwinds, "how stacks are walked"),    \
		RECORDING_OPTION(OPTION_UNSET, 0, "no-inlines", NULL, inlines,                    \
				 "leave out inlined frames"),                                     \
		RECORDING_OPTION(OPTION_UNSET, 0, "no-kernel", NULL, kernel,                      \
				 "leave out kernel frames"),                                      \
		RECORDING_OPTION(OPTION_UNSET, 0, "no-children", NULL, children,                  \
				 "do not follow children"),                                       \
		RECORDING_OPTION(                                                                 \
			OPTION_UNSET, 0, "no-complete", NULL, complete,                           \
			"show stacks that are larger than the kernel copies as truncated"),       \
		RECORDING_OPTION(OPTION_FLAG, 0, "verify", NULL, verify,                          \
				 "check that return addresses follow calls; the report counts "   \
				 "those that do not"),                                            \
		RECORDING_OPTION(OPTION_FLAG, 0, "threads", NULL, threads,                        \
				 "put comm-TID, not comm, at the root"),                          \
		RECORDING_OPTION(                                                                 \
			OPTION_FLAG, 0, "annotate", NULL, annotate,                               \
			"mark kernel, inlined and JIT frames in .folded: _[k] _[i] _[j]"),        \
		RECORDING_WORD("weight", weight, &output_weights,                                 \
			       "count samples or CPU nanoseconds in .folded"),                    \
		RECORDING_OPTION(OPTION_SIZE, 0, "time-budget", "SIZE", time_budget_bytes,        \
				 "what samples' times may take of the capture, unpacked (24M); "  \
				 "beyond it they are kept in cells of 20 ms and more; 0: none"),  \
		RECORDING_OPTION(OPTION_IGNORED, 'g', NULL, NULL, quiet, NULL),                   \
		RECORDING_OPTION(OPTION_FLAG, 'q', "quiet", NULL, quiet,                          \
				 "print nothing but errors"),                                     \
		RECORDING_OPTION(OPTION_FLAG, 'v', "verbose", NULL, verbose, "print more detail")

/** Checks values and fills the session's and the outputs' settings. @return 0 or -EINVAL or -EACCES */
int recording_prepare(const struct recording_options *o, struct session_config *config,
		      struct outputs *outputs, struct error *err);

/* The journal beside the first output. */
struct recording_journal {
	struct part_file file;
	bool quiet;
	bool cut_short; /* it could not be written to the end */
};

/**
 * Fixes the names of the outputs and begins the journal; call between session_create() and
 * session_run(). Where there can be no journal it says so, and that is all.
 *
 * @param out the caller calls recording_end() on it in any case
 * @return 0 or -ENOMEM
 */
int recording_begin(struct session_config *config, const struct recording_options *o,
		    struct outputs *outputs, pid_t pid, struct recording_journal *out,
		    struct error *err);

/** Names and writes what the session has sampled. @return 0 or negative errno; `err` is set */
int recording_write(struct session *s, const struct recording_options *o,
		    const struct outputs *outputs, pid_t pid, struct error *err);

/** Removes the journal, or keeps it and says so if the outputs could not be written. */
void recording_end(struct recording_journal *j, struct outputs *outputs, bool keep);

#endif
