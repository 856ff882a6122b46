/* SPDX-License-Identifier: MIT */
#ifndef OBJECT_OPEN_APART_H
#define OBJECT_OPEN_APART_H

#include <stdint.h>

/* A file that may never answer. */
struct apart_request {
	int root_fd;      /* O_PATH; links of `path` stay below it; -1: `path` is a link of /proc */
	const char *path; /* in that root */
};

/**
 * Copies a regular file into memory in a process of its own, which is given up when nothing comes for two
 * seconds. That process holds nothing of ours: neither descriptors nor events.
 *
 * @param out_inode of the file
 * @return the copy's descriptor; -ETIMEDOUT; -EINVAL if it is no regular file; -EFBIG; negative errno
 */
int open_apart(const struct apart_request *request, uint64_t *out_inode);

#endif
