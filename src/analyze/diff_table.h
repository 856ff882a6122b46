/* SPDX-License-Identifier: MIT */
#ifndef ANALYZE_DIFF_TABLE_H
#define ANALYZE_DIFF_TABLE_H

#include "base/map.h"
#include "base/vec.h"
#include "profile/profile.h"

/*
 * The samples of two sides as a table: a row a function, a column a unit. A unit is what is compared as one
 * figure: a run of a command, or a block of time of a live process.
 */

enum { DIFF_LEAST_SAMPLES = 10 }; /* of both sides together; with fewer a function is not judged */

enum diff_side { SIDE_BASE, SIDE_NEW, SIDES };

/* What was profiled, as far as it says what to compare. */
enum diff_kind {
	DIFF_KIND_RUN,     /* fixed work: a run is a unit */
	DIFF_KIND_LIVE,    /* `attach`: as long as one liked to look */
	DIFF_KIND_UNKNOWN, /* another tool's file */
};

enum diff_match {
	DIFF_SAME,
	DIFF_RENAMED, /* but for template arguments, clones' suffixes, or by where it stands */
	DIFF_INLINED, /* its code moved into its caller, or out of it */
};

struct diff_unit {
	enum diff_side side;
	double samples, sampled_s; /* all of it, and the CPU time of its samples */
	double cpu_s, wall_s;      /* with threads that had no sample; 0: not known */
};

struct diff_row {
	string_id name, module,
		file; /* in diff_table.strings; the module is the file's last name */
	uint32_t start_line;
	bool unnamed;
	double samples[SIDES];
	/* How much more its counts vary than drawn by lot, from blocks of time of single runs; at least 1. */
	double excess[SIDES];
	string_id base_name; /* as BASE calls it */
	enum diff_match match;
};

struct diff_table {
	struct strings strings;
	struct row_index index; /* of rows, by name and module */
	VEC(struct diff_row) rows;
	struct diff_unit *units;
	size_t unit_count, first[SIDES + 1]; /* BASE's units stand first */
	VEC(double) cells;                   /* by row, then unit: samples, seconds */
	enum diff_kind kind[SIDES];
};

static inline double *diff_cell(const struct diff_table *t, size_t row, size_t unit)
{
	return &t->cells.at[2 * (row * t->unit_count + unit)];
}

/** @return whether a function has samples enough to be judged; the sides count alike */
static inline bool diff_row_is_judged(const struct diff_row *r)
{
	return r->samples[SIDE_BASE] + r->samples[SIDE_NEW] >= DIFF_LEAST_SAMPLES;
}

enum diff_kind diff_kind_of(const struct profile *p);

/** @param profiles of each side, at least one; borrowed for the call. @return 0; -EINVAL; -ENOMEM */
int diff_table_init(struct diff_table *t, const struct profile *const *const profiles[SIDES],
		    const size_t counts[SIDES], struct error *err);
void diff_table_deinit(struct diff_table *t);

#endif
