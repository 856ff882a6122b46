// SPDX-License-Identifier: MIT
#include "analyze/hotspots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/identity.h"
#include "analyze/line_votes.h"
#include "analyze/stack_order.h"

struct tally {
	const struct profile *profile;
	struct stack_order order;
	struct identities ids;
	struct line_votes votes;
	uint64_t *frame_self, *frame_total; /* samples by frame, for the votes */
	struct hotspot *hot;                /* by identity */
	uint32_t *covered_until;            /* by identity; see stack_order.h */
};

static void tally_stack(struct tally *t, uint32_t stack, frame_id frame)
{
	const struct stack_order *o = &t->order;
	uint32_t innermost = identity_of(&t->ids, frame, 0);
	t->hot[innermost].self += o->self[stack];
	t->hot[innermost].self_ns += o->self_ns[stack];
	t->frame_self[frame.v] += o->self[stack];
	t->frame_total[frame.v] += o->count[stack];
	for (uint32_t k = identity_lines(&t->ids, frame); k-- > 0;) {
		uint32_t id = identity_of(&t->ids, frame, k);
		if (o->begin[stack] < t->covered_until[id])
			continue;
		t->hot[id].total += o->count[stack];
		t->hot[id].total_ns += o->ns[stack];
		t->covered_until[id] = o->end[stack];
	}
}

static void tally_stacks(struct tally *t)
{
	const struct profile *p = t->profile;
	for (size_t i = 1; i < t->order.stack_count; i++) {
		uint32_t stack = t->order.at[i];
		frame_id frame = p->stack_frame[stack];
		if (p->frames[frame.v].kind != FRAME_TRUNCATED && t->order.count[stack])
			tally_stack(t, stack, frame);
	}
}

/* Only the innermost function of a frame has the frame's own samples. */
static bool vote_for_lines(struct tally *t)
{
	for (uint32_t i = 0; i < t->profile->frame_count; i++) {
		frame_id frame = { i };
		for (uint32_t k = 0; t->frame_total[i] && k < identity_lines(&t->ids, frame); k++)
			if (!line_votes_add(&t->votes, identity_of(&t->ids, frame, k),
					    identity_source_line(&t->ids, frame, k),
					    k ? 0 : t->frame_self[i], t->frame_total[i]))
				return false;
	}
	return true;
}

static bool choose_lines(struct tally *t)
{
	struct line_vote *best = calloc(t->ids.count + 1, sizeof(*best));
	if (!best || !vote_for_lines(t)) {
		free(best);
		return false;
	}
	for (size_t i = 0; i < t->votes.votes.count; i++) {
		const struct line_vote *v = &t->votes.votes.at[i];
		if (!best[v->row].line || line_vote_beats(v, &best[v->row]))
			best[v->row] = *v;
	}
	for (size_t i = 0; i < t->ids.count; i++)
		t->hot[i].line = best[i].line;
	free(best);
	return true;
}

/* Keeps the functions that samples lie in. */
static size_t pick_functions(struct tally *t, uint64_t samples)
{
	size_t kept = 0;
	for (size_t i = 0; i < t->ids.count; i++) {
		const struct identity *id = &t->ids.at[i];
		struct hotspot h = t->hot[i];
		if (!h.total)
			continue;
		h.function = id->name;
		h.module = id->module;
		h.file = id->file;
		h.unnamed = id->unnamed;
		h.kind = t->profile->frames[id->frame.v].kind;
		h.self_share = interval_wilson(h.self, samples);
		h.total_share = interval_wilson(h.total, samples);
		t->hot[kept++] = h;
	}
	return kept;
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

static int tally_init(struct tally *t, struct error *err)
{
	int r = stack_order_init(&t->order, t->profile, err);
	if (!r)
		r = identities_init(&t->ids, t->profile, true, err);
	if (r)
		return r;
	t->frame_self = calloc(t->profile->frame_count + 1, sizeof(*t->frame_self));
	t->frame_total = calloc(t->profile->frame_count + 1, sizeof(*t->frame_total));
	t->hot = calloc(t->ids.count + 1, sizeof(*t->hot));
	t->covered_until = calloc(t->ids.count + 1, sizeof(*t->covered_until));
	if (!t->frame_self || !t->frame_total || !t->hot || !t->covered_until)
		return fail(err, -ENOMEM, "out of memory");
	return 0;
}

static void tally_deinit(struct tally *t)
{
	stack_order_deinit(&t->order);
	identities_deinit(&t->ids);
	line_votes_deinit(&t->votes);
	free(t->frame_self);
	free(t->frame_total);
	free(t->hot);
	free(t->covered_until);
}

int hotspots_build(const struct profile *p, struct hotspots *out, struct error *err)
{
	struct tally t = { .profile = p };
	int r = tally_init(&t, err);
	if (!r) {
		tally_stacks(&t);
		if (!choose_lines(&t))
			r = fail(err, -ENOMEM, "out of memory");
	}
	if (!r) {
		uint64_t samples = profile_total_count(p);
		size_t count = pick_functions(&t, samples);
		qsort_r(t.hot, count, sizeof(*t.hot), by_cost, (void *)p);
		*out = (struct hotspots){ .at = t.hot, .count = count, .samples = samples };
		t.hot = NULL;
	}
	tally_deinit(&t);
	return r;
}

void hotspots_deinit(struct hotspots *h)
{
	free(h->at);
	*h = (struct hotspots){ 0 };
}
