// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "base/map.h"
#include "profile/sources.h"

struct cost {
	struct source_line_id at;
	uint64_t self, total;
};

struct costs {
	struct map64 index; /* (file, line) to row + 1 */
	VEC(struct cost) rows;
};

static bool add_cost(struct costs *c, struct source_line_id at, uint64_t self, uint64_t total)
{
	uint64_t key = (uint64_t)at.file.v << 32 | at.line;
	uint32_t row = map64_get(&c->index, key);
	if (!row) {
		if (!vec_push(&c->rows, (struct cost){ .at = at }))
			return false;
		row = (uint32_t)c->rows.count;
		if (!map64_put(&c->index, key, row))
			return false;
	}
	c->rows.at[row - 1].self += self;
	c->rows.at[row - 1].total += total;
	return true;
}

/* Recursion counts more than once in a total: good enough to choose by. */
static bool add_frame(struct costs *c, const struct profile *p, const struct profile_frame *f,
		      uint64_t self, uint64_t total)
{
	for (uint32_t k = 0; k < f->line_count; k++) {
		const struct profile_line *line = &p->lines[f->first_line + k];
		struct source_line_id at = { p->functions[line->function.v].file, line->line };
		if (at.file.v && at.line && total && !add_cost(c, at, k ? 0 : self, total))
			return false;
	}
	return true;
}

static int by_cost(const void *a, const void *b)
{
	const struct cost *x = a, *y = b;
	if (x->self != y->self)
		return x->self < y->self ? 1 : -1;
	if (x->total != y->total)
		return x->total < y->total ? 1 : -1;
	if (x->at.file.v != y->at.file.v)
		return x->at.file.v < y->at.file.v ? -1 : 1;
	return x->at.line < y->at.line ? -1 : x->at.line > y->at.line;
}

/* Without memory it finds fewer. */
size_t profile_hot_lines(const struct profile *p, struct source_line_id *out, size_t most)
{
	struct costs c = { 0 };
	size_t n = 0;
	uint64_t *self = calloc(p->stack_count + 1, sizeof(*self));
	uint64_t *total = calloc(p->stack_count + 1, sizeof(*total));
	bool ok = self && total;
	for (size_t i = 0; ok && i < p->sample_count; i++)
		self[p->samples[i].stack.v] += p->samples[i].count;
	for (size_t i = p->stack_count; ok && i-- > 1;) {
		total[i] += self[i];
		total[p->stack_parent[i].v] += total[i];
		ok = add_frame(&c, p, &p->frames[p->stack_frame[i].v], self[i], total[i]);
	}
	if (c.rows.count > 1)
		qsort(c.rows.at, c.rows.count, sizeof(*c.rows.at), by_cost);
	for (; n < c.rows.count && n < most; n++)
		out[n] = c.rows.at[n].at;
	map64_deinit(&c.index);
	vec_free(&c.rows);
	free(self);
	free(total);
	return n;
}
