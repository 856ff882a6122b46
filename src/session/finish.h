/* SPDX-License-Identifier: MIT */
#ifndef SESSION_FINISH_H
#define SESSION_FINISH_H

#include "session/session.h"

/* From the last sample to a profile. session_profile() is here too. */

/** Closes the sampler: then nothing of ours is left at the targets, which may go on for long. */
int finish_sampling(struct session *s, struct error *err);

#endif
