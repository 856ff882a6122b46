/* SPDX-License-Identifier: MIT */
#ifndef ANALYZE_SOURCE_LINES_H
#define ANALYZE_SOURCE_LINES_H

#include "profile/profile.h"

struct line_cost {
	uint32_t line;        /* 0: not known */
	uint64_t self, total; /* samples; recursion counts once in a total */
};

/* A function whose name was asked for. */
struct source_function {
	string_id function, module, file;
	uint64_t self, total;
	struct line_cost *lines; /* in order */
	size_t line_count;
};

struct source_lines {
	struct source_function
		*at; /* sorted by self, then total, then as they stand in the profile */
	size_t count;
	uint64_t samples; /* the whole that shares refer to */
	struct line_cost *lines;
};

/**
 * Finds the functions that `name` means and counts samples by their lines, inlined copies included.
 *
 * @param name a whole name; else one without its parameters or its scopes; else an extended regular
 *             expression. The first that finds something counts.
 * @return 0; -ENOENT (no such function); -ENOMEM
 */
int source_lines_build(const struct profile *p, const char *name, struct source_lines *out,
		       struct error *err);
void source_lines_deinit(struct source_lines *s);

#endif
