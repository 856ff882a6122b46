/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_SELECT_H
#define PROFILE_SELECT_H

#include "profile/profile.h"

/** What a filter keeps of a profile. */
struct selection {
	uint64_t *kept;    /* by sample: how many of its count */
	bool *hidden_line; /* by row of profile.lines */
};

/** @return 0; -EINVAL (a pattern is none); -ENOMEM */
int selection_make(const struct profile *p, const struct profile_filter *f, struct selection *out,
		   struct error *err);
void selection_deinit(struct selection *s);

/** Rows of profile.times in the filter's range of time. */
struct profile_span filter_span(const struct profile *p, const struct profile_filter *f);

/** @return whether nothing of a frame is left */
bool selection_hides_frame(const struct selection *s, const struct profile_frame *frame);

#endif
