/* SPDX-License-Identifier: MIT */
#ifndef ANALYZE_LINE_VOTES_H
#define ANALYZE_LINE_VOTES_H

#include "base/map.h"
#include "base/vec.h"

/** Finds for each row of a table the source line that most of its samples are on. */
struct line_vote {
	uint32_t row, line;
	uint64_t self, total; /* samples */
};

struct line_votes {
	struct map64 index; /* (row, line) to vote number + 1 */
	VEC(struct line_vote) votes;
};

/** @return false without memory; line 0 (unknown) is not counted */
bool line_votes_add(struct line_votes *v, uint32_t row, uint32_t line, uint64_t self,
		    uint64_t total);

/** @return whether `a` shows its row's cost better than `b`: more self, more total, smaller line */
bool line_vote_beats(const struct line_vote *a, const struct line_vote *b);

void line_votes_deinit(struct line_votes *v);

#endif
