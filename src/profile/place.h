/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_PLACE_H
#define PROFILE_PLACE_H

#include "base/strbuf.h"
#include "profile/draft.h"

/**
 * Appends what a frame without a name is called: "[libc.so.6+0x29d90]", by the first byte of its
 * function where that is known; "[truncated]", "[anon]", "[unknown]".
 *
 * @param m the frame's module; row 0 for none
 */
void place_name(const struct draft_frame *frame, const struct draft_module *m, struct strbuf *out);

#endif
