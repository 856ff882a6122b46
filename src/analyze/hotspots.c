// SPDX-License-Identifier: MIT
#include "analyze/hotspots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/line_votes.h"
#include "analyze/stack_order.h"
#include "base/map.h"
#include "base/vec.h"

struct tally {
	const struct profile *profile;
	struct stack_order order;
	struct line_votes votes;
	struct map64 by_ids; /* (function, module) to hotspot + 1 */
	struct row_index by_name; /* hash of name, module, file to hotspot + 1 */
	VEC(struct hotspot) hot;
	VEC(uint32_t) covered_until; /* beside `hot`; see stack_order.h */
};

static uint32_t tally_find(struct tally *t, function_id function, const struct profile_frame *frame)
{
	uint64_t ids = (uint64_t)function.v << 32 | frame->module.v;
	uint32_t found = map64_get(&t->by_ids, ids);
	if (found)
		return found;
	const struct profile_function *f = &t->profile->functions[function.v];
	string_id module = t->profile->modules[frame->module.v].path;
	uint64_t hash = hash_u64(((uint64_t)f->name.v << 32 | module.v) ^ hash_u64(f->file.v));
	for (struct index_probe p = index_find(&t->by_name, hash);
	     (found = index_next(&t->by_name, &p));) {
		const struct hotspot *h = &t->hot.at[found - 1];
		if (h->function.v == f->name.v && h->module.v == module.v && h->file.v == f->file.v)
			return map64_put(&t->by_ids, ids, found) ? found : 0;
	}
	struct hotspot fresh = { .function = f->name,
				 .module = module,
				 .file = f->file,
				 .kind = frame->kind,
				 .unnamed = f->unnamed };
	if (!vec_push(&t->hot, fresh) || !vec_push(&t->covered_until, 0))
		return 0;
	found = (uint32_t)t->hot.count;
	bool stored = index_add(&t->by_name, hash, found) && map64_put(&t->by_ids, ids, found);
	return stored ? found : 0;
}

static bool tally_line(struct tally *t, uint32_t stack, const struct profile_frame *frame,
		       uint32_t depth_in_frame)
{
	const struct stack_order *o = &t->order;
	const struct profile_line *line = &t->profile->lines[frame->first_line + depth_in_frame];
	uint32_t found = tally_find(t, line->function, frame);
	if (!found)
		return false;
	struct hotspot *h = &t->hot.at[found - 1];
	uint32_t *covered_until = &t->covered_until.at[found - 1];
	uint64_t self = 0;
	if (depth_in_frame == 0) {
		self = o->self[stack];
		h->self += self;
		h->self_ns += o->self_ns[stack];
	}
	if (o->begin[stack] >= *covered_until) {
		h->total += o->count[stack];
		h->total_ns += o->ns[stack];
		*covered_until = o->end[stack];
	}
	return line_votes_add(&t->votes, found - 1, line->line, self, o->count[stack]);
}

static bool tally_all(struct tally *t)
{
	for (size_t i = 1; i < t->order.stack_count; i++) {
		uint32_t stack = t->order.at[i];
		const struct profile_frame *frame =
			&t->profile->frames[t->profile->stack_frame[stack].v];
		if (frame->kind == FRAME_TRUNCATED || !t->order.count[stack])
			continue;
		for (uint32_t k = frame->line_count; k-- > 0;)
			if (!tally_line(t, stack, frame, k))
				return false;
	}
	return true;
}

static bool choose_lines(struct tally *t)
{
	if (!t->hot.count)
		return true;
	struct line_vote *best = calloc(t->hot.count, sizeof(*best));
	if (!best)
		return false;
	for (size_t i = 0; i < t->votes.votes.count; i++) {
		const struct line_vote *v = &t->votes.votes.at[i];
		if (!best[v->row].line || line_vote_beats(v, &best[v->row]))
			best[v->row] = *v;
	}
	for (size_t i = 0; i < t->hot.count; i++)
		t->hot.at[i].line = best[i].line;
	free(best);
	return true;
}

static int by_cost(const void *a, const void *b, void *profile)
{
	const struct hotspot *x = a, *y = b;
	const struct profile *p = profile;
	if (x->self != y->self)
		return x->self < y->self ? 1 : -1;
	if (x->total != y->total)
		return x->total < y->total ? 1 : -1;
	int order = strcmp(profile_string(p, x->function), profile_string(p, y->function));
	if (!order)
		order = strcmp(profile_string(p, x->module), profile_string(p, y->module));
	return order ? order : strcmp(profile_string(p, x->file), profile_string(p, y->file));
}

static void tally_deinit(struct tally *t)
{
	stack_order_deinit(&t->order);
	line_votes_deinit(&t->votes);
	map64_deinit(&t->by_ids);
	index_deinit(&t->by_name);
	vec_free(&t->hot);
	vec_free(&t->covered_until);
}

int hotspots_build(const struct profile *p, struct hotspots *out, struct error *err)
{
	struct tally t = { .profile = p };
	int r = stack_order_init(&t.order, p, err);
	if (!r && (!tally_all(&t) || !choose_lines(&t)))
		r = fail(err, -ENOMEM, "out of memory");
	if (r) {
		tally_deinit(&t);
		return r;
	}
	uint64_t samples = profile_total_count(p);
	for (size_t i = 0; i < t.hot.count; i++) {
		struct hotspot *h = &t.hot.at[i];
		h->self_share = interval_wilson(h->self, samples);
		h->total_share = interval_wilson(h->total, samples);
	}
	if (t.hot.count)
		qsort_r(t.hot.at, t.hot.count, sizeof(*t.hot.at), by_cost, (void *)p);
	*out = (struct hotspots){ .at = t.hot.at, .count = t.hot.count, .samples = samples };
	t.hot.at = NULL;
	tally_deinit(&t);
	return 0;
}

void hotspots_deinit(struct hotspots *h)
{
	free(h->at);
	*h = (struct hotspots){ 0 };
}
