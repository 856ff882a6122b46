/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_MAPPED_OPEN_H
#define PROCESS_MAPPED_OPEN_H

#include "base/error.h"
#include "object/file_root.h"
#include "object/object.h"
#include "record/record.h"

/* What a loader thread needs to open a mapped file; holds copies, so that it may cross threads. */
struct mapped_open {
	pid_t pid;                /* 0: of a file; only PATH and the cache are tried */
	const char *build_id_dir; /* a cache as perf keeps it in ~/.debug; borrowed; NULL: none */
	uint64_t start, end;      /* one mapping of it in that process */
	char *path;
	uint8_t build_id_size;
	uint8_t build_id[BUILD_ID_MAX];
	uint64_t device, inode; /* 0: not known */
};

/**
 * Opens the file that is mapped; one of a recorded process by PATH or from the cache, a live one by /proc/PID/map_files where permitted, else /proc/PID/root/PATH,
 * else /proc/PID/exe, else PATH as we see it, else what the process has in memory (loaded_image.h). Only
 * regular files; links below a target's root are followed inside it. What is opened must be what was
 * mapped (build-id, else inode). It never hangs (object/file_root.h), but may take some seconds.
 *
 * @param roots of this thread
 * @return 0; -ESTALE if only another file stands there now; -ENOENT; -EACCES; with `err`
 */
int mapped_open(struct file_roots *roots, const struct mapped_open *what, struct object **out,
		struct error *err);

#endif
