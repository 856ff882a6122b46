/* SPDX-License-Identifier: MIT */
#ifndef OBJECT_FILE_ROOT_H
#define OBJECT_FILE_ROOT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * Files as a process sees them: its root folder and its mounts, held open, so that they can be read
 * when the process has gone. Counted; shared by threads.
 *
 * Nothing that is opened here can hang us. A mount may be dead, or a target's own file system (FUSE) that
 * never answers; who asked it and is not answered cannot even be killed (fs/fuse/dev.c,
 * request_wait_answer). So only file systems that are known to answer by themselves are asked by us.
 * Others are asked by a process of its own (open_apart.h), which copies the file.
 */
struct file_root;

/* The roots that were seen, so that processes of one container share theirs. Zeroed, it is empty. */
enum { FILE_ROOTS_MAX = 64 };
struct file_roots {
	struct file_root *at[FILE_ROOTS_MAX];
	size_t count;
};

/**
 * @param pid 0: ourselves
 * @param out a reference for the caller
 * @return 0; -ENOENT (the process has gone); -EACCES; -ENOMEM; with `err`
 */
int file_roots_get(struct file_roots *roots, pid_t pid, struct file_root **out, struct error *err);
void file_roots_deinit(struct file_roots *roots);

struct file_root *file_root_ref(struct file_root *r);
/** Takes NULL. */
void file_root_unref(struct file_root *r);

struct opened_file {
	int fd;         /* of a regular file, or of a copy in memory */
	uint64_t inode; /* of the file */
};

/**
 * Opens a regular file below the root; links stay inside of it.
 * @return 0; -EINVAL if it is no regular file; -ETIMEDOUT if its file system does not answer; -ENOENT;
 *         -EACCES; with `err`
 */
int file_root_open_file(struct file_root *r, const char *path, struct opened_file *out,
			struct error *err);

/**
 * The same for a file that grows while it is read: only in earnest, never as a copy, and only if the last
 * part of `path` is no link.
 * @return as above; -ELOOP (a link); -EOPNOTSUPP if its file system may not answer by itself; -EAGAIN if even
 *         the path cannot be looked up without asking one
 */
int file_root_open_growing(struct file_root *r, const char *path, struct opened_file *out,
			   struct error *err);

/** Opens what a link of /proc/PID leads to (exe, map_files/...): the same, without a path. */
int file_root_open_link(struct file_root *r, const char *link, struct opened_file *out,
			struct error *err);

#endif
