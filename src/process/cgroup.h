/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_CGROUP_H
#define PROCESS_CGROUP_H

#include <stdbool.h>

#include "base/error.h"
#include "process/descendants.h"

/* A control group (cgroups(7)): one folder of a hierarchy, version 1 or 2, with the groups below it. */
struct cgroup {
	char *folder; /* as we reach it */
	int fd;       /* of the folder */
};

/**
 * Finds a control group.
 *
 * @param path a folder (absolute, or relative to ours), or as /proc/PID/cgroup has it: then it is looked up
 *	       below the mounted hierarchies, first in those that perf events can be limited to
 * @return 0; -ENOENT (`err` says which group is called alike); -EINVAL (""); -EACCES; -ENOMEM
 */
int cgroup_open(const char *path, struct cgroup *out, struct error *err);
void cgroup_close(struct cgroup *g);

/**
 * Lists the processes that are in the group or below it now, each once. Those of other pid namespaces
 * are left out.
 *
 * @return 0; -ENOENT if the group is gone; -ENOMEM
 */
int cgroup_members(const struct cgroup *g, pid_list *out);

#endif
