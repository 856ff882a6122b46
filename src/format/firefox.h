/* SPDX-License-Identifier: MIT */
#ifndef FORMAT_FIREFOX_H
#define FORMAT_FIREFOX_H

#include "base/strbuf.h"
#include "profile/profile.h"

/**
 * Writes a processed profile for the Firefox Profiler, in version 66 of that format, which newer
 * versions of it upgrade when they load it. Equal profiles give equal bytes.
 *
 * Rows weigh samples; CPU time is in threadCPUDelta. Addresses are relative to where a module's first
 * byte is loaded, as there. Where samples have no times,
 * a thread's time is its CPU time.
 *
 * @return 0 or -ENOMEM
 * Source: github.com/firefox-devtools/profiler, src/types/profile.ts and docs-developer/CHANGELOG-formats.md
 */
int firefox_write(const struct profile *p, struct strbuf *out, struct error *err);

#endif
