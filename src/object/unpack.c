// SPDX-License-Identifier: MIT
#include "object/sections.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "base/unpack_limit.h"

#ifndef ELFCOMPRESS_ZSTD
#define ELFCOMPRESS_ZSTD 2
#endif

static const uint64_t UNPACKED_MAX_BYTES = UINT64_C(4) << 30;

static int unpack_zlib(const uint8_t *packed, size_t packed_bytes, uint8_t *out, size_t size_bytes)
{
	z_stream z = { 0 };
	if (inflateInit(&z) != Z_OK)
		return -ENOMEM;
	size_t in = 0, done = 0;
	int status = Z_OK;
	while (status == Z_OK) {
		size_t in_left = packed_bytes - in, out_left = size_bytes - done;
		z.next_in = (Bytef *)(uintptr_t)(packed + in);
		z.avail_in = in_left > UINT_MAX ? UINT_MAX : (unsigned)in_left;
		z.next_out = out + done;
		z.avail_out = out_left > UINT_MAX ? UINT_MAX : (unsigned)out_left;
		status = inflate(&z, Z_NO_FLUSH);
		in = (size_t)(z.next_in - packed);
		done = (size_t)(z.next_out - out);
	}
	inflateEnd(&z);
	return status == Z_STREAM_END && done == size_bytes ? 0 : -EBADMSG;
}

static int unpack_zstd(const uint8_t *packed, size_t packed_bytes, uint8_t *out, size_t size_bytes)
{
	size_t n = ZSTD_decompress(out, size_bytes, packed, packed_bytes);
	return !ZSTD_isError(n) && n == size_bytes ? 0 : -EBADMSG;
}

int elf_unpack(uint32_t kind, const uint8_t *packed, size_t packed_bytes, uint64_t size_bytes,
	       uint8_t **out, struct error *err)
{
	if (kind != ELFCOMPRESS_ZLIB && kind != ELFCOMPRESS_ZSTD)
		return fail(err, -EBADMSG, "unknown compression %u", kind);
	if (size_bytes > UNPACKED_MAX_BYTES)
		return fail(err, -EFBIG, "unpacks to %" PRIu64 " bytes", size_bytes);
	if (size_bytes > unpack_most_bytes(packed_bytes))
		return fail(err, -EBADMSG,
			    "%zu bytes claim to unpack to %" PRIu64 ", more than any section does",
			    packed_bytes, size_bytes);
	size_t size = (size_t)size_bytes;
	uint8_t *bytes = malloc(size ? size : 1);
	if (!bytes)
		return fail(err, -ENOMEM, "out of memory");
	int rc = kind == ELFCOMPRESS_ZLIB ? unpack_zlib(packed, packed_bytes, bytes, size)
					  : unpack_zstd(packed, packed_bytes, bytes, size);
	if (rc < 0) {
		free(bytes);
		return fail(err, rc, "the compressed data is damaged");
	}
	*out = bytes;
	return 0;
}
