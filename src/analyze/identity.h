/* SPDX-License-Identifier: MIT */
#ifndef ANALYZE_IDENTITY_H
#define ANALYZE_IDENTITY_H

#include "profile/profile.h"

/**
 * When two lines of frames show the same function: equal name and module (the path), and equal file
 * if `by_file`. Identities are dense numbers, so that arrays serve where hash tables would else.
 */
struct identity {
	string_id name, module,
		file;   /* in the profile's strings; name 0: nameless, then `frame` tells */
	frame_id frame; /* the first that has it */
	bool unnamed;
};

struct identities {
	const struct profile *profile;
	uint32_t *first; /* by frame: its innermost line in of_line */
	uint32_t *of_line;
	struct identity *at;
	size_t count;
};

/** @return 0 or -ENOMEM */
int identities_init(struct identities *ids, const struct profile *p, bool by_file,
		    struct error *err);
void identities_deinit(struct identities *ids);

/** @return the lines of a frame, at least one: a frame without lines counts as nameless */
static inline uint32_t identity_lines(const struct identities *ids, frame_id frame)
{
	uint32_t n = ids->profile->frames[frame.v].line_count;
	return n ? n : 1;
}

/** The identity of a frame's line `k`, innermost is 0. */
static inline uint32_t identity_of(const struct identities *ids, frame_id frame, uint32_t k)
{
	return ids->of_line[ids->first[frame.v] + k];
}

/** The source line of a frame's line `k`; 0 if unknown. */
static inline uint32_t identity_source_line(const struct identities *ids, frame_id frame,
					    uint32_t k)
{
	const struct profile_frame *f = &ids->profile->frames[frame.v];
	return k < f->line_count ? ids->profile->lines[f->first_line + k].line : 0;
}

#endif
