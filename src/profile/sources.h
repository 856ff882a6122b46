/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_SOURCES_H
#define PROFILE_SOURCES_H

#include "base/vec.h"
#include "profile/profile.h"

/* Source lines that a capture keeps, so that reading it opens no other file. */

enum {
	SOURCES_MAX = 4096,           /* pieces */
	SOURCES_MAX_BYTES = 1 << 20,  /* of text in one capture */
	SOURCES_LINE_MAX_BYTES = 400, /* longer lines are cut */
};

struct source_list {
	VEC(struct profile_source) all;
	size_t text_bytes;
};

/** Copies; what is beyond the limits is left out. @return false without memory */
bool sources_add(struct source_list *list, const struct profile_source *source);
void sources_deinit(struct source_list *list);

/**
 * Gives a frozen profile, before anybody else sees it, those pieces that lie in files of its functions,
 * in order and each once. Copies. @return 0 or -ENOMEM
 */
int profile_attach_sources(struct profile *p, const struct source_list *list, struct error *err);

struct source_line_id {
	string_id file;
	uint32_t line;
};

/**
 * The source lines with most samples of their own, then with most samples on the stack.
 * @param out array of `most`. @return how many there are
 */
size_t profile_hot_lines(const struct profile *p, struct source_line_id *out, size_t most);

#endif
