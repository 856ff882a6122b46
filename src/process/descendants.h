/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_DESCENDANTS_H
#define PROCESS_DESCENDANTS_H

#include <sys/types.h>

#include "base/vec.h"

typedef VEC(pid_t) pid_list;

/**
 * Adds the living children of the listed processes, their children, and so on, each once. A
 * snapshot: what forks while it is taken may be missing.
 *
 * @return 0 or -ENOMEM
 */
int process_add_descendants(pid_list *pids);

/** Adds every process that /proc shows, kernel threads too. @return 0 or -ENOMEM */
int process_add_all(pid_list *pids);

#endif
