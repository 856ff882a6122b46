// SPDX-License-Identifier: MIT
#include "analyze/line_votes.h"

bool line_votes_add(struct line_votes *v, uint32_t row, uint32_t line, uint64_t self,
		    uint64_t total)
{
	if (!line)
		return true;
	uint64_t key = (uint64_t)row << 32 | line;
	uint32_t number = map64_get(&v->index, key);
	if (!number) {
		if (!vec_push(&v->votes, (struct line_vote){ .row = row, .line = line }))
			return false;
		number = (uint32_t)v->votes.count;
		if (!map64_put(&v->index, key, number))
			return false;
	}
	v->votes.at[number - 1].self += self;
	v->votes.at[number - 1].total += total;
	return true;
}

bool line_vote_beats(const struct line_vote *a, const struct line_vote *b)
{
	if (a->self != b->self)
		return a->self > b->self;
	if (a->total != b->total)
		return a->total > b->total;
	return a->line < b->line;
}

void line_votes_deinit(struct line_votes *v)
{
	map64_deinit(&v->index);
	vec_free(&v->votes);
}
