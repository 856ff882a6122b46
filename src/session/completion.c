// SPDX-License-Identifier: MIT
#include "session/completion.h"

#include <stdlib.h>
#include <string.h>

#include "process/memory.h"

enum {
	OVERLAP_BYTES = 2048,
	/* Few stacks go on for more than this behind a copy; each further block is twice as large. */
	FIRST_BLOCK_BYTES = 16 << 10,
	MOST_BYTES = 8 << 20,
};

void completion_begin(struct completion *c, pid_t pid, const struct record_sample *sample)
{
	c->pid = pid;
	c->overlap = NULL;
	c->refused = false;
	c->size_bytes = 0;
	if (!sample->stack_copy_full || sample->stack_size_bytes < OVERLAP_BYTES)
		return;
	uint32_t before_bytes = sample->stack_size_bytes - OVERLAP_BYTES;
	c->overlap = sample->stack + before_bytes;
	c->start = sample->registers[REGISTER_RSP] + before_bytes;
}

static bool make_room(struct completion *c, size_t bytes)
{
	if (bytes <= c->room_bytes)
		return true;
	uint8_t *more = realloc(c->bytes, bytes);
	if (!more)
		return false;
	c->bytes = more;
	c->room_bytes = bytes;
	return true;
}

/* The stack may end inside a block: what there is of it will do. */
static bool read_block(struct completion *c)
{
	size_t wanted = c->size_bytes ? 2 * c->size_bytes : OVERLAP_BYTES + FIRST_BLOCK_BYTES;
	if (wanted > MOST_BYTES)
		wanted = MOST_BYTES;
	if (wanted == c->size_bytes || !make_room(c, wanted))
		return false;
	size_t got = process_read_some(c->pid, c->start + c->size_bytes, c->bytes + c->size_bytes,
				       wanted - c->size_bytes);
	if (!got)
		return false;
	bool first = !c->size_bytes;
	c->size_bytes += got;
	return !first || (got >= OVERLAP_BYTES && !memcmp(c->bytes, c->overlap, OVERLAP_BYTES));
}

bool completion_read(struct completion *c, uint64_t address, void *out, size_t size_bytes)
{
	uint64_t offset = address - c->start;
	if (!c->overlap || offset >= MOST_BYTES || size_bytes > MOST_BYTES - offset)
		return false;
	while (!c->refused && c->size_bytes < offset + size_bytes)
		c->refused = !read_block(c);
	if (c->refused)
		return false;
	memcpy(out, c->bytes + offset, size_bytes);
	return true;
}

bool completion_was_used(const struct completion *c)
{
	return c->size_bytes;
}

bool completion_holds(const struct completion *c)
{
	uint8_t now[OVERLAP_BYTES];
	return !c->refused && process_read(c->pid, c->start, now, sizeof(now)) &&
	       !memcmp(now, c->overlap, sizeof(now));
}

void completion_deinit(struct completion *c)
{
	free(c->bytes);
	c->bytes = NULL;
}
