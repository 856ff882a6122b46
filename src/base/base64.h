/* SPDX-License-Identifier: MIT */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/strbuf.h"

/** Appends base64 (RFC 4648, 4, padded); a newline behind every `columns` characters if that is not 0. */
void base64_encode(struct strbuf *out, const void *bytes, size_t size_bytes, size_t columns);

/**
 * Appends what base64 text stands for; white space in it does not count.
 * @return false at a byte that is none of its own, or if the text is cut off; *out_bad is its offset
 */
bool base64_decode(struct strbuf *out, const void *text, size_t size_bytes, size_t *out_bad);

#endif
