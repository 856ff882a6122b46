/* SPDX-License-Identifier: MIT */
#ifndef CLI_RECOVER_H
#define CLI_RECOVER_H

#include <stddef.h>

#include "profile/profile.h"

/**
 * Reads a journal: what a perfprof that was killed has left. Frames that it had no time to name get their
 * names from the files with their build-ids, where these are still there. Says what is missing.
 *
 * @return 0 or negative errno, `err` is set
 */
int recover_journal(const void *bytes, size_t size_bytes, struct profile **out, struct error *err);

#endif
