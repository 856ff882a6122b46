/* SPDX-License-Identifier: MIT */
#ifndef UNWIND_LIBUNWIND_FILES_H
#define UNWIND_LIBUNWIND_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "base/vec.h"
#include "object/object.h"

/* What libunwind reads of files, word by word: their CFI is kept in memory, the rest is rare. */

struct libunwind_file {
	struct object *object;               /* referenced */
	struct object_section hdr, eh_frame; /* empty where the file has none */
	uint32_t entry_count;                /* of the sorted table in `hdr`; 0: of no use */
};

struct libunwind_files {
	VEC(struct libunwind_file) all;
	struct map64 by_object; /* its address -> index + 1 */
};

/** @return valid until the next call; NULL without memory */
const struct libunwind_file *libunwind_file_of(struct libunwind_files *files,
					       struct object *object);
bool libunwind_file_read(const struct libunwind_file *f, uint64_t vaddr, void *out,
			 size_t size_bytes);
void libunwind_files_deinit(struct libunwind_files *files);

enum { EH_FRAME_HDR_BYTES = 12 }; /* what stands before the table that libunwind searches */

#endif
