/* SPDX-License-Identifier: MIT */
#ifndef RENDER_REPORT_H
#define RENDER_REPORT_H

#include "base/strbuf.h"
#include "profile/profile.h"

enum report_format { REPORT_TEXT, REPORT_MARKDOWN, REPORT_JSON };

struct report_options {
	enum report_format format;
	uint32_t top;     /* functions listed in text and Markdown; 0: 20 */
	uint32_t columns; /* width of text; 0: 100 */
	bool color;       /* ANSI colours in text */
	const char
		*source; /* the lines of this function (analyze/source_lines.h); NULL: the report */
};

/**
 * The hot-spot report: answer first, then functions, then quality of each module, then what the
 * observer cost. JSON has all functions (docs/json.md).
 * @return 0; -ENOENT (no function is called options->source); -ENOMEM
 */
int report_render(const struct profile *p, const struct report_options *options, struct strbuf *out,
		  struct error *err);

#endif
