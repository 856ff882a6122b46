/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_EMBEDDED_H
#define PROFILE_EMBEDDED_H

#include "base/strbuf.h"
#include "profile/profile.h"

/*
 * The capture inside a picture, so that a picture that was sent around can still be reported on:
 * `<metadata id="capture" ...>` with the gzipped capture in base64.
 */

/** Larger captures are left out, so that pictures stay fit for mail and browsers. */
enum { EMBEDDED_MOST_BYTES = 2 << 20 };

/**
 * Appends the element; of a capture above EMBEDDED_MOST_BYTES (gzipped) only an empty one that says how
 * large it is.
 * @return 0 or -ENOMEM
 */
int embedded_write(const struct profile *p, struct strbuf *out, struct error *err);

/** @return true if the bytes look like SVG or HTML, anybody's */
bool embedded_is_picture(const void *bytes, size_t size_bytes);

/**
 * Reads the capture that a picture of ours carries.
 * @return 0; -EBADMSG (`err`: it carries none, or names the byte that is wrong); -ENOMEM
 */
int embedded_read(const void *bytes, size_t size_bytes, struct profile **out, struct error *err);

#endif
