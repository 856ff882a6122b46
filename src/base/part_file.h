/* SPDX-License-Identifier: MIT */
#ifndef BASE_PART_FILE_H
#define BASE_PART_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/file.h"

/*
 * A file that grows beside an output until that output is written: `OUTPUT.part`. It belongs to one
 * living process, which holds a lock on it; the lock ends with the process, however that ends. It is
 * never opened through a link, and never through a name that somebody else may have made.
 */
struct part_file {
	int fd; /* -1: none */
	char *path;
	char *kept_aside; /* under which name a leftover is now; NULL: there was none */
	bool in_use; /* the usual name belongs to a living process, or is no file: this is another */
	uint64_t size_bytes;
	struct file_owner owner;
};

/**
 * Opens `PATH.part`, exclusively, mode 0600. A leftover of a process that has died is renamed to
 * PATH.part.1 (.2, ...), or removed if it is empty. Where the name is taken, `PATH.PID.part` it is.
 *
 * @param path the output's
 * @return 0; negative errno, `err` is set
 */
int part_file_open(const char *path, struct file_owner owner, struct part_file *out,
		   struct error *err);

/**
 * Appends by one write(2). What was written of bytes that did not fit is cut off again.
 * @return 0; negative errno (-ENOSPC), `err` is set
 */
int part_file_append(struct part_file *f, const void *bytes, size_t size_bytes, struct error *err);

/**
 * Puts a new file with these bytes in its place, at once: nobody finds it without the old or the new ones.
 * @return 0; negative errno, `err` is set, and the old one is there still
 */
int part_file_begin_anew(struct part_file *f, const void *bytes, size_t size_bytes,
			 struct error *err);

/** Closes and removes it, if the name is still ours. Does nothing without a file. */
void part_file_remove(struct part_file *f);

/** Closes and leaves it there. */
void part_file_keep(struct part_file *f);

#endif
