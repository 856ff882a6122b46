/* SPDX-License-Identifier: MIT */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/strbuf.h"

/**
 * Reads a whole file, pipe or descriptor into `out` (appended).
 *
 * @param limit_bytes more than this is -EFBIG
 * @return 0 or negative errno
 */
int read_all(int fd, size_t limit_bytes, struct strbuf *out, struct error *err);

/** Opens `path` ("-" is standard input) and reads it whole. @return 0; negative errno (`err` names
 * the file) */
int read_file(const char *path, size_t limit_bytes, struct strbuf *out, struct error *err);

/** Writes all bytes, resuming after short writes and EINTR. @return 0 or negative errno (`err` is
 * set) */
int write_all(int fd, const void *bytes, size_t size_bytes, struct error *err);

/** Who shall own what we write: the user behind sudo, else nobody in particular (uid -1). */
struct file_owner {
	uid_t uid;
	gid_t gid;
};

/** From SUDO_UID and SUDO_GID, obeyed only when we are root. */
struct file_owner file_owner_from_environment(void);

/**
 * A file that appears whole or not at all: written aside (in the same folder, opened exclusively,
 * mode 0600), synced, given to its owner, then renamed over `path`. Where `path` exists and is no
 * regular file (a FIFO, /dev/stdout), it is written in place.
 */
struct output_file {
	int fd;
	char *path, *aside; /* aside is NULL when written in place */
};

/** @return 0; negative errno with `err` naming the path */
int output_file_open(const char *path, struct output_file *out, struct error *err);
/** Syncs, chowns, renames; closes in any case, and removes what was aside on failure. */
int output_file_commit(struct output_file *f, struct file_owner owner, struct error *err);
/** Closes and removes what was written aside; does nothing after a commit. */
void output_file_abandon(struct output_file *f);

/** output_file_open, write, commit in one. */
int write_file(const char *path, const void *bytes, size_t size_bytes, struct file_owner owner,
	       struct error *err);

#endif
