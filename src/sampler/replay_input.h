/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_REPLAY_INPUT_H
#define SAMPLER_REPLAY_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* A file or pipe that is read once from front to end, a window at a time, however big it is. */
struct replay_input {
	int fd;
	bool seekable;
	uint8_t *window;
	size_t capacity, begin, end; /* of what is in the window */
	uint64_t offset;             /* in the file, of the window's `begin` */
	uint64_t limit;              /* nothing behind this offset is looked at */
};

/**
 * @param fd   borrowed
 * @param head what was read from it already; a seekable file is read from its start anyway
 * @return 0 or -ENOMEM
 */
int replay_input_init(struct replay_input *in, int fd, const void *head, size_t head_size_bytes,
		      struct error *err);
void replay_input_deinit(struct replay_input *in);

/**
 * Shows the next `want` bytes, or fewer at the end. They stay where they are until the next call.
 * @return how many; negative errno
 */
ssize_t replay_input_look(struct replay_input *in, size_t want, const uint8_t **out,
			  struct error *err);

/** Goes on. @return 0; -EBADMSG if the end comes before that; negative errno */
int replay_input_skip(struct replay_input *in, uint64_t size_bytes, struct error *err);

/** For seekable files. */
void replay_input_seek(struct replay_input *in, uint64_t offset);

/** Reads elsewhere in a seekable file, all or nothing. @return 0; -EBADMSG; negative errno */
int replay_input_read_at(const struct replay_input *in, uint64_t offset, void *out,
			 size_t size_bytes, struct error *err);

#endif
