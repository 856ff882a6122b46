/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_REPLAY_STREAM_H
#define SAMPLER_REPLAY_STREAM_H

#include <zstd.h>

#include "base/strbuf.h"
#include "sampler/replay_input.h"

/*
 * The records of a perf.data file, one by one: those that are packed (perf record -z) come out
 * unpacked, and the bulk that follows some records is skipped.
 */
struct replay_stream {
	struct replay_input *in;
	ZSTD_DCtx *zstd;                       /* one stream through all packed records */
	ZSTD_inBuffer packed;                  /* of the record at hand; in the input's window */
	bool unpacking;                        /* there may be more in it */
	uint64_t packed_bytes, unpacked_bytes; /* of all of them so far */
	struct strbuf
		unpacked; /* from `unpacked_at` on not looked at yet; may end inside a record */
	size_t unpacked_at;
	uint64_t
		offset; /* in the file, of the record shown last, or of the one that it was packed in */
	bool ends_anywhere; /* the writer was killed: a record that is cut off is the end */
};

void replay_stream_init(struct replay_stream *s, struct replay_input *in);
void replay_stream_deinit(struct replay_stream *s);

/**
 * @param out valid until the next call; *out_size_bytes is at least that of a perf_event_header
 * @return 1; 0 at the end; -EBADMSG (`err` names the byte); other negative errno
 */
int replay_stream_next(struct replay_stream *s, const uint8_t **out, size_t *out_size_bytes,
		       struct error *err);

#endif
