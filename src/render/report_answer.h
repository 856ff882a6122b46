/* SPDX-License-Identifier: MIT */
#ifndef RENDER_REPORT_ANSWER_H
#define RENDER_REPORT_ANSWER_H

#include "render/report_parts.h"

/*
 * The first lines of a report, in plain words. Each appends sentences (unescaped), or nothing when
 * there is nothing to say.
 */

/** What a filter left in. */
void answer_selection(const struct report *r, struct strbuf *out);
/** That much time went to a kernel that could not be sampled, so that shares are of the rest. */
void answer_kernel_first(const struct report *r, struct strbuf *out);
/** What takes the time, with its interval, and who calls it. */
void answer_dominates(const struct report *r, struct strbuf *out);
/** The samples that everything rests on. */
void answer_sure(const struct report *r, struct strbuf *out);
/** That there are few samples, or none, and what was to be expected. */
void answer_few(const struct report *r, struct strbuf *out);
/** What was lost and truncated, why, and where. */
void answer_complete(const struct report *r, struct strbuf *out);
/** That the kernel could not be sampled, where that costs little. */
void answer_kernel_last(const struct report *r, struct strbuf *out);
/** What to look at or to do. */
void answer_next(const struct report *r, struct strbuf *out);
/** What the observer cost. */
void answer_cost(const struct report *r, struct strbuf *out);

#endif
