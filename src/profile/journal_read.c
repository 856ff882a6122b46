// SPDX-License-Identifier: MIT
#include "profile/journal.h"

#include <errno.h>
#include <stdio.h>

#include "base/gzip.h"
#include "base/unpack_limit.h"
#include "profile/pprof_fields.h"
#include "profile/pprof_read.h"
#include "profile/protobuf.h"

/* How whole a journal is. */
struct journal_state {
	size_t members;
	size_t torn_bytes; /* at the end, which cannot be read */
	bool cut;          /* they are the beginning of a member: at most a second is missing */
};

static const size_t member_limit_bytes = (size_t)256 << 20;
/* The first member has the facts of the run and no sample; command lines have their limit (execve(2)). */
static const size_t first_limit_bytes = (size_t)4 << 20;

static bool says_journal(struct cursor message)
{
	struct protobuf_field f, g;
	while (protobuf_next(&message, &f)) {
		while (f.number == PROFILE_CAPTURE && protobuf_next(&f.bytes, &g))
			if (g.number == CAPTURE_JOURNAL && g.value)
				return true;
	}
	return false;
}

bool journal_is(const void *bytes, size_t size_bytes)
{
	struct strbuf plain = { 0 };
	size_t packed_bytes;
	bool is = gzip_is(bytes, size_bytes) &&
		  gzip_decompress_member(bytes, size_bytes, first_limit_bytes, &plain,
					 &packed_bytes, NULL) == 0 &&
		  says_journal(cursor_of(plain.text, plain.length));
	strbuf_deinit(&plain);
	return is;
}

/* One after the other, as far as they can be unpacked: memory holds one. */
static int read_members(struct pprof_reader *r, const uint8_t *bytes, size_t size_bytes,
			struct journal_state *out)
{
	struct strbuf plain = { 0 };
	struct error ignored = { 0 };
	size_t at = 0, packed_bytes;
	uint64_t unpacked_bytes = 0;
	int status = 0;
	*out = (struct journal_state){ 0 };
	while (!status && at < size_bytes) {
		strbuf_clear(&plain);
		status = gzip_decompress_member(bytes + at, size_bytes - at, member_limit_bytes,
						&plain, &packed_bytes, &ignored);
		if (status == -ENODATA || status == -EBADMSG) {
			out->torn_bytes = size_bytes - at;
			out->cut = status == -ENODATA;
			status = 0;
			break;
		}
		if (status)
			fail(r->err, status, "%s", ignored.text);
		else if ((unpacked_bytes += plain.length) > unpack_most_bytes(at + packed_bytes))
			status = fail(r->err, -EFBIG, "the journal unpacks to more than any does");
		else
			status = pprof_read_message(r, strbuf_text(&plain), plain.length);
		if (!status && !(r->has_capture && r->is_journal))
			status = fail(r->err, -EBADMSG, "a part of the journal is none");
		if (status)
			fail_in(r->err, status, "in the member at byte %zu", at);
		at += packed_bytes;
		out->members++;
	}
	strbuf_deinit(&plain);
	return status;
}

/* @return how many notes were added; -ENOMEM */
static int note_state(struct builder *b, const struct journal_state *s, size_t size_bytes)
{
	char text[200];
	int r = builder_note(b, "read from a journal: the recording was cut off, or still runs; up "
				"to its last second is missing");
	if (r < 0 || !s->torn_bytes)
		return r < 0 ? r : 1;
	if (s->cut)
		snprintf(text, sizeof(text),
			 "the last %zu bytes of the journal are a torn write and were left out: at "
			 "most a second of samples",
			 s->torn_bytes);
	else
		snprintf(text, sizeof(text),
			 "the journal is damaged: its last %zu bytes, from byte %zu on, were left "
			 "out",
			 s->torn_bytes, size_bytes - s->torn_bytes);
	return builder_note(b, text) < 0 ? -ENOMEM : 2;
}

int journal_read(const void *bytes, size_t size_bytes, journal_namer namer, void *context,
		 struct profile **out, size_t *out_first_note, struct error *err)
{
	struct pprof_reader r;
	struct journal_state state;
	int status = pprof_reader_init(&r, size_bytes, err);
	if (!status)
		status = read_members(&r, bytes, size_bytes, &state);
	if (!status && !state.members)
		status = fail(err, -EBADMSG, "holds no whole member of a journal");
	if (!status && namer)
		status = namer(context, r.b, err);
	int notes = status ? 0 : note_state(r.b, &state, size_bytes);
	if (notes < 0)
		status = fail(err, -ENOMEM, "out of memory");
	if (!status) {
		builder_seal(r.b);
		status = builder_freeze(r.b, out, err);
	}
	if (!status && out_first_note)
		*out_first_note = (*out)->meta.note_count - (size_t)notes;
	pprof_reader_deinit(&r);
	return status;
}
