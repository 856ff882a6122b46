/* SPDX-License-Identifier: MIT */
#ifndef FORMAT_FIREFOX_PARTS_H
#define FORMAT_FIREFOX_PARTS_H

#include "base/map.h"
#include "base/vec.h"
#include "format/function_rows.h"
#include "format/json_text.h"
#include "format/thread_samples.h"

/* The parts of firefox_write(): tables are columns, so each is written column by column. */

struct firefox_frame {         /* a row of their frameTable: one function at one address */
	uint32_t frame, line;  /* rows of the profile's */
	uint32_t inline_depth; /* 0: not inlined */
};

struct firefox {
	const struct profile *p;
	struct strbuf *out;
	struct function_rows functions;
	struct thread_samples threads;
	VEC(struct firefox_frame) frames;
	uint32_t *first_row_of_frame; /* the outermost function's row in `frames` */
	uint32_t *last_row_of_stack;  /* row + 1 of the innermost function; 0: the empty stack */
	VEC(string_id) sources;       /* files of functions */
	uint32_t *source_of;          /* by string_id: 1 + row of `sources` */
	struct map64 first_threads;   /* of processes, by pid: row of threads.threads, + 1 */
	const struct sampled_thread *thread; /* the present one */
	uint64_t elapsed_ns;                 /* of it, behind the rows written so far */
};

/** Writes cell `i` of the present column. */
typedef void firefox_cell(struct firefox *f, size_t i);

/** `"name":[...]` and a comma. */
void firefox_column(struct firefox *f, const char *name, size_t count, firefox_cell *cell);
firefox_cell firefox_null, firefox_zero, firefox_one, firefox_minus_one, firefox_false;

/** `"meta":{...}` */
void firefox_meta(struct firefox *f);
/** `"libs":[...]` */
void firefox_libs(struct firefox *f);
/** `"shared":{...}`: strings, functions, frames, stacks. */
void firefox_shared(struct firefox *f);
/** `"threads":[...]` */
void firefox_threads(struct firefox *f);

enum firefox_category {
	FIREFOX_OTHER, /* their default: the first grey one */
	FIREFOX_USER,
	FIREFOX_KERNEL,
	FIREFOX_JIT,
	FIREFOX_TRUNCATED,
};

#endif
