/* SPDX-License-Identifier: MIT */
#ifndef BASE_GZIP_H
#define BASE_GZIP_H

#include "base/error.h"
#include "base/strbuf.h"

/** @return true if the bytes begin like a gzip member (RFC 1952, 2.3.1) */
bool gzip_is(const void *bytes, size_t size_bytes);

/**
 * Appends one gzip member; no name and no time in its header, so that equal input gives equal
 * bytes.
 *
 * @return 0 or -ENOMEM
 */
int gzip_compress(const void *bytes, size_t size_bytes, struct strbuf *out, struct error *err);

/** As gzip_compress(), several times as fast for some more bytes. */
int gzip_compress_fast(const void *bytes, size_t size_bytes, struct strbuf *out, struct error *err);

/**
 * Appends the contents of all members.
 *
 * @param limit_bytes more than this is -EFBIG (a small file may claim terabytes), as is more than
 *                    unpack_most_bytes() of what was read so far
 * @return 0; -EBADMSG (`err` names the byte of the input); -EFBIG; -ENOMEM
 */
int gzip_decompress(const void *bytes, size_t size_bytes, size_t limit_bytes, struct strbuf *out,
		    struct error *err);

/**
 * Appends the contents of the first member.
 *
 * @param out_size_bytes of the member, packed
 * @return as gzip_decompress(); -ENODATA if the input ends inside the member
 */
int gzip_decompress_member(const void *bytes, size_t size_bytes, size_t limit_bytes,
			   struct strbuf *out, size_t *out_size_bytes, struct error *err);

#endif
