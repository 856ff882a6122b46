/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_MAPPED_FILES_H
#define PROCESS_MAPPED_FILES_H

#include "base/vec.h"
#include "process/process.h"

/* Every file that was seen mapped, once: by build-id, else by (device, inode, path). */
struct mapped_files {
	VEC(struct mapped_file) rows; /* row 0 is none */
	struct row_index index;
};

bool mapped_files_init(struct mapped_files *f);
void mapped_files_deinit(struct mapped_files *f);

/** @return the file's id; none without memory */
mapped_id mapped_files_intern(struct mapped_files *f, struct strings *strings, pid_t pid,
			      const struct record_mmap *mmap);

#endif
