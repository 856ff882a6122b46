// SPDX-License-Identifier: MIT
#include "profile/thin.h"

#include <errno.h>
#include <stdlib.h>

#include "profile/draft.h"

/* What is to be done to one row of samples. */
struct thin_row {
	uint64_t left; /* of its samples, those that the times have not come to */
	uint64_t drop; /* how many of these go */
};

struct thinning {
	struct builder *b;
	struct random *random;
	struct thin_row *rows; /* by row of samples */
	uint32_t *moved;       /* where a row is now; 0: it is gone */
};

/* Each sample stays with the same chance, so that what is left is as if it had been drawn more seldom. */
static void draw(struct thinning *t, uint64_t kept_hz, uint64_t of_hz)
{
	for (size_t i = 1; i < t->b->samples.count; i++) {
		struct thin_row *row = &t->rows[i];
		row->left = t->b->samples.at[i].count;
		for (uint64_t n = 0; n < row->left; n++)
			row->drop += random_between(t->random, 0, of_hz - 1) >= kept_hz;
		t->b->samples.at[i].count -= row->drop;
	}
}

/* @return how many of `count` samples of a row stay: those that go are drawn from all that are left */
static uint32_t keep_of(struct thinning *t, struct thin_row *row, uint32_t count)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < count && row->left; i++, row->left--) {
		bool drop = random_between(t->random, 0, row->left - 1) < row->drop;
		row->drop -= drop;
		kept += !drop;
	}
	return kept;
}

/* Rows without samples go, and those behind them move up. */
static int close_ranks(struct thinning *t)
{
	struct builder *b = t->b;
	size_t kept = 1;
	index_deinit(&b->sample_index);
	b->sample_count = 0;
	for (size_t i = 1; i < b->samples.count; i++) {
		if (!b->samples.at[i].count)
			continue;
		t->moved[i] = (uint32_t)kept;
		b->samples.at[kept] = b->samples.at[i];
		b->samples.at[kept].row = (uint32_t)kept;
		b->sample_count += b->samples.at[kept].count;
		if (!draft_index_sample(b, (uint32_t)kept))
			return -ENOMEM;
		kept++;
	}
	b->samples.count = kept;
	return 0;
}

static int thin_times(struct thinning *t)
{
	struct time_log *log = &t->b->times;
	struct time_log thinned = { .cell_ns = log->cell_ns, .budget_bytes = log->budget_bytes };
	struct time_log_reader reader = time_log_read(log);
	struct profile_time e;
	int r = 0;
	while (r == 0 && time_log_next(&reader, &e)) {
		uint32_t kept = keep_of(t, &t->rows[e.sample], e.count);
		if (kept && t->moved[e.sample])
			r = time_log_add(&thinned, e.time_ns, t->moved[e.sample], kept);
	}
	if (r < 0) {
		time_log_deinit(&thinned);
		return r;
	}
	time_log_deinit(log);
	*log = thinned;
	return 0;
}

int builder_thin(struct builder *b, uint32_t kept_hz, uint32_t of_hz, struct random *random)
{
	struct thinning t = { .b = b, .random = random };
	int r = -ENOMEM;
	t.rows = calloc(b->samples.count, sizeof(*t.rows));
	t.moved = calloc(b->samples.count, sizeof(*t.moved));
	if (t.rows && t.moved && of_hz) {
		draw(&t, kept_hz, of_hz);
		r = close_ranks(&t);
		if (r == 0)
			r = thin_times(&t);
	}
	free(t.rows);
	free(t.moved);
	return r;
}
