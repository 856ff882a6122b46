// SPDX-License-Identifier: MIT
#include "runtime/jit_code.h"

#include <errno.h>
#include <stdlib.h>

/* Hostile tables have endless overlapping functions: no address is worth looking at more of them. */
enum { LOOK_BACK_MAX = 4096 };

int jit_codes_init(struct jit_codes *c)
{
	*c = (struct jit_codes){ 0 };
	if (strings_init(&c->strings) == 0 && vec_push(&c->rows, (struct jit_code){ 0 }))
		return 0;
	jit_codes_deinit(c);
	return -ENOMEM;
}

void jit_codes_deinit(struct jit_codes *c)
{
	vec_free(&c->rows);
	vec_free(&c->lines);
	vec_free(&c->last_end);
	strings_deinit(&c->strings);
}

string_id jit_codes_name(struct jit_codes *c, const char *name, size_t length_bytes)
{
	if (length_bytes > JIT_NAME_MAX_BYTES)
		length_bytes = JIT_NAME_MAX_BYTES;
	if (c->strings.arena.total_bytes > JIT_NAMES_MAX_BYTES) {
		c->full = true;
		return (string_id){ 0 };
	}
	return strings_intern_bytes(&c->strings, name, length_bytes);
}

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_codes(const void *x, const void *y)
{
	const struct jit_code *a = x, *b = y;
	int r = compare_u64(a->start, b->start);
	return r ? r : compare_u64(a->order, b->order);
}

/* A table that is written anew says again what is known. @return true if `b` adds nothing to `a` */
static bool says_the_same(const struct jit_code *a, const struct jit_code *b)
{
	return a->start == b->start && a->end == b->end && a->name.v == b->name.v && !b->line_count;
}

static bool sort(struct jit_codes *c)
{
	size_t kept = 1;
	if (c->sorted)
		return true;
	if (!vec_reserve(&c->last_end, c->rows.count))
		return false;
	qsort(c->rows.at + 1, c->rows.count - 1, sizeof(c->rows.at[0]), compare_codes);
	for (size_t i = 1; i < c->rows.count; i++)
		if (i == 1 || !says_the_same(&c->rows.at[kept - 1], &c->rows.at[i]))
			c->rows.at[kept++] = c->rows.at[i];
	c->rows.count = kept;
	uint64_t last = 0;
	for (size_t i = 0; i < kept; i++) {
		last = c->rows.at[i].end > last ? c->rows.at[i].end : last;
		c->last_end.at[i] = last;
	}
	c->sorted = true;
	return true;
}

int jit_codes_add(struct jit_codes *c, const struct jit_code *code)
{
	if (code->start >= code->end || !code->name.v)
		return 0;
	if (c->rows.count > JIT_CODES_MAX && !sort(c))
		return -ENOMEM;
	if (c->rows.count > JIT_CODES_MAX) {
		c->full = true;
		return 0;
	}
	struct jit_code row = *code;
	row.order = c->announced++;
	c->sorted = false;
	return vec_push(&c->rows, row) ? 0 : -ENOMEM;
}

/* @return how many rows begin at or before pc, row 0 counted */
static size_t begun(const struct jit_codes *c, uint64_t pc)
{
	size_t low = 1, high = c->rows.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (c->rows.at[middle].start <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Goes backward over the rows that hold pc. @param at begun(), then the last one. @return false at the end */
static bool next_holding(const struct jit_codes *c, uint64_t pc, size_t *at, size_t *looks)
{
	while (*at > 1 && c->last_end.at[*at - 1] > pc && ++*looks < LOOK_BACK_MAX) {
		--*at;
		if (c->rows.at[*at].end > pc)
			return true;
	}
	return false;
}

static bool is_later(const struct jit_code *a, const struct jit_code *b)
{
	int r = compare_u64(a->since_ns, b->since_ns);
	return r > 0 || (r == 0 && a->order > b->order);
}

const struct jit_code *jit_codes_at(struct jit_codes *c, uint64_t pc, uint64_t time_ns)
{
	const struct jit_code *last = NULL, *first = NULL;
	if (!sort(c))
		return NULL;
	size_t at = begun(c, pc), looks = 0;
	while (next_holding(c, pc, &at, &looks)) {
		const struct jit_code *code = &c->rows.at[at];
		if (code->since_ns <= time_ns && (!last || is_later(code, last)))
			last = code;
		if (!first || code->since_ns < first->since_ns)
			first = code;
	}
	return last ? last : first;
}

uint64_t jit_codes_next(struct jit_codes *c, uint64_t pc, uint64_t time_ns)
{
	uint64_t next = UINT64_MAX;
	if (!sort(c))
		return next;
	size_t at = begun(c, pc), looks = 0;
	while (next_holding(c, pc, &at, &looks))
		if (c->rows.at[at].since_ns > time_ns && c->rows.at[at].since_ns < next)
			next = c->rows.at[at].since_ns;
	return next;
}

const struct jit_line *jit_codes_line(const struct jit_codes *c, const struct jit_code *code,
				      uint64_t pc)
{
	const struct jit_line *best = NULL;
	pc = pc - code->start + code->lines_start;
	for (uint32_t i = 0; i < code->line_count && i < LOOK_BACK_MAX; i++) {
		const struct jit_line *line = &c->lines.at[code->first_line + i];
		if (line->start <= pc && (!best || line->start >= best->start))
			best = line;
	}
	return best;
}
