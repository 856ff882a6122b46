/* SPDX-License-Identifier: MIT */
#ifndef RENDER_DIFF_PARTS_H
#define RENDER_DIFF_PARTS_H

#include "render/diff.h"

/* How costs of a comparison are written: seconds or milliseconds a run, percent of a core, percent. */
struct cost_unit {
	const char *symbol; /* "s", "ms", "%" */
	const char *per;    /* behind it: " a run", " of a core" */
	double scale;
	int decimals;
};

struct cost_unit diff_cost_unit(const struct diff *d);

const char *diff_verdict_word(enum diff_verdict verdict);
const char *diff_name(const struct diff *d, const struct change *c);
const char *diff_base_name(const struct diff *d, const struct change *c);

/** "+8.7 %"; "new" if there was nothing before. @param v in the unit of `d`'s figures */
void diff_relative(struct strbuf *out, const struct difference *d, double v);
/** "+7.1 to +10.4 %" */
void diff_relative_interval(struct strbuf *out, const struct difference *d);
/** "0.400 s" */
void diff_cost(struct strbuf *out, const struct cost_unit *unit, double v);

/** The first lines: what changed, how sure, what next; each appends a sentence or nothing. */
void diff_answer_total(const struct diff *d, struct strbuf *out);
void diff_answer_changed(const struct diff *d, struct strbuf *out);
void diff_answer_sure(const struct diff *d, struct strbuf *out);
void diff_answer_next(const struct diff *d, struct strbuf *out);

/** Text and Markdown. @return 0 or -ENOMEM */
int diff_document(const struct diff *d, const struct diff_render_options *options,
		  struct strbuf *out, struct error *err);
/** The document perfprof.diff/1 (docs/json.md). @return 0 or -ENOMEM */
int diff_json(const struct diff *d, const struct diff_render_options *options, struct strbuf *out,
	      struct error *err);

#endif
