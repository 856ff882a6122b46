/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_CGROUP_MOUNTS_H
#define PROCESS_CGROUP_MOUNTS_H

#include "base/error.h"
#include "base/strbuf.h"

/* Where control group hierarchies are mounted, and how a group's name becomes a folder there. */

struct cgroup_mount {
	char *root;  /* the group that is mounted, mostly "/" */
	char *point; /* where */
	unsigned
		rank; /* 0, 1: perf events can be limited to groups there, if the controller is free; 2: not */
};

struct cgroup_mounts { /* by rank */
	struct cgroup_mount *at;
	size_t count, capacity;
};

/** @return 0; negative errno (`err` is set) */
int cgroup_mounts_read(struct cgroup_mounts *out, struct error *err);
void cgroup_mounts_deinit(struct cgroup_mounts *m);

/** The folder of a group that is named as in /proc/PID/cgroup. */
void cgroup_mounts_folder(const struct cgroup_mount *m, const char *name, struct strbuf *out);

/** Looks for a group with a name like this. @return false if there is none */
bool cgroup_mounts_nearest(const struct cgroup_mounts *m, const char *name, struct strbuf *out);

/**
 * Parses a line of /proc/self/mountinfo; `out` points into it.
 * @return false if it is no mount of a control group hierarchy. Source: proc(5)
 */
bool cgroup_mount_parse(char *line, struct cgroup_mount *out);

/** @return true if one name may be meant by the other: part of it, or one slip of a finger away */
bool cgroup_names_are_near(const char *a, const char *b);

#endif
