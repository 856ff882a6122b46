// SPDX-License-Identifier: MIT
#include "sampler/replay_stream.h"

#include <errno.h>
#include <string.h>

#include <linux/perf_event.h>

#include "base/cursor.h"
#include "sampler/replay_types.h"

enum {
	HEADER_BYTES = sizeof(struct perf_event_header),
	RECORD_MOST_BYTES = 65535,
	UNPACK_STEP_BYTES = 256 * 1024,
	WINDOW_LOG_MOST = 27, /* 128 MiB, zstd's own limit for streams */
	/* Copies of a stack that does not change leave little more than their number: 65,528 bytes each. */
	UNPACK_RATIO_COPIES = 4096,
};
/* No memory, since they go one by one, but time. */
static const uint64_t UNPACK_FREE_OF_COPIES_BYTES = UINT64_C(1) << 30;

void replay_stream_init(struct replay_stream *s, struct replay_input *in)
{
	*s = (struct replay_stream){ .in = in };
}

void replay_stream_deinit(struct replay_stream *s)
{
	ZSTD_freeDCtx(s->zstd);
	strbuf_deinit(&s->unpacked);
}

static int unpack_begin(struct replay_stream *s, const uint8_t *bytes, size_t size_bytes,
			struct error *err)
{
	if (!s->zstd) {
		s->zstd = ZSTD_createDCtx();
		if (!s->zstd)
			return fail(err, -ENOMEM, "out of memory");
		ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MOST);
	}
	s->packed = (ZSTD_inBuffer){ bytes, size_bytes, 0 };
	s->packed_bytes += size_bytes;
	s->unpacking = true;
	return 0;
}

/* A little at a time: few packed bytes may stand for gigabytes. */
static int unpack_more(struct replay_stream *s, struct error *err)
{
	size_t left = s->unpacked.length - s->unpacked_at; /* the begin of a record */
	if (left)
		memmove(s->unpacked.text, s->unpacked.text + s->unpacked_at, left);
	s->unpacked.length = left;
	s->unpacked_at = 0;
	if (!strbuf_reserve(&s->unpacked, UNPACK_STEP_BYTES))
		return fail(err, -ENOMEM, "out of memory");
	ZSTD_outBuffer out = { s->unpacked.text + left, UNPACK_STEP_BYTES, 0 };
	size_t taken = s->packed.pos;
	size_t status = ZSTD_decompressStream(s->zstd, &out, &s->packed);
	if (ZSTD_isError(status))
		return fail(err, -EBADMSG, "the packed record at byte %llu is damaged: %s",
			    (unsigned long long)s->offset, ZSTD_getErrorName(status));
	s->unpacked.length += out.pos;
	s->unpacked_bytes += out.pos;
	if (s->unpacked_bytes > UNPACK_FREE_OF_COPIES_BYTES &&
	    s->unpacked_bytes / UNPACK_RATIO_COPIES > s->packed_bytes)
		return fail(err, -EBADMSG,
			    "the packed records up to byte %llu unpack to more than any do",
			    (unsigned long long)s->offset);
	/* zstd may hold more than there was room for. */
	s->unpacking = out.pos == out.size ||
		       (s->packed.pos < s->packed.size && (out.pos || s->packed.pos > taken));
	return 0;
}

static int too_short(const struct replay_stream *s, size_t size_bytes, struct error *err)
{
	return fail(err, -EBADMSG, "the record at byte %llu has a size of %zu bytes",
		    (unsigned long long)s->offset, size_bytes);
}

/* @return 1, 0 if none is whole, -EBADMSG */
static int first_unpacked(struct replay_stream *s, const uint8_t **out, size_t *out_size_bytes,
			  struct error *err)
{
	struct perf_event_header header;
	size_t left = s->unpacked.length - s->unpacked_at;
	if (left < sizeof(header))
		return 0;
	memcpy(&header, s->unpacked.text + s->unpacked_at, sizeof(header));
	if (header.size < sizeof(header))
		return too_short(s, header.size, err);
	if (left < header.size)
		return 0;
	*out = (const uint8_t *)s->unpacked.text + s->unpacked_at;
	*out_size_bytes = header.size;
	s->unpacked_at += header.size;
	return 1;
}

static int next_unpacked(struct replay_stream *s, const uint8_t **out, size_t *out_size_bytes,
			 struct error *err)
{
	for (;;) {
		int r = first_unpacked(s, out, out_size_bytes, err);
		if (r || !s->unpacking)
			return r;
		r = unpack_more(s, err);
		if (r < 0)
			return r;
	}
}

static int cut_off(const struct replay_stream *s, struct error *err)
{
	if (s->ends_anywhere)
		return 0;
	const uint64_t end = s->in->offset + s->in->end - s->in->begin;
	return fail(err, -EBADMSG, "is cut off at byte %llu, inside a record",
		    (unsigned long long)end);
}

/*
 * perf 6.16 and later write a packed record of 65529 to 65535 bytes with a size of 0, since they
 * round it up to a multiple of 8; what it holds says its own size.
 */
static size_t size_of(const struct perf_event_header *header, const uint8_t *bytes, size_t there)
{
	enum { PACKED_HEAD_BYTES = 16 };
	uint64_t packed_bytes;
	if (header->type != REPLAY_COMPRESSED2 || header->size || there < PACKED_HEAD_BYTES)
		return header->size;
	memcpy(&packed_bytes, bytes + HEADER_BYTES, sizeof(packed_bytes));
	return packed_bytes < RECORD_MOST_BYTES ? PACKED_HEAD_BYTES + (size_t)packed_bytes : 0;
}

/* @return as replay_stream_next() */
static int next_in_file(struct replay_stream *s, const uint8_t **out, size_t *out_size_bytes,
			struct error *err)
{
	struct perf_event_header header;
	s->offset = s->in->offset;
	ssize_t n = replay_input_look(s->in, 2 * sizeof(header), out, err);
	if (n < 0)
		return (int)n;
	if (!n && s->unpacked.length == s->unpacked_at)
		return 0;
	if ((size_t)n < sizeof(header))
		return cut_off(s, err);
	memcpy(&header, *out, sizeof(header));
	size_t size_bytes = size_of(&header, *out, (size_t)n);
	if (size_bytes < sizeof(header))
		return too_short(s, size_bytes, err);
	n = replay_input_look(s->in, size_bytes, out, err);
	if (n < 0)
		return (int)n;
	if ((size_t)n < size_bytes)
		return cut_off(s, err);
	*out_size_bytes = size_bytes;
	/* The bytes stay in the window until the next look. */
	s->in->begin += size_bytes;
	s->in->offset += size_bytes;
	return 1;
}

static int unpack_record(struct replay_stream *s, struct cursor body, uint32_t type,
			 struct error *err)
{
	size_t size_bytes = cursor_left(&body);
	if (type == REPLAY_COMPRESSED2) {
		uint64_t packed_bytes = cursor_u64(&body);
		if (body.bad || packed_bytes > cursor_left(&body))
			return fail(err, -EBADMSG, "the packed record at byte %llu is too short",
				    (unsigned long long)s->offset);
		size_bytes = (size_t)packed_bytes;
	}
	return unpack_begin(s, body.at, size_bytes, err);
}

/* What follows the record in the file, outside its size. */
static uint64_t bulk_bytes(struct cursor body, uint32_t type)
{
	if (type == REPLAY_AUXTRACE)
		return cursor_u64(&body);
	return type == REPLAY_TRACING_DATA ? cursor_u32(&body) : 0;
}

int replay_stream_next(struct replay_stream *s, const uint8_t **out, size_t *out_size_bytes,
		       struct error *err)
{
	for (;;) {
		int r = next_unpacked(s, out, out_size_bytes, err);
		if (r)
			return r;
		r = next_in_file(s, out, out_size_bytes, err);
		if (r <= 0)
			return r;
		struct cursor body = cursor_of(*out, *out_size_bytes);
		uint32_t type = cursor_u32(&body);
		cursor_take(&body, HEADER_BYTES - sizeof(type));
		uint64_t bulk = bulk_bytes(body, type);
		if (bulk)
			r = replay_input_skip(s->in, bulk, err);
		else if (type == REPLAY_COMPRESSED || type == REPLAY_COMPRESSED2)
			r = unpack_record(s, body, type, err);
		else
			return 1;
		if (r < 0)
			return r;
	}
}
