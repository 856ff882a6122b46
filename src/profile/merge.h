/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_MERGE_H
#define PROFILE_MERGE_H

#include "profile/profile.h"

/**
 * Adds profiles up, as if one followed the other: samples, CPU time, durations and losses are summed,
 * times go on where the profile before ended. Modules of one build-id are one, as are equal functions,
 * frames and stacks, and threads of equal pid, tid and name; runs stay apart. Facts that differ are listed; a rate that
 * differs is not known any more, and a note says so.
 *
 * @param profiles `count` of them, at least one; borrowed
 * @return 0; -EOVERFLOW (samples or CPU time beyond 64 bits); -ENOMEM
 */
int profile_merge(const struct profile *const *profiles, size_t count, struct profile **out,
		  struct error *err);

/**
 * The same in less memory: each of them is destroyed, and NULL, once it is in.
 *
 * @return as profile_merge(); on failure some may be left
 */
int profile_merge_taken(struct profile **profiles, size_t count, struct profile **out,
			struct error *err);

#endif
