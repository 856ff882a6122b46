// SPDX-License-Identifier: MIT
/*
 * Reads a picture, as it is and with the input as the capture that a picture carries. What is accepted
 * must be a sound profile, and a picture that is made to carry it is read again as the same profile.
 */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "profile/embedded.h"
#include "profile/pprof.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check(struct profile *first)
{
	struct profile *second = NULL;
	struct strbuf picture = { 0 }, once = { 0 }, twice = { 0 };
	struct error err = { 0 };
	require(profile_check(first, &err) == 0);
	require(embedded_write(first, &picture, &err) == 0);
	require(embedded_read(picture.text, picture.length, &second, &err) == 0);
	require(pprof_write(first, &once, &err) == 0);
	require(pprof_write(second, &twice, &err) == 0);
	require(once.length == twice.length && !memcmp(once.text, twice.text, once.length));
	profile_destroy(first);
	profile_destroy(second);
	strbuf_deinit(&picture);
	strbuf_deinit(&once);
	strbuf_deinit(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct profile *p = NULL;
	struct error err = { 0 };
	struct strbuf picture = { 0 };
	embedded_is_picture(bytes, size_bytes);
	if (embedded_read(bytes, size_bytes, &p, &err) == 0)
		check(p);
	else
		require(err.text[0] && !p);
	strbuf_puts(&picture, "<svg><metadata id=\"capture\">");
	base64_encode(&picture, bytes, size_bytes, 76);
	strbuf_puts(&picture, "</metadata></svg>");
	if (embedded_read(picture.text, picture.length, &p, &err) == 0)
		check(p);
	strbuf_deinit(&picture);
	return 0;
}
