/* SPDX-License-Identifier: MIT */
#ifndef CLI_OPEN_H
#define CLI_OPEN_H

#include "profile/profile.h"

/**
 * Opens a CAPTURE of any kind that we read, found by content, never by name. The one place that does.
 *
 * @param path "-" is standard input
 * @return 0; STATUS_MISSING or STATUS_NO_PROFILE, `err` is set
 */
int open_capture(const char *path, struct profile **out, struct error *err);

#endif
