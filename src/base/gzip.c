// SPDX-License-Identifier: MIT
#include "base/gzip.h"

#include <errno.h>
#include <limits.h>
#include <zlib.h>

#include "base/unpack_limit.h"

/* 16 + MAX_WBITS: a gzip header, not a zlib one (zlib.h, deflateInit2). */
enum { GZIP_WINDOW_BITS = 16 + 15, GZIP_LEVEL = 6, GZIP_FAST = 1, GZIP_CHUNK_BYTES = 256 * 1024 };

bool gzip_is(const void *bytes, size_t size_bytes)
{
	const unsigned char *p = bytes;
	return size_bytes >= 3 && p[0] == 0x1f && p[1] == 0x8b && p[2] == 8;
}

static int compress_at(int level, const void *bytes, size_t size_bytes, struct strbuf *out,
		       struct error *err)
{
	z_stream z = { 0 };
	if (deflateInit2(&z, level, Z_DEFLATED, GZIP_WINDOW_BITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return fail(err, -ENOMEM, "out of memory");
	const unsigned char *at = bytes;
	size_t left = size_bytes;
	int status = Z_OK;
	while (status != Z_STREAM_END) {
		if (!z.avail_in) {
			z.next_in = (unsigned char *)(uintptr_t)at;
			z.avail_in = left > UINT_MAX ? UINT_MAX : (unsigned)left;
			at += z.avail_in;
			left -= z.avail_in;
		}
		if (!strbuf_reserve(out, GZIP_CHUNK_BYTES)) {
			deflateEnd(&z);
			return fail(err, -ENOMEM, "out of memory");
		}
		z.next_out = (unsigned char *)out->text + out->length;
		z.avail_out = GZIP_CHUNK_BYTES;
		status = deflate(&z, left ? Z_NO_FLUSH : Z_FINISH);
		out->length += GZIP_CHUNK_BYTES - z.avail_out;
	}
	out->text[out->length] = 0;
	deflateEnd(&z);
	return 0;
}

int gzip_compress(const void *bytes, size_t size_bytes, struct strbuf *out, struct error *err)
{
	return compress_at(GZIP_LEVEL, bytes, size_bytes, out, err);
}

int gzip_compress_fast(const void *bytes, size_t size_bytes, struct strbuf *out, struct error *err)
{
	return compress_at(GZIP_FAST, bytes, size_bytes, out, err);
}

struct gunzip {
	z_stream z;
	const unsigned char *begin, *end;
	size_t limit_bytes, written_bytes;
};

static int check_size(const struct gunzip *g, struct error *err)
{
	size_t read_bytes = (size_t)(g->z.next_in - g->begin);
	if (g->written_bytes > g->limit_bytes)
		return fail(err, -EFBIG, "unpacks to more than %zu bytes, which is the limit",
			    g->limit_bytes);
	if (g->written_bytes > unpack_most_bytes(read_bytes))
		return fail(err, -EFBIG,
			    "unpacks to %zu bytes up to byte %zu, more than any profile does",
			    g->written_bytes, read_bytes);
	return 0;
}

static int gunzip_member(struct gunzip *g, struct strbuf *out, struct error *err)
{
	for (;;) {
		size_t left = (size_t)(g->end - g->z.next_in);
		g->z.avail_in = left > UINT_MAX ? UINT_MAX : (unsigned)left;
		if (!strbuf_reserve(out, GZIP_CHUNK_BYTES))
			return fail(err, -ENOMEM, "out of memory");
		g->z.next_out = (unsigned char *)out->text + out->length;
		g->z.avail_out = GZIP_CHUNK_BYTES;
		int status = inflate(&g->z, Z_NO_FLUSH);
		size_t n = GZIP_CHUNK_BYTES - g->z.avail_out;
		out->length += n;
		out->text[out->length] = 0;
		g->written_bytes += n;
		int r = check_size(g, err);
		if (r < 0 || status == Z_STREAM_END)
			return r;
		bool ended =
			(status == Z_OK || status == Z_BUF_ERROR) && !n && g->z.next_in == g->end;
		if (status != Z_OK || ended)
			return fail(err, ended ? -ENODATA : -EBADMSG,
				    "gzip data is damaged or cut off at byte %zu",
				    (size_t)(g->z.next_in - g->begin));
	}
}

int gzip_decompress(const void *bytes, size_t size_bytes, size_t limit_bytes, struct strbuf *out,
		    struct error *err)
{
	struct gunzip g = { .begin = bytes, .limit_bytes = limit_bytes };
	g.end = g.begin + size_bytes;
	if (inflateInit2(&g.z, GZIP_WINDOW_BITS) != Z_OK)
		return fail(err, -ENOMEM, "out of memory");
	g.z.next_in = (unsigned char *)(uintptr_t)bytes;
	int r;
	do {
		r = gunzip_member(&g, out, err);
		if (r == 0 && inflateReset(&g.z) != Z_OK)
			r = fail(err, -ENOMEM, "out of memory");
	} while (r == 0 && gzip_is(g.z.next_in, (size_t)(g.end - g.z.next_in)));
	inflateEnd(&g.z);
	return r == -ENODATA ? -EBADMSG : r;
}

int gzip_decompress_member(const void *bytes, size_t size_bytes, size_t limit_bytes,
			   struct strbuf *out, size_t *out_size_bytes, struct error *err)
{
	struct gunzip g = { .begin = bytes, .limit_bytes = limit_bytes };
	g.end = g.begin + size_bytes;
	if (inflateInit2(&g.z, GZIP_WINDOW_BITS) != Z_OK)
		return fail(err, -ENOMEM, "out of memory");
	g.z.next_in = (unsigned char *)(uintptr_t)bytes;
	int r = gunzip_member(&g, out, err);
	*out_size_bytes = (size_t)(g.z.next_in - g.begin);
	inflateEnd(&g.z);
	return r;
}
