/* SPDX-License-Identifier: MIT */
#ifndef RENDER_REPORT_PARTS_H
#define RENDER_REPORT_PARTS_H

#include "analyze/hotspots.h"
#include "analyze/source_lines.h"
#include "render/facts.h"
#include "render/report.h"

/** What all forms of the report are written from. */
struct report {
	const struct profile *profile;
	const struct report_options *options;
	struct facts facts;
	struct hotspots hotspots;
	struct quality quality;
	struct source_lines source; /* where options->source asks for it */
};

/** Text and Markdown. @return 0 or -ENOMEM */
int report_document(const struct report *r, struct strbuf *out, struct error *err);
/** The lines of functions, text and Markdown. @return 0 or -ENOMEM */
int report_source(const struct report *r, struct strbuf *out, struct error *err);
/** The document perfprof.report/1 (docs/json.md). @return 0 or -ENOMEM */
int report_json(const struct report *r, struct strbuf *out, struct error *err);

/** Appends what keeps a module from being seen whole and what would mend it; nothing if all is
 * well. */
void report_mend(const struct report *r, const struct module_quality *m, struct strbuf *out);

/** @return the sentence of a reason's id, or the id if there is none */
const char *report_reason(const struct report *r, string_id id);

/** @return the part of `path` behind the last slash */
const char *report_basename(const char *path);

#endif
