/* SPDX-License-Identifier: MIT */
#ifndef ANALYZE_DIFF_GATE_H
#define ANALYZE_DIFF_GATE_H

#include "analyze/diff.h"
#include "base/strbuf.h"

/* A limit that a comparison must keep: `total_cpu > +3%`, `func(parse_*) > +10%`, `func(parse) > 12%`. */

enum { GATE_PATTERN_MAX = 512 };

struct diff_gate {
	bool of_total; /* total_cpu */
	/* Of functions whose name matches as in fnmatch(3), or does so without its parameters; each alone. */
	char pattern[GATE_PATTERN_MAX];
	bool is_relative; /* "+10%": of its own cost in BASE; else its share in NEW */
	double limit;     /* 0.1 for 10 % */
};

/** @return 0; -EINVAL (it is no such expression) */
int diff_gate_parse(const char *text, struct diff_gate *out, struct error *err);

/**
 * A limit is exceeded only if the whole interval lies beyond it.
 *
 * @param why appends what exceeds it, in plain words, names unescaped
 * @return how many functions exceed it; of total_cpu 1 or 0
 */
size_t diff_gate_exceeded(const struct diff *d, const struct diff_gate *gate, struct strbuf *why);

/** @return whether any function of either side has such a name; true for total_cpu */
bool diff_gate_has_subject(const struct diff *d, const struct diff_gate *gate);

#endif
