/* SPDX-License-Identifier: MIT */
#ifndef UNWIND_LIBUNWIND_H
#define UNWIND_LIBUNWIND_H

#include "unwind/unwind.h"

/*
 * The other unwinder: libunwind over the same registers, stack copy and files, for whoever doubts
 * ours. It reads CFI by itself; from our tables it takes which file a pc belongs to and which frame
 * is a signal's.
 */

struct unwind_libunwind;

/** @return 0 or -ENOMEM */
int unwind_libunwind_create(struct unwind_libunwind **out, struct error *err);
/** Takes NULL. */
void unwind_libunwind_destroy(struct unwind_libunwind *u);
/** As unwind_cache_flush(). */
void unwind_libunwind_flush(struct unwind_libunwind *u);

/** As unwind_walk(), with the same result. */
void unwind_libunwind_walk(struct unwind_libunwind *u, const struct unwind_env *env,
			   const uint64_t registers[REGISTER_COUNT], uint32_t space, uint64_t *pcs,
			   uint32_t limit, struct unwind_result *out);

#endif
