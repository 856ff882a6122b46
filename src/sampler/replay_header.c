// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "sampler/replay_file.h"
#include "sampler/replay_types.h"

/* Source: Linux, tools/perf/Documentation/perf.data-file-format.txt */

enum {
	PIPE_HEADER_BYTES = 16,
	FILE_HEADER_BYTES = 104,
	SECTION_BYTES = 16,
	SECTION_MOST_BYTES = 64 << 20,
};

struct section {
	uint64_t offset, size_bytes;
};

bool replay_is(const void *bytes, size_t size_bytes)
{
	static const char *const magics[] = { "PERFILE2", "2ELIFREP", "PERFFILE", "ELIFFREP" };
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if (size_bytes >= strlen(magics[i]) && !memcmp(bytes, magics[i], strlen(magics[i])))
			return true;
	return false;
}

static struct section take_section(struct cursor *c)
{
	struct section s = { .offset = cursor_u64(c) };
	s.size_bytes = cursor_u64(c);
	return s;
}

static int load(const struct replay *r, const struct section *s, uint8_t **out, struct error *err)
{
	if (s->size_bytes > SECTION_MOST_BYTES)
		return fail(err, -EBADMSG, "has a section of %llu bytes at byte %llu",
			    (unsigned long long)s->size_bytes, (unsigned long long)s->offset);
	*out = malloc(s->size_bytes ? s->size_bytes : 1);
	if (!*out)
		return fail(err, -ENOMEM, "out of memory");
	return replay_input_read_at(&r->input, s->offset, *out, s->size_bytes, err);
}

static int read_ids(struct replay *r, uint32_t event, const struct section *ids, struct error *err)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	int status = load(r, ids, &bytes, err);
	if (status < 0)
		return status;
	struct cursor c = cursor_of(bytes, ids->size_bytes);
	while (cursor_left(&c) >= sizeof(uint64_t))
		if (replay_events_add_id(&r->events, event, cursor_u64(&c)) < 0)
			return fail(err, -ENOMEM, "out of memory");
	return 0;
}

static int read_attrs(struct replay *r, const struct section *attrs, uint64_t entry_bytes,
		      struct error *err)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	if (entry_bytes < PERF_ATTR_SIZE_VER0 + SECTION_BYTES || entry_bytes > attrs->size_bytes)
		return fail(err, -EBADMSG, "describes no event: byte 16 gives them %llu bytes",
			    (unsigned long long)entry_bytes);
	int status = load(r, attrs, &bytes, err);
	struct cursor c = cursor_of(bytes, attrs->size_bytes);
	while (status == 0 && cursor_left(&c) >= entry_bytes) {
		struct cursor entry = cursor_sub(&c, (size_t)entry_bytes);
		struct cursor attr = cursor_sub(&entry, (size_t)entry_bytes - SECTION_BYTES);
		struct section ids = take_section(&entry);
		int event = replay_events_add(&r->events, &attr, err);
		status = event < 0 ? event : read_ids(r, (uint32_t)event, &ids, err);
		if (event < 0)
			fail_in(err, event, "the section at byte %llu",
				(unsigned long long)attrs->offset);
	}
	return status;
}

/* Each feature whose bit is set has a section in the table behind the records. */
static int read_features(struct replay *r, uint64_t table_offset, const uint64_t flags[4],
			 struct error *err)
{
	int status = 0;
	for (unsigned bit = 0; status == 0 && bit < FEATURE_COUNT; bit++) {
		uint8_t entry[SECTION_BYTES];
		_cleanup_free_ uint8_t *bytes = NULL;
		if (!(flags[bit / 64] >> bit % 64 & 1))
			continue;
		status = replay_input_read_at(&r->input, table_offset, entry, sizeof(entry), err);
		table_offset += sizeof(entry);
		struct cursor c = cursor_of(entry, sizeof(entry));
		struct section s = take_section(&c);
		if (status == 0 && (bit <= FEATURE_EVENT_DESC || bit == FEATURE_CLOCK_DATA))
			status = load(r, &s, &bytes, err);
		if (status == 0)
			status = replay_feature(r, bit, cursor_of(bytes, bytes ? s.size_bytes : 0),
						err);
		if (status == -EBADMSG && bit == FEATURE_BUILD_ID)
			fail_in(err, status, "the section at byte %llu",
				(unsigned long long)s.offset);
	}
	return status;
}

static int read_file_header(struct replay *r, struct error *err)
{
	uint8_t bytes[FILE_HEADER_BYTES];
	int status = replay_input_read_at(&r->input, 0, bytes, sizeof(bytes), err);
	if (status < 0)
		return status;
	struct cursor c = cursor_of(bytes, sizeof(bytes));
	cursor_take(&c, PIPE_HEADER_BYTES);
	uint64_t entry_bytes = cursor_u64(&c), flags[4];
	struct section attrs = take_section(&c), data = take_section(&c);
	take_section(&c); /* event types, which are no longer written */
	for (unsigned i = 0; i < 4; i++)
		flags[i] = cursor_u64(&c);
	if (data.size_bytes > UINT64_MAX - data.offset)
		return fail(err, -EBADMSG, "has records of %llu bytes, as byte 48 says",
			    (unsigned long long)data.size_bytes);
	status = read_attrs(r, &attrs, entry_bytes, err);
	/* perf fills the size in when it ends; without it there are no features either. */
	r->facts.unfinished = !data.size_bytes;
	r->stream.ends_anywhere = r->facts.unfinished;
	if (status == 0 && !r->facts.unfinished)
		status = read_features(r, data.offset + data.size_bytes, flags, err);
	replay_input_seek(&r->input, data.offset);
	if (!r->facts.unfinished)
		r->input.limit = data.offset + data.size_bytes;
	return status;
}

int replay_header_read(struct replay *r, struct error *err)
{
	const uint8_t *bytes;
	ssize_t n = replay_input_look(&r->input, PIPE_HEADER_BYTES, &bytes, err);
	if (n < 0)
		return (int)n;
	if (n < PIPE_HEADER_BYTES)
		return fail(err, -EBADMSG, "ends at byte %zd, inside the header", n);
	if (memcmp(bytes, "PERFILE2", 8) != 0)
		return fail(err, -EBADMSG, "%s",
			    bytes[0] == 'P'
				    ? "is a perf.data file of Linux 2.6, which is not read"
				    : "was recorded on a big-endian machine; this version reads "
				      "perf.data of x86_64 only");
	struct cursor c = cursor_of(bytes, PIPE_HEADER_BYTES);
	cursor_u64(&c);
	uint64_t size_bytes = cursor_u64(&c);
	if (size_bytes == PIPE_HEADER_BYTES)
		return replay_input_skip(&r->input, PIPE_HEADER_BYTES, err);
	if (size_bytes != FILE_HEADER_BYTES)
		return fail(err, -EBADMSG,
			    "has a header of %llu bytes, as byte 8 says; it must be "
			    "16 or 104",
			    (unsigned long long)size_bytes);
	if (!r->input.seekable)
		return fail(err, -ESPIPE, "is no perf.data of a pipe");
	return read_file_header(r, err);
}
