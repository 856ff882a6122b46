/* SPDX-License-Identifier: MIT */
#ifndef RUNTIME_JIT_CODE_H
#define RUNTIME_JIT_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "base/strings.h"
#include "base/vec.h"

/*
 * Functions that one process made at run time, as it announced them: which addresses, from when on.
 * What replaces older code at the same addresses is a row of its own. A zeroed struct is empty but for
 * `strings`, which jit_codes_init() makes.
 */

struct jit_code {
	uint64_t start, end; /* in the process */
	uint64_t since_ns;   /* CLOCK_MONOTONIC; 0: from the beginning */
	string_id name;
	uint32_t first_line, line_count; /* into jit_codes.lines */
	uint64_t lines_start;            /* where it began when these were written */
	uint32_t order;                  /* as announced; jit_codes_add() sets it */
};

struct jit_line { /* from `start` up to the next one */
	uint64_t start;
	string_id file;
	uint32_t line;
};

enum {
	JIT_CODES_MAX = 1 << 20,
	JIT_LINES_MAX = 1 << 22,
	JIT_NAME_MAX_BYTES = 4096,
	JIT_NAMES_MAX_BYTES = 256 << 20,
};

struct jit_codes {
	struct strings strings;
	VEC(struct jit_code) rows; /* row 0 is unused */
	VEC(struct jit_line) lines;
	VEC(uint64_t) last_end; /* of all rows up to this one, when sorted */
	uint32_t announced;
	bool sorted; /* by start, then as announced */
	bool full;   /* more was announced than is kept */
};

/** @return 0 or -ENOMEM */
int jit_codes_init(struct jit_codes *c);
void jit_codes_deinit(struct jit_codes *c);

/** Adds a function; an empty range is left out. @return 0 or -ENOMEM */
int jit_codes_add(struct jit_codes *c, const struct jit_code *code);

/** Interns a name of bounded length. */
string_id jit_codes_name(struct jit_codes *c, const char *name, size_t length_bytes);

/** @return the function that was at `pc` at that time, else the first that came there; NULL if none did */
const struct jit_code *jit_codes_at(struct jit_codes *c, uint64_t pc, uint64_t time_ns);

/** @return when a function was announced for `pc` next after `time_ns`; UINT64_MAX: never again */
uint64_t jit_codes_next(struct jit_codes *c, uint64_t pc, uint64_t time_ns);

/** @return the line of an address in a function; NULL if not known */
const struct jit_line *jit_codes_line(const struct jit_codes *c, const struct jit_code *code,
				      uint64_t pc);

#endif
