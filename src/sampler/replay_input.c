// SPDX-License-Identifier: MIT
#include "sampler/replay_input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WINDOW_BYTES = 512 * 1024 };

int replay_input_init(struct replay_input *in, int fd, const void *head, size_t head_size_bytes,
		      struct error *err)
{
	*in = (struct replay_input){ .fd = fd, .limit = UINT64_MAX, .capacity = WINDOW_BYTES };
	in->window = malloc(in->capacity);
	if (!in->window || head_size_bytes > in->capacity)
		return fail(err, -ENOMEM, "out of memory");
	in->seekable = lseek(fd, 0, SEEK_CUR) >= 0;
	if (!in->seekable && head_size_bytes) {
		memcpy(in->window, head, head_size_bytes);
		in->end = head_size_bytes;
	}
	return 0;
}

void replay_input_deinit(struct replay_input *in)
{
	free(in->window);
	in->window = NULL;
}

static ssize_t read_some(const struct replay_input *in, void *out, size_t size_bytes,
			 uint64_t offset)
{
	for (;;) {
		ssize_t n = in->seekable ? pread(in->fd, out, size_bytes, (off_t)offset)
					 : read(in->fd, out, size_bytes);
		if (n >= 0 || errno != EINTR)
			return n;
	}
}

ssize_t replay_input_look(struct replay_input *in, size_t want, const uint8_t **out,
			  struct error *err)
{
	if (want > in->limit - in->offset)
		want = (size_t)(in->limit - in->offset);
	if (want > in->capacity)
		return fail(err, -EFBIG, "a record is larger than %zu bytes", in->capacity);
	if (in->end - in->begin < want) {
		memmove(in->window, in->window + in->begin, in->end - in->begin);
		in->end -= in->begin;
		in->begin = 0;
	}
	while (in->end - in->begin < want) {
		ssize_t n = read_some(in, in->window + in->end, in->capacity - in->end,
				      in->offset + in->end);
		if (n < 0)
			return fail_errno(err, "cannot read");
		if (!n)
			break;
		in->end += (size_t)n;
	}
	size_t there = in->end - in->begin;
	*out = in->window + in->begin;
	return (ssize_t)(there < want ? there : want);
}

int replay_input_skip(struct replay_input *in, uint64_t size_bytes, struct error *err)
{
	if (size_bytes > in->limit - in->offset)
		return fail(err, -EBADMSG, "the records end at byte %llu, inside one of them",
			    (unsigned long long)in->limit);
	while (size_bytes) {
		const uint8_t *ignored;
		if (in->begin == in->end && in->seekable) {
			in->offset += size_bytes; /* an end before that shows at the next look */
			return 0;
		}
		ssize_t n = replay_input_look(in, in->begin == in->end ? 1 : in->end - in->begin,
					      &ignored, err);
		if (n <= 0)
			return n < 0 ? (int)n
				     : fail(err, -EBADMSG, "ends at byte %llu, inside a record",
					    (unsigned long long)in->offset);
		size_t held = in->end - in->begin;
		size_t step = size_bytes < held ? (size_t)size_bytes : held;
		in->begin += step;
		in->offset += step;
		size_bytes -= step;
	}
	return 0;
}

void replay_input_seek(struct replay_input *in, uint64_t offset)
{
	in->begin = in->end = 0;
	in->offset = offset;
}

int replay_input_read_at(const struct replay_input *in, uint64_t offset, void *out,
			 size_t size_bytes, struct error *err)
{
	uint8_t *at = out;
	const uint64_t end = offset + size_bytes;
	while (size_bytes) {
		ssize_t n = offset > INT64_MAX ? 0 : read_some(in, at, size_bytes, offset);
		if (n < 0)
			return fail_errno(err, "cannot read");
		if (!n)
			return fail(err, -EBADMSG, "ends before byte %llu",
				    (unsigned long long)end);
		at += n;
		offset += (uint64_t)n;
		size_bytes -= (size_t)n;
	}
	return 0;
}
