/* SPDX-License-Identifier: MIT */
#ifndef FORMAT_FOLDED_H
#define FORMAT_FOLDED_H

#include "base/strbuf.h"
#include "profile/profile.h"

/* Collapsed stacks: `comm;outermost;...;innermost COUNT`, root first (design, section 2). */

struct folded_options {
	bool annotate;  /* _[k] kernel, _[i] inlined, _[j] JIT */
	bool threads;   /* `comm-TID` at the root */
	bool weight_ns; /* CPU nanoseconds, not samples */
};

/** Sorted bytewise, one line a stack, equal stacks added up. @return 0 or -ENOMEM */
int folded_write(const struct profile *p, const struct folded_options *options, struct strbuf *out,
		 struct error *err);

/** @return true if the first lines look like collapsed stacks */
bool folded_is(const void *bytes, size_t size_bytes);

/**
 * Reads collapsed stacks of any tool (stackcollapse-*, inferno, py-spy, async-profiler, ours); the first
 * name of a line is taken as the thread's, unless it can only be a frame's. Annotations become frame kinds.
 * @return 0; -EBADMSG (`err` names the line); -ENOMEM
 */
int folded_read(const void *bytes, size_t size_bytes, struct profile **out, struct error *err);

#endif
