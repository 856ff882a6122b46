/* SPDX-License-Identifier: MIT */
#ifndef RENDER_SHORT_NAME_H
#define RENDER_SHORT_NAME_H

#include "base/strbuf.h"

/**
 * Appends a function's name in at most `width` characters. What tells it from others goes last:
 * first the parameters of C++ become "...", then template arguments, then its middle.
 */
void short_name(struct strbuf *out, const char *name, size_t width);

#endif
