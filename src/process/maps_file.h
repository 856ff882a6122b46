/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_MAPS_FILE_H
#define PROCESS_MAPS_FILE_H

#include "base/cursor.h"
#include "record/record.h"

/**
 * Reads the next executable mapping from the text of /proc/PID/maps.
 *
 * @param c       over NUL-terminated lines' text; '\n' ends a line
 * @param path    buffer for the path, with the kernel's \012 for a newline undone
 * @param size    of the buffer; a longer path is cut
 * @return true with a mapping; false at the end. Lines that make no sense are passed over.
 * Source: proc(5); fs/proc/task_mmu.c, show_map_vma
 */
bool maps_file_next(struct cursor *c, struct record_mmap *out, char *path, size_t size);

/** The same for every mapping, executable or not. */
bool maps_file_next_any(struct cursor *c, struct record_mmap *out, char *path, size_t size);

#endif
