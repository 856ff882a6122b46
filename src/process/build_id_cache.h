/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_BUILD_ID_CACHE_H
#define PROCESS_BUILD_ID_CACHE_H

#include <stddef.h>

#include "object/object.h"

/**
 * Opens a binary from perf's cache: DIR/.build-id/ab/cdef.../elf, or in old ones the file itself there.
 * What is found must have the build-id.
 *
 * @return 0; -ENOENT (a miss; `err` is not set)
 * Source: perf-buildid-cache(1)
 */
int build_id_cache_open(const char *dir, const uint8_t *build_id, size_t size_bytes,
			struct object **out);

#endif
