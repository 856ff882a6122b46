// SPDX-License-Identifier: MIT
#include "profile/time_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "profile/protobuf.h"

static const uint64_t cell_most_ns = (uint64_t)PROFILE_TIME_CELL_NS << 32; /* two years */

size_t varint_bytes(uint64_t value)
{
	size_t n = 1;
	while (value >>= 7)
		n++;
	return n;
}

size_t time_entry_bytes(uint64_t step, uint32_t sample)
{
	return varint_bytes(step) + varint_bytes(sample);
}

uint64_t time_cell_after(uint64_t cell_ns)
{
	if (!cell_ns)
		return PROFILE_TIME_CELL_NS;
	return cell_ns < cell_most_ns ? 2 * cell_ns : 0;
}

static void put_entry(struct time_log *t, uint64_t time, uint32_t row, uint32_t count)
{
	int64_t step = (int64_t)(time - t->last);
	protobuf_put_varint(&t->bytes, (uint64_t)step << 1 ^ (uint64_t)(step >> 63));
	protobuf_put_varint(&t->bytes, (uint64_t)row << 1 | (count != 1));
	if (count != 1)
		protobuf_put_varint(&t->bytes, count);
	if (count != 1 && !t->counted) { /* the entries before it get a count too */
		t->counted = true;
		t->capture_bytes += t->count;
	}
	t->capture_bytes += time_entry_bytes(step < 0 ? 0 : (uint64_t)step, row ? row - 1 : 0);
	t->capture_bytes += t->counted ? varint_bytes(count) : 0;
	t->count++;
	t->last = time;
}

struct time_log_reader time_log_read(const struct time_log *t)
{
	return (struct time_log_reader){ t, cursor_of(t->bytes.text, t->bytes.length), 0 };
}

/* Times stay in cells. */
static bool next_entry(struct time_log_reader *r, struct profile_time *out)
{
	if (!cursor_left(&r->at))
		return false;
	uint64_t step = cursor_uleb(&r->at), row = cursor_uleb(&r->at);
	r->last += step >> 1 ^ -(step & 1);
	*out = (struct profile_time){ .time_ns = r->last, .sample = (uint32_t)(row >> 1) };
	out->count = row & 1 ? (uint32_t)cursor_uleb(&r->at) : 1;
	return true;
}

bool time_log_next(struct time_log_reader *r, struct profile_time *out)
{
	if (!next_entry(r, out))
		return false;
	if (r->log->cell_ns)
		out->time_ns *= r->log->cell_ns;
	return true;
}

static int compare_rows(const void *x, const void *y)
{
	const struct profile_time *a = x, *b = y;
	return (a->sample > b->sample) - (a->sample < b->sample);
}

struct cell { /* entries of one cell */
	VEC(struct profile_time) entries;
};

/* Adds up what one cell has of each row. */
static void put_cell(struct time_log *t, struct cell *cell)
{
	struct profile_time *e = cell->entries.at;
	size_t count = cell->entries.count, kept = 0;
	if (count)
		qsort(e, count, sizeof(*e), compare_rows);
	for (size_t i = 0; i < count; i++) {
		if (kept && e[kept - 1].sample == e[i].sample &&
		    e[i].count <= UINT32_MAX - e[kept - 1].count)
			e[kept - 1].count += e[i].count;
		else
			e[kept++] = e[i];
	}
	for (size_t i = 0; i < kept; i++)
		put_entry(t, e[i].time_ns, e[i].sample, e[i].count);
	cell->entries.count = 0;
}

static int pack(struct time_log *t, uint64_t cell_ns)
{
	struct time_log coarse = { .cell_ns = cell_ns, .budget_bytes = t->budget_bytes };
	struct time_log_reader r = time_log_read(t);
	struct profile_time e;
	struct cell cell = { { 0 } };
	bool ok = true;
	while (ok && time_log_next(&r, &e)) {
		e.time_ns /= cell_ns;
		if (cell.entries.count && cell.entries.at[0].time_ns != e.time_ns)
			put_cell(&coarse, &cell);
		ok = vec_push(&cell.entries, e);
	}
	put_cell(&coarse, &cell);
	vec_free(&cell.entries);
	if (!ok || coarse.bytes.failed) {
		time_log_deinit(&coarse);
		return -ENOMEM;
	}
	time_log_deinit(t);
	*t = coarse;
	return 0;
}

int time_log_coarsen(struct time_log *t, uint64_t cell_ns)
{
	return cell_ns > t->cell_ns ? pack(t, cell_ns) : 0;
}

/* A quarter of the budget is free then, so that this work is done seldom. */
static int shrink(struct time_log *t)
{
	/* What came since the last time is not added up yet. */
	int r = t->cell_ns ? pack(t, t->cell_ns) : 0;
	while (r == 0 && t->capture_bytes > t->budget_bytes / 4 * 3) {
		uint64_t cell_ns = time_cell_after(t->cell_ns);
		if (cell_ns) {
			r = pack(t, cell_ns);
		} else { /* more stacks than bytes: there is no room for times at all */
			time_log_deinit(t);
			*t = (struct time_log){ 0 };
		}
	}
	return r;
}

int time_log_add(struct time_log *t, uint64_t time_ns, uint32_t row, uint32_t count)
{
	if (!t->budget_bytes || !count)
		return 0;
	put_entry(t, t->cell_ns ? time_ns / t->cell_ns : time_ns, row, count);
	if (t->bytes.failed)
		return -ENOMEM;
	return t->capture_bytes > t->budget_bytes ? shrink(t) : 0;
}

void time_log_deinit(struct time_log *t)
{
	strbuf_deinit(&t->bytes);
}
