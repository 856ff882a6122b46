/* SPDX-License-Identifier: MIT */
#ifndef FORMAT_READ_H
#define FORMAT_READ_H

#include <stddef.h>

#include "profile/profile.h"

/* What a reader takes into memory of one file, packed or not. */
#define FORMAT_LIMIT_BYTES ((size_t)4 << 30)

/**
 * Reads a profile of any kind that we know, gzipped or not; the kind is found by content.
 *
 * @return 0; -EBADMSG (`err` says what it is instead, or names the byte or line); -EFBIG; -ENOMEM
 */
int format_read(const void *bytes, size_t size_bytes, struct profile **out, struct error *err);

#endif
