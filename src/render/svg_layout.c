// SPDX-License-Identifier: MIT
#include "render/svg_layout.h"

/* State of each drawn node while its children are placed. */
struct open_node {
	uint32_t node;
	uint64_t next_x, hidden_samples;
	uint32_t hidden;
};

struct placing {
	const struct calltree *tree;
	struct svg_limits limits;
	struct svg_layout *out;
	VEC(struct open_node) open; /* the path from the root */
};

static bool place(struct placing *p, struct svg_frame frame)
{
	if (frame.depth > p->out->max_depth)
		p->out->max_depth = frame.depth;
	return vec_push(&p->out->frames, frame);
}

static bool close_node(struct placing *p)
{
	const struct open_node *n = &p->open.at[--p->open.count];
	if (!n->hidden)
		return true;
	uint32_t depth = p->tree->nodes[n->node].depth + 1;
	bool deep = depth >= p->limits.depth;
	p->out->has_remainder |= !deep;
	return place(p, (struct svg_frame){ .node = n->node,
					    .depth = depth,
					    .hidden = n->hidden,
					    .deep = deep,
					    .x = n->next_x,
					    .width = n->hidden_samples });
}

static bool open_node(struct placing *p, uint32_t node)
{
	const struct calltree_node *n = &p->tree->nodes[node];
	uint64_t x = 0;
	if (p->open.count) {
		struct open_node *parent = &p->open.at[p->open.count - 1];
		x = parent->next_x;
		parent->next_x += n->total;
	}
	struct svg_frame frame = { .node = node, .depth = n->depth, .x = x, .width = n->total };
	return place(p, frame) &&
	       vec_push(&p->open, (struct open_node){ .node = node,
						      .next_x = x,
						      .hidden = n->thin,
						      .hidden_samples = n->thin_samples });
}

static bool is_kept(const struct calltree_node *n, struct svg_limits limits)
{
	return n->total >= limits.least && n->depth < limits.depth;
}

static bool place_all(struct placing *p)
{
	const struct calltree *t = p->tree;
	if (!open_node(p, 0))
		return false;
	for (uint32_t i = 1; i < t->count; i++) {
		while (p->open.at[p->open.count - 1].node > t->nodes[i].parent)
			if (!close_node(p))
				return false;
		struct open_node *parent = &p->open.at[p->open.count - 1];
		if (parent->node != t->nodes[i].parent || !t->nodes[i].total)
			continue; /* below a thin node, in whose sum it is */
		if (!is_kept(&t->nodes[i], p->limits)) {
			parent->hidden++;
			parent->hidden_samples += t->nodes[i].total;
		} else if (!open_node(p, i)) {
			return false;
		}
	}
	while (p->open.count)
		if (!close_node(p))
			return false;
	return true;
}

bool svg_layout_build(const struct calltree *t, struct svg_limits limits, struct svg_layout *out)
{
	struct placing p = { .tree = t, .limits = limits, .out = out };
	*out = (struct svg_layout){ .total = t->nodes[0].total };
	bool ok = place_all(&p);
	vec_free(&p.open);
	if (!ok)
		svg_layout_deinit(out);
	return ok;
}

void svg_layout_deinit(struct svg_layout *l)
{
	vec_free(&l->frames);
}

/* Buckets of sample counts: eight for each power of two, so that one pass sorts well enough. */
enum { BUCKETS = 62 * 8 };

static unsigned bucket_of(uint64_t samples)
{
	unsigned log = 63 - (unsigned)__builtin_clzll(samples | 1);
	return log < 3 ? (unsigned)samples : log * 8 - 16 + (unsigned)(samples >> (log - 3) & 7);
}

static uint64_t bucket_start(unsigned bucket)
{
	if (bucket < 8)
		return bucket;
	if (bucket >= BUCKETS)
		return UINT64_MAX;
	unsigned log = (bucket + 16) / 8;
	return (UINT64_C(1) << log) + ((uint64_t)(bucket & 7) << (log - 3));
}

/* The depth above which no more than `most` nodes have `least` samples. */
static uint32_t depth_that_fits(const struct calltree *t, uint64_t least, size_t most)
{
	size_t nodes[SVG_MAX_DEPTH] = { 0 }, drawn = 0;
	uint32_t depth = 0;
	for (size_t i = 0; i < t->count; i++)
		if (t->nodes[i].total >= least && t->nodes[i].depth < SVG_MAX_DEPTH)
			nodes[t->nodes[i].depth]++;
	while (depth < SVG_MAX_DEPTH && drawn + nodes[depth] <= most)
		drawn += nodes[depth++];
	return depth;
}

struct svg_limits svg_layout_limits(const struct calltree *t, size_t most)
{
	size_t nodes[BUCKETS] = { 0 }, drawn = 0;
	unsigned bucket = BUCKETS;
	for (size_t i = 0; i < t->count; i++)
		if (t->nodes[i].depth < SVG_MAX_DEPTH)
			nodes[bucket_of(t->nodes[i].total)]++;
	while (bucket > 0 && drawn + nodes[bucket - 1] <= most)
		drawn += nodes[--bucket];
	/* Deep recursion gives many nodes one width: then what is higher up is left out. */
	bool by_depth = bucket > 0 && drawn < most / 2;
	uint64_t least = bucket_start(by_depth ? bucket - 1 : bucket);
	struct svg_limits limits = { .least = least ? least : 1, .depth = SVG_MAX_DEPTH };
	if (by_depth)
		limits.depth = depth_that_fits(t, limits.least, most);
	return limits;
}
