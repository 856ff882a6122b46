/* SPDX-License-Identifier: MIT */
#ifndef SESSION_SETUP_H
#define SESSION_SETUP_H

#include "session/session.h"

/* Making the parts of a session. session_create() and session_destroy() are here too. */

/** Opens the sampler of a run. @return as sampler_ops.open */
int setup_sampler(struct session *s, struct error *err);

/** How often the rings are drained, and how long a sample may wait in one: they depend on the sampler. */
void setup_pace(struct session *s);

#endif
