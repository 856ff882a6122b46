// SPDX-License-Identifier: MIT
#include "unwind/row_builder.h"

#include <stddef.h>
#include <string.h>

enum { RULE_MAX = UINT16_MAX };

/*
 * All but the CFA's offsets. Words are read as they were written, 32 bits at a time: a wider read of what was
 * written just now waits until that has left the store buffer, which took a quarter of the time.
 */
static inline uint32_t head_of(const struct unwind_rule *rule)
{
	uint32_t head;
	_Static_assert(offsetof(struct unwind_rule, cfa_off) == sizeof(head), "");
	memcpy(&head, rule, sizeof(head));
	return head;
}

static inline uint64_t hash_rule(const struct unwind_rule *rule)
{
	uint64_t off = (uint32_t)rule->cfa_off, add = (uint32_t)rule->cfa_add;
	return (head_of(rule) ^ off << 32 ^ add << 20) * UINT64_C(0x9e3779b97f4a7c15);
}

static inline bool same_rule(const struct unwind_rule *a, const struct unwind_rule *b)
{
	return a->cfa_off == b->cfa_off && head_of(a) == head_of(b) && a->cfa_add == b->cfa_add;
}

static bool new_rule(struct row_builder *b, const struct unwind_rule *rule, uint64_t hash,
		     uint16_t *out)
{
	*out = (uint16_t)b->rules.count;
	return vec_push(&b->rules, *rule) &&
	       index_add(&b->rule_index, hash, (uint32_t)b->rules.count);
}

static bool find_rule(struct row_builder *b, const struct unwind_rule *rule, uint64_t hash,
		      uint16_t *out)
{
	uint32_t row;
	for (struct index_probe p = index_find(&b->rule_index, hash);
	     (row = index_next(&b->rule_index, &p));) {
		if (same_rule(&b->rules.at[row - 1], rule)) {
			*out = (uint16_t)(row - 1);
			return true;
		}
	}
	/* No real object comes near (764 was the most seen); the interpreter does the rest. */
	static const struct unwind_rule slow = { .cfa_kind = CFA_SLOW };
	if (b->rules.count >= RULE_MAX - 1 && !same_rule(rule, &slow))
		return find_rule(b, &slow, hash_rule(&slow), out);
	return new_rule(b, rule, hash, out);
}

static bool rule_number(struct row_builder *b, const struct unwind_rule *rule, uint16_t *out)
{
	uint64_t hash = hash_rule(rule);
	uint16_t *recent = &b->recent[hash >> 56];
	if (*recent < b->rules.count && same_rule(&b->rules.at[*recent], rule)) {
		*out = *recent;
		return true;
	}
	if (!find_rule(b, rule, hash ^ hash >> 32, out))
		return false;
	*recent = *out;
	return true;
}

static bool begin_pages(struct row_builder *b, uint32_t up_to)
{
	while (b->pages.count <= up_to) {
		if (!vec_push(&b->pages, (uint32_t)b->rows.count))
			return false;
	}
	return true;
}

bool row_builder_add(struct row_builder *b, uint32_t at, const struct unwind_rule *rule)
{
	uint16_t number;
	if (!rule_number(b, rule, &number))
		return false;
	if (b->rows.count && b->rows.at[b->rows.count - 1].rule == number)
		return true;
	struct unwind_row row = { .low = at & (UNWIND_PAGE_BYTES - 1), .rule = number };
	uint32_t page = at >> UNWIND_PAGE_SHIFT;
	if (page >= b->pages.count && !begin_pages(b, page))
		return false;
	return vec_push(&b->rows, row);
}

bool row_builder_finish(struct row_builder *b, uint32_t span_bytes)
{
	return begin_pages(b, (span_bytes >> UNWIND_PAGE_SHIFT) + 1);
}

void row_builder_deinit(struct row_builder *b)
{
	vec_free(&b->rows);
	vec_free(&b->pages);
	vec_free(&b->rules);
	index_deinit(&b->rule_index);
}
