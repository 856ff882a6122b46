/* SPDX-License-Identifier: MIT */
#ifndef RENDER_DIFF_H
#define RENDER_DIFF_H

#include "analyze/diff.h"
#include "base/strbuf.h"
#include "render/report.h"

struct diff_render_options {
	enum report_format format;
	uint32_t top;     /* functions listed in text and Markdown; 0: 20 */
	uint32_t columns; /* width of text; 0: 100, tables 120 */
	bool color;       /* ANSI colours in text */
	/* Of each side: what the user called it, and what was profiled ("" if not known). */
	const char *names[SIDES], *commands[SIDES];
};

/**
 * What changed: the answer, then the functions, real changes first. JSON (perfprof.diff/1, docs/json.md) has
 * all functions. @return 0 or -ENOMEM
 */
int diff_render(const struct diff *d, const struct diff_render_options *options, struct strbuf *out,
		struct error *err);

#endif
