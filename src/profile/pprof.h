/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_PPROF_H
#define PROFILE_PPROF_H

#include "base/strbuf.h"
#include "profile/profile.h"

/*
 * The capture: a gzipped pprof profile.proto with one message of ours as its last field, number
 * 536870911. See docs/capture.md.
 */

/** Serialises; equal profiles give equal bytes. @return 0 or -ENOMEM */
int pprof_write(const struct profile *p, struct strbuf *out, struct error *err);

/** As pprof_write(), but with nothing that pprof does not define: neither our labels nor our message. */
int pprof_write_plain(const struct profile *p, struct strbuf *out, struct error *err);

/** @return true if the bytes (not gzipped) look like a profile.proto message */
bool pprof_is(const void *bytes, size_t size_bytes);

/**
 * Reads a profile.proto message, ours or anybody's, gzipped or not.
 *
 * @return 0; -EBADMSG (`err` names the byte); -EFBIG (more than 1 GiB unpacked, or more strings, table
 *         rows and distinct steps of stacks together than 2^22 and 4 a byte of the file); -ENOMEM
 * Source: github.com/google/pprof, proto/profile.proto
 */
int pprof_read(const void *bytes, size_t size_bytes, struct profile **out, struct error *err);

/** The same of a message that was unpacked already, from a file of `file_bytes`. */
int pprof_read_unpacked(const void *bytes, size_t size_bytes, size_t file_bytes,
			struct profile **out, struct error *err);

#endif
