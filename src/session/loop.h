/* SPDX-License-Identifier: MIT */
#ifndef SESSION_LOOP_H
#define SESSION_LOOP_H

#include <stdint.h>

#include "session/session.h"

/* While sampling. */

/** Until CMD or all targets have ended, somebody ends it, or its time is over. @return 0 or negative errno */
int loop_run(struct session *s, struct error *err);

/** Everything that was recorded until sampling stopped; samples may still wait for rows. */
int loop_drain_rest(struct session *s, struct error *err);

/** Signals that came for perfprof, and the end of CMD. */
void loop_handle_signals(struct session *s);

/** Writes the journal's next member if it is due. */
void loop_keep_journal(struct session *s, uint64_t now_ns);

#endif
