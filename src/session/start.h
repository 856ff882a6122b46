/* SPDX-License-Identifier: MIT */
#ifndef SESSION_START_H
#define SESSION_START_H

#include "session/session.h"

/* The moment from which on samples count. */

/** Lets CMD, which waits before its exec, go on. @return 0 or negative errno (exec's, in exec_errno too) */
int start_command(struct session *s, struct error *err);

/** Covers all targets and reads what they have mapped. @return 0 or negative errno */
int start_targets(struct session *s, struct error *err);

#endif
