// SPDX-License-Identifier: MIT
#include "symbol/ranges.h"

bool ranges_add(struct ranges *r, uint64_t start, uint64_t end, uint32_t row)
{
	if (start >= end || r->pending.count >= UINT32_MAX)
		return true;
	uint32_t order = (uint32_t)r->pending.count;
	return vec_push(&r->pending, (struct range){ start, end, row, order });
}

/* Outer ranges before the inner ones that they hold. */
static int compare_ranges(const void *left, const void *right)
{
	const struct range *a = left, *b = right;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->end != b->end)
		return a->end > b->end ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

static bool add_edge(struct ranges *r, uint64_t start, uint32_t row)
{
	if (r->edges.count && r->edges.at[r->edges.count - 1].start == start) {
		r->edges.at[r->edges.count - 1].row = row;
		return true;
	}
	if (r->edges.count && r->edges.at[r->edges.count - 1].row == row)
		return true;
	return vec_push(&r->edges, (struct range_edge){ start, row });
}

/* The open ranges are a stack in the front of `pending`: an element is read before it is
 * overwritten. */
static bool close_until(struct ranges *r, size_t *depth, uint64_t address)
{
	struct range *open = r->pending.at;
	while (*depth && open[*depth - 1].end <= address) {
		uint64_t end = open[*depth - 1].end;
		while (*depth && open[*depth - 1].end <= end)
			--*depth;
		if (!add_edge(r, end, *depth ? open[*depth - 1].row : 0))
			return false;
	}
	return true;
}

bool ranges_finish(struct ranges *r)
{
	size_t depth = 0;
	if (r->pending.count)
		qsort(r->pending.at, r->pending.count, sizeof(*r->pending.at), compare_ranges);
	for (size_t i = 0; i < r->pending.count; i++) {
		struct range next = r->pending.at[i];
		if (!close_until(r, &depth, next.start) || !add_edge(r, next.start, next.row))
			return false;
		r->pending.at[depth++] = next;
	}
	if (!close_until(r, &depth, UINT64_MAX))
		return false;
	vec_free(&r->pending);
	return true;
}

uint32_t ranges_find(const struct ranges *r, uint64_t address)
{
	size_t low = 0, high = r->edges.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (r->edges.at[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? r->edges.at[low - 1].row : 0;
}

void ranges_deinit(struct ranges *r)
{
	vec_free(&r->pending);
	vec_free(&r->edges);
}
