// SPDX-License-Identifier: MIT
#include "profile/embedded.h"

#include <errno.h>
#include <string.h>

#include "base/base64.h"
#include "base/cursor.h"
#include "profile/pprof.h"

/* Names inside pictures are escaped: no `<` of theirs can begin this. */
static const char element[] = "<metadata id=\"capture\"";
static const char left_out[] = " data-left-out=\"";

enum { COLUMNS = 76 }; /* RFC 2045, 6.8: mail and editors stand it */

int embedded_write(const struct profile *p, struct strbuf *out, struct error *err)
{
	struct strbuf capture = { 0 };
	int r = pprof_write(p, &capture, err);
	if (!r) {
		strbuf_puts(out, element);
		if (capture.length > EMBEDDED_MOST_BYTES) {
			strbuf_printf(out, "%s%zu\">", left_out, capture.length);
		} else {
			strbuf_puts(out, ">\n");
			base64_encode(out, capture.text, capture.length, COLUMNS);
		}
		strbuf_puts(out, "</metadata>\n");
		r = out->failed ? fail(err, -ENOMEM, "out of memory") : 0;
	}
	strbuf_deinit(&capture);
	return r;
}

bool embedded_is_picture(const void *bytes, size_t size_bytes)
{
	static const char *const begins[] = { "<?xml",     "<svg",  "<!DOCTYPE",
					      "<!doctype", "<html", "<!--" };
	struct cursor c = cursor_of(bytes, size_bytes);
	if (cursor_left(&c) >= 3 && !memcmp(c.at, "\xef\xbb\xbf", 3))
		cursor_take(&c, 3); /* a byte-order mark, from an editor */
	while (cursor_left(&c) && strchr(" \t\r\n", *c.at) && *c.at)
		cursor_take(&c, 1);
	for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++)
		if (cursor_left(&c) >= strlen(begins[i]) &&
		    !memcmp(c.at, begins[i], strlen(begins[i])))
			return true;
	return false;
}

/* The capture stands at the end, so that a picture which is cut off has none. */
static bool is_cut_off(const void *bytes, size_t size_bytes)
{
	enum { TAIL_BYTES = 256 }; /* a comment may follow */
	size_t tail_bytes = size_bytes < TAIL_BYTES ? size_bytes : TAIL_BYTES;
	const char *tail = (const char *)bytes + size_bytes - tail_bytes;
	const char *svg = memmem(bytes, size_bytes, "<svg", 4);
	size_t left = svg ? size_bytes - (size_t)(svg - (const char *)bytes) : 0;
	const char *end = svg ? memchr(svg, '>', left) : NULL;
	bool is_empty = end && end[-1] == '/'; /* <svg/> */
	return !is_empty && !memmem(tail, tail_bytes, "</svg>", 6) &&
	       !memmem(tail, tail_bytes, "</html>", 7);
}

static int no_capture(struct cursor c, struct error *err)
{
	size_t size = 0;
	if (cursor_left(&c) > strlen(left_out) && !memcmp(c.at, left_out, strlen(left_out)))
		for (const uint8_t *p = c.at + strlen(left_out);
		     p < c.end && *p >= '0' && *p <= '9' && size < SIZE_MAX / 16; p++)
			size = size * 10 + (size_t)(*p - '0');
	if (size)
		return fail(
			err, -EBADMSG,
			"is a picture whose capture (%zu bytes) was too large to go into it; use "
			"the .pb.gz",
			size);
	return fail(err, -EBADMSG,
		    "is a picture that carries no capture: perfprof reads its own pictures only");
}

int embedded_read(const void *bytes, size_t size_bytes, struct profile **out, struct error *err)
{
	struct cursor c = cursor_of(bytes, size_bytes);
	const uint8_t *found = memmem(c.at, cursor_left(&c), element, strlen(element));
	if (!found && is_cut_off(bytes, size_bytes))
		return fail(err, -EBADMSG,
			    "is a picture that is cut off at byte %zu, before its capture",
			    size_bytes);
	if (!found)
		return no_capture(cursor_of(bytes, 0), err);
	cursor_seek(&c, (size_t)(found - c.begin) + strlen(element));
	if (!cursor_left(&c) || *c.at != '>')
		return no_capture(c, err);
	cursor_take(&c, 1);
	const uint8_t *end = memchr(c.at, '<', cursor_left(&c));
	size_t begin = cursor_offset(&c);
	if (!end)
		return fail(err, -EBADMSG, "the capture in the picture is cut off at byte %zu",
			    size_bytes);
	struct strbuf capture = { 0 };
	size_t bad;
	int r = 0;
	if ((size_t)(end - c.at) > 2 * (size_t)EMBEDDED_MOST_BYTES)
		r = fail(err, -EFBIG,
			 "the capture in the picture, at byte %zu, is larger than any is", begin);
	else if (!base64_decode(&capture, c.at, (size_t)(end - c.at), &bad))
		r = fail(err, -EBADMSG, "the capture in the picture is damaged at byte %zu",
			 begin + bad);
	else if (capture.failed)
		r = fail(err, -ENOMEM, "out of memory");
	else if ((r = pprof_read(strbuf_text(&capture), capture.length, out, err)) < 0)
		r = fail_in(err, r, "the capture in the picture");
	strbuf_deinit(&capture);
	return r;
}
