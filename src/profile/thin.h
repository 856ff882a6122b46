/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_THIN_H
#define PROFILE_THIN_H

#include "base/random.h"
#include "profile/builder.h"

/**
 * Leaves out samples at random, as if they had been taken at a lower rate: where the rate is lowered while
 * sampling goes on, those of before and of after then weigh the same, in every share and for every
 * reader, and none counts for more than the one sample that it is.
 *
 * What a journal holds is not thinned: end it before, and begin another one after.
 *
 * @param kept_hz the rate from now on
 * @param of_hz the rate until now
 * @return 0 or -ENOMEM
 */
int builder_thin(struct builder *b, uint32_t kept_hz, uint32_t of_hz, struct random *random);

#endif
