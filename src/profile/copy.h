/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_COPY_H
#define PROFILE_COPY_H

#include "profile/builder.h"
#include "profile/select.h"

/**
 * Adds what is selected of a profile to a builder, but none of its facts (profile.meta).
 *
 * @param times         rows of profile.times
 * @param times_from_ns is added to them
 * @param runs_before   is added to the numbers of runs
 * @return 0 or -ENOMEM
 */
int profile_copy(struct builder *b, const struct profile *p, const struct selection *selection,
		 struct profile_span times, uint64_t times_from_ns, uint32_t runs_before,
		 struct error *err);

#endif
