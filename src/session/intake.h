/* SPDX-License-Identifier: MIT */
#ifndef SESSION_INTAKE_H
#define SESSION_INTAKE_H

#include <sys/types.h>

#include "record/record.h"
#include "session/session.h"

/* What comes in goes where it belongs: records to the process table or the stacks, rows and names back. */

/** If `pid` is CMD or the first target, the binary that it runs becomes module 1. */
void intake_main_binary(struct session *s, pid_t pid);

/** All records that are there, until a sample has to wait for rows. @return 0 or -ENOMEM */
int intake_drain(struct session *s);

/** Rows and names that were made since. @return 0 or -ENOMEM */
int intake_collect(struct session *s);

#endif
