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
	bool deep = depth >= SVG_MAX_DEPTH;
	p->out->has_remainder |= !deep;
	return place(p, (struct svg_frame){.node = n->node,
	                                   .depth = depth,
	                                   .hidden = n->hidden,
	                                   .deep = deep,
	                                   .x = n->next_x,
	                                   .width = n->hidden_samples});
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
	struct svg_frame frame = {.node = node, .depth = n->depth, .x = x, .width = n->total};
	return place(p, frame) &&
	       vec_push(&p->open, (struct open_node){.node = node,
	                                             .next_x = x,
	                                             .hidden = n->thin,
	                                             .hidden_samples = n->thin_samples});
}

static bool place_all(struct placing *p, uint64_t least)
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
		if (t->nodes[i].total < least || t->nodes[i].depth >= SVG_MAX_DEPTH) {
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

bool svg_layout_build(const struct calltree *t, uint64_t least, struct svg_layout *out)
{
	struct placing p = {.tree = t, .out = out};
	*out = (struct svg_layout){.total = t->nodes[0].total};
	bool ok = place_all(&p, least);
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
static unsigned bucket_of(uint64_t samples)
{
	unsigned log = 63 - (unsigned)__builtin_clzll(samples | 1);
	return log < 3 ? (unsigned)samples : log * 8 - 16 + (unsigned)(samples >> (log - 3) & 7);
}

static uint64_t bucket_start(unsigned bucket)
{
	if (bucket < 8)
		return bucket;
	unsigned log = (bucket + 16) / 8;
	return (UINT64_C(1) << log) + ((uint64_t)(bucket & 7) << (log - 3));
}

uint64_t svg_layout_least(const struct calltree *t, size_t most)
{
	enum { BUCKETS = 62 * 8 };
	size_t nodes[BUCKETS] = {0}, drawn = 0;
	for (size_t i = 0; i < t->count; i++)
		nodes[bucket_of(t->nodes[i].total)]++;
	unsigned bucket = BUCKETS;
	while (bucket > 0 && drawn + nodes[bucket - 1] <= most)
		drawn += nodes[--bucket];
	if (bucket <= 1)
		return 1;
	return bucket < BUCKETS ? bucket_start(bucket) : UINT64_MAX;
}
