/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_PROFILE_H
#define PROFILE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strings.h"

/*
 * The model, where the collecting half and the reading half meet. A `struct profile` is frozen: made
 * by a builder or a reader, never changed. Tables are arrays with ids between them; row 0 of each
 * means "none"; counts include row 0. pprof's words where it has them: module = Mapping, frame =
 * Location, line = Line.
 */

typedef struct {
	uint32_t v;
} module_id;
typedef struct {
	uint32_t v;
} function_id;
typedef struct {
	uint32_t v;
} frame_id;
typedef struct {
	uint32_t v;
} stack_id;
typedef struct {
	uint32_t v;
} thread_id;

struct profile_module { /* one for a build-id, else for an inode and path; module 1 is CMD's binary */
	string_id path;                    /* "[kernel.kallsyms]", "[vdso]" for those */
	string_id build_id;                /* lower-case hex; "" if unknown */
	uint64_t start_vaddr, limit_vaddr; /* the ELF's own addresses that frames lie in */
	uint64_t file_off;
	bool deleted;
};

struct profile_function {
	string_id name; /* for people: demangled; "[module+0xOFFSET]" where no symbol is known */
	string_id system_name; /* as in the symbol table */
	string_id file;        /* "" if unknown */
	uint32_t start_line;   /* 0 if unknown */
	bool unnamed;          /* `name` is only the address of the function */
};

struct profile_line {
	function_id function;
	uint32_t line; /* 0 if unknown */
};

enum frame_kind {
	FRAME_USER,
	FRAME_KERNEL,
	FRAME_JIT,       /* code that lies in no file */
	FRAME_TRUNCATED, /* the marker in front of a stack that is not whole */
};

struct profile_frame {    /* an address, with the functions that are inlined there */
	module_id module; /* none for FRAME_JIT and FRAME_TRUNCATED */
	uint64_t vaddr;   /* the ELF's own; of the call, not of the return */
	uint32_t first_line,
		line_count; /* into profile.lines, innermost first; the last is not inlined */
	enum frame_kind kind;
};

struct profile_thread { /* label set of samples: a thread under the name that it had then */
	uint32_t pid, tid;
	string_id comm;
	uint32_t run; /* of several: 1 to N; 0: there is but one */
};

struct profile_sample {
	stack_id stack;
	thread_id thread;
	string_id truncated; /* id of the reason why the stack is not whole; "" if it is */
	/* The outer frames were read from the process a moment after the sample: evidence, no proof. */
	bool completed;
	uint64_t count;
	uint64_t cpu_ns;
};

/*
 * When samples were taken. In cells (profile.time_cell_ns) `time_ns` is the first moment of one, and what a
 * cell has of a sample's row is one row here.
 */
struct profile_time {
	uint64_t time_ns; /* since sampling began, CLOCK_MONOTONIC */
	uint32_t sample;  /* row of profile.samples */
	uint32_t count;   /* how many of its samples; never 0 */
};

enum { PROFILE_TIME_CELL_NS = 20 * 1000 * 1000 };

struct profile_reason {
	string_id id, sentence;
	uint64_t samples;
};

struct profile_meta {
	string_id command;                /* CMD with its arguments, or "attach 123" */
	string_id backend, unwind, event; /* "perf", "auto", "cpu" */
	string_id host, kernel;           /* uname */
	string_id selection;              /* what a filter left in, "" for all: "--focus 'main'" */
	uint64_t samples_before;          /* such a filter; 0 without one */
	uint32_t cpus;
	uint32_t rate_hz;        /* 0: not known (a foreign file) */
	uint32_t wanted_rate_hz; /* what was asked for, if that is more; else 0 */
	uint64_t start_unix_ns, duration_ns;
	uint64_t lost_samples, throttled, fixed_period_samples;
	/* What the observer cost: CPU time of its threads; of the kernel for its samples, in the time of
	 * what it watched; what it wrote while it sampled. */
	uint64_t profiler_cpu_ns, profiler_kernel_ns, profiler_written_bytes;
	/* With --verify: return addresses on stacks, and those of them that follow no call. */
	uint64_t checked_returns, wrong_returns;
	uint64_t unsampled_cpu_ns;    /* of threads without a sample */
	uint64_t unsampled_kernel_ns; /* where kernel mode could not be sampled */
	bool kernel_sampled;
	bool foreign; /* not one of our captures: the fields above are unknown */
	uint32_t *
		pids; /* targets, and as what each is known inside its own pid namespace: 0 if as here */
	uint32_t *inner_pids;
	size_t pid_count;
	uint64_t *run_cpu_ns; /* CPU time of each run that ended, of several (`run --repeat`) */
	size_t run_count;     /* 0: there is but one */
	string_id *notes;     /* sentences for the reader, e.g. about children that outlived CMD */
	size_t note_count;
	struct profile_reason *reasons;
	size_t reason_count;
};

struct profile_source { /* consecutive lines of a source file, as it was when the capture was written */
	char *file;     /* as functions have it */
	uint32_t first_line;
	char *text; /* lines, each ending with a newline */
	bool newer; /* the file was changed after the program was built: lines may have moved */
};

struct profile {
	struct strings strings;
	struct profile_meta meta;
	struct profile_module *modules;
	struct profile_function *functions;
	struct profile_line *lines; /* row 0 is used */
	struct profile_frame *frames;
	/* The stack trie in columns, parents before children; stack 0 is the empty stack. */
	stack_id *stack_parent; /* towards the outermost frame */
	frame_id *stack_frame;
	struct profile_thread *threads;
	struct profile_sample *samples; /* row 0 is used */
	/* In order of time, then of row. Row 0 is used. A sample of a file that has no times is not here. */
	struct profile_time *times;
	uint64_t time_cell_ns; /* 0: times are exact; else 20 ms, doubled any number of times */
	size_t module_count, function_count, line_count, frame_count, stack_count, thread_count,
		sample_count, time_count;
	struct profile_source *sources; /* by file and line; row 0 is used (profile/sources.h) */
	size_t source_count;
};

/** Takes NULL. */
void profile_destroy(struct profile *p);

/** Checks every id and order of the tables. @return 0 or -EBADMSG, `err` names the table and row */
int profile_check(const struct profile *p, struct error *err);

static inline const char *profile_string(const struct profile *p, string_id id)
{
	return strings_text(&p->strings, id);
}

/**
 * @return true for the names that stand for a missing one: "[MODULE+0xOFFSET]", "[anon]", "[unknown]".
 *         NULL is none.
 */
bool profile_name_is_place(const char *name);

/** @return a source line, without its end; NULL if the profile has not got it */
const char *profile_source_text(const struct profile *p, string_id file, uint32_t line,
				size_t *out_length, bool *out_newer);

/** Sum of counts and of CPU time over all samples. */
uint64_t profile_total_count(const struct profile *p);
uint64_t profile_total_cpu_ns(const struct profile *p);
/** Sum of counts over the samples whose stack is not whole. */
uint64_t profile_truncated_count(const struct profile *p);

struct profile_span {
	size_t first, limit; /* rows first to limit - 1 of profile.times */
};

/**
 * Samples of a range of time: `for (size_t i = span.first; i < span.limit; i++)`. A cell belongs to
 * where it begins.
 *
 * @param begin_ns, end_ns since sampling began; the end is not in the range
 */
struct profile_span profile_times_between(const struct profile *p, uint64_t begin_ns,
					  uint64_t end_ns);

/* What each pattern of a filter met; true where there is none. */
struct profile_filter_found {
	bool focus, ignore, hide, thread;
	uint64_t before, kept; /* samples */
};

/* Patterns are POSIX extended regular expressions, found anywhere in a name; NULL: none. */
struct profile_filter {
	bool no_inlines; /* a frame keeps only its outermost line */
	bool no_kernel;  /* kernel frames are left out; samples stay */
	/* Matched by a frame's functions, their source files, and its module, as pprof has it: */
	const char *focus;  /* only samples with such a frame */
	const char *ignore; /* only samples without */
	const char *hide;   /* such functions are left out of the stacks; samples stay */
	const char *thread; /* by name, "name-TID", or the TID alone */
	/* Only samples whose time is known and in this range, since sampling began; 0: at any time. */
	uint64_t begin_ns, end_ns;
	struct profile_filter_found *found; /* filled; may be NULL */
};

/** Makes a filtered copy. @return 0; -EINVAL (a pattern is no regular expression); -ENOMEM */
int profile_filter(const struct profile *p, const struct profile_filter *f, struct profile **out,
		   struct error *err);

#endif
