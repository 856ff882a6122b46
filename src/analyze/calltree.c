// SPDX-License-Identifier: MIT
#include "analyze/calltree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/calltree_sort.h"
#include "analyze/line_votes.h"
#include "base/map.h"
#include "base/vec.h"

enum {
	NOT_YET = UINT32_MAX,
	ROOT_DEPTH = 0,
};

/* What a node is looked up by below its parent. */
struct node_key {
	string_id name, module; /* in the tree's strings */
	enum node_kind kind;
};

struct grower {
	const struct profile *profile;
	const struct calltree_options *options;
	struct strings *strings;
	VEC(struct calltree_node) nodes;
	struct row_index children; /* hash of (parent, name, module) to node */
	uint32_t *strings_of; /* profile's string_id to the tree's; NOT_YET */
	enum node_kind *kind_of_module;
	struct line_votes votes;
	/* Of the group of samples with one thread node: */
	uint32_t *node_of; /* by stack_id: node of its innermost function; NOT_YET */
	uint64_t *count; /* by stack_id */
	VEC(uint32_t) touched; /* stacks with a node, parents first */
	VEC(uint32_t) path; /* scratch */
};

static string_id tree_string(struct grower *g, string_id id)
{
	uint32_t *known = &g->strings_of[id.v];
	if (*known == NOT_YET)
		*known = strings_intern(g->strings, profile_string(g->profile, id)).v;
	return (string_id){ *known };
}

static enum node_kind kind_of_path(const struct profile *p, uint32_t module)
{
	const char *path = profile_string(p, p->modules[module].path);
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	if (module <= 1)
		return NODE_USER;
	const char *so = strstr(name, ".so");
	bool shared = so && (!so[3] || so[3] == '.' || so[3] == '-' || so[3] == ' ');
	return shared || strstr(name, ".node") || name[0] == '[' ? NODE_LIBRARY : NODE_USER;
}

static enum node_kind kind_of_frame(const struct grower *g, const struct profile_frame *frame,
				    bool unnamed)
{
	switch (frame->kind) {
	case FRAME_KERNEL: return NODE_KERNEL;
	case FRAME_JIT: return NODE_JIT;
	case FRAME_TRUNCATED: return NODE_TRUNCATED;
	case FRAME_USER: break;
	}
	return unnamed ? NODE_UNNAMED : g->kind_of_module[frame->module.v];
}

/* @return the node, or 0 without memory (the root is nobody's child) */
static uint32_t child(struct grower *g, uint32_t parent, struct node_key key)
{
	uint64_t hash = hash_u64(((uint64_t)parent << 32 | key.name.v) ^ hash_u64(key.module.v));
	uint32_t found;
	for (struct index_probe p = index_find(&g->children, hash);
	     (found = index_next(&g->children, &p));) {
		const struct calltree_node *n = &g->nodes.at[found];
		if (n->parent == parent && n->name.v == key.name.v && n->module.v == key.module.v)
			return found;
	}
	struct calltree_node fresh = { .parent = parent,
				       .depth = g->nodes.at[parent].depth + 1,
				       .name = key.name,
				       .module = key.module,
				       .kind = key.kind };
	found = (uint32_t)g->nodes.count;
	if (found == NOT_YET || !vec_push(&g->nodes, fresh) ||
	    !index_add(&g->children, hash, found))
		return 0;
	return found;
}

/* A frame that nobody named is called by its address. */
static string_id address_name(struct grower *g, const struct profile_frame *frame)
{
	const char *path = profile_string(g->profile, g->profile->modules[frame->module.v].path);
	const char *slash = strrchr(path, '/');
	char name[512];
	if (frame->kind == FRAME_TRUNCATED)
		return strings_intern(g->strings, "[truncated]");
	if (!*path)
		return strings_intern(g->strings, "[anon]");
	snprintf(name, sizeof(name), "[%.400s+0x%llx]", slash ? slash + 1 : path,
		 (unsigned long long)frame->vaddr);
	return strings_intern(g->strings, name);
}

static uint32_t child_of_line(struct grower *g, uint32_t parent, const struct profile_frame *frame,
			      uint32_t k)
{
	const struct profile *p = g->profile;
	const struct profile_function *f =
		k < frame->line_count ?
			&p->functions[p->lines[frame->first_line + k].function.v] :
			&p->functions[0];
	bool nameless = !f->name.v;
	struct node_key key = {
		.name = nameless ? address_name(g, frame) : tree_string(g, f->name),
		.module = tree_string(g, p->modules[frame->module.v].path),
		.kind = kind_of_frame(g, frame, f->unnamed || nameless),
	};
	size_t before = g->nodes.count;
	uint32_t found = child(g, parent, key);
	if (!found)
		return 0;
	struct calltree_node *n = &g->nodes.at[found];
	bool inlined = k + 1 < frame->line_count;
	n->inlined = g->nodes.count > before ? inlined : n->inlined && inlined;
	if (!n->file.v)
		n->file = tree_string(g, f->file);
	return found;
}

/* Appends the functions of a stack's top frame: outermost first. */
static uint32_t nodes_of_frame(struct grower *g, uint32_t parent, uint32_t stack)
{
	const struct profile_frame *frame = &g->profile->frames[g->profile->stack_frame[stack].v];
	if (!frame->line_count)
		return child_of_line(g, parent, frame, 0);
	for (uint32_t k = frame->line_count; k-- > 0;) {
		parent = child_of_line(g, parent, frame, k);
		if (!parent)
			return 0;
	}
	return parent;
}

/* Makes nodes for a stack and all stacks below it. @return false without memory */
static bool place_stack(struct grower *g, uint32_t stack)
{
	const struct profile *p = g->profile;
	g->path.count = 0;
	for (; g->node_of[stack] == NOT_YET; stack = p->stack_parent[stack].v)
		if (!vec_push(&g->path, stack))
			return false;
	while (g->path.count) {
		uint32_t next = g->path.at[--g->path.count];
		uint32_t node = nodes_of_frame(g, g->node_of[p->stack_parent[next].v], next);
		if (!node || !vec_push(&g->touched, next))
			return false;
		g->node_of[next] = node;
	}
	return true;
}

static bool vote_for_lines(struct grower *g, uint32_t stack)
{
	const struct profile *p = g->profile;
	const struct profile_frame *frame = &p->frames[p->stack_frame[stack].v];
	uint32_t node = g->node_of[stack];
	for (uint32_t k = 0; k < frame->line_count; k++) {
		uint32_t line = p->lines[frame->first_line + k].line;
		if (!line_votes_add(&g->votes, node, line, 0, g->count[stack]))
			return false;
		node = g->nodes.at[node].parent;
	}
	return true;
}

static bool finish_group(struct grower *g)
{
	bool ok = true;
	for (size_t i = g->touched.count; i-- > 0;) {
		uint32_t stack = g->touched.at[i];
		ok = ok && vote_for_lines(g, stack);
		g->count[g->profile->stack_parent[stack].v] += g->count[stack];
		g->count[stack] = 0;
		g->node_of[stack] = NOT_YET;
	}
	g->count[0] = 0;
	g->touched.count = 0;
	return ok;
}

static void charge(struct grower *g, uint32_t node, const struct profile_sample *s)
{
	g->nodes.at[node].self += s->count;
	g->nodes.at[node].self_ns += s->cpu_ns;
}

/* @return the thread's node at `parent`, or 0 without memory */
static uint32_t thread_node(struct grower *g, uint32_t parent, thread_id thread)
{
	const struct profile_thread *t = &g->profile->threads[thread.v];
	struct node_key key = { .kind = NODE_THREAD };
	const char *comm = profile_string(g->profile, t->comm);
	if (g->options->threads) {
		char name[256];
		snprintf(name, sizeof(name), "%.200s-%u", comm, t->tid);
		key.name = strings_intern(g->strings, name);
	} else {
		key.name = *comm ? tree_string(g, t->comm) : strings_intern(g->strings, "[no name]");
	}
	return child(g, parent, key);
}

struct group {
	uint32_t sample, node;
};

static int by_node(const void *a, const void *b)
{
	const struct group *x = a, *y = b;
	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	return x->sample < y->sample ? -1 : x->sample > y->sample;
}

/* Sorts samples by their node at level 1, so that a stack's node need only be kept for one of them. */
static bool group_samples(struct grower *g, struct group *groups)
{
	const struct profile *p = g->profile;
	bool sorted = true;
	for (size_t i = 0; i < p->sample_count; i++) {
		uint32_t node = g->options->no_comm ? 0 : thread_node(g, 0, p->samples[i].thread);
		if (!node && !g->options->no_comm)
			return false;
		groups[i] = (struct group){ .sample = (uint32_t)i, .node = node };
		sorted = sorted && (!i || groups[i - 1].node <= node);
	}
	if (!sorted)
		qsort(groups, p->sample_count, sizeof(*groups), by_node);
	return true;
}

static bool grow_from_root(struct grower *g)
{
	const struct profile *p = g->profile;
	struct group *groups = calloc(p->sample_count + 1, sizeof(*groups));
	bool ok = groups && group_samples(g, groups);
	for (size_t i = 0; ok && i < p->sample_count; i++) {
		const struct profile_sample *s = &p->samples[groups[i].sample];
		if (i && groups[i].node != groups[i - 1].node)
			ok = finish_group(g);
		g->node_of[0] = groups[i].node;
		if (!ok || !place_stack(g, s->stack.v)) {
			ok = false;
			break;
		}
		g->count[s->stack.v] += s->count;
		charge(g, g->node_of[s->stack.v], s);
	}
	ok = ok && finish_group(g);
	free(groups);
	return ok;
}

static bool grow_inverted(struct grower *g)
{
	const struct profile *p = g->profile;
	for (size_t i = 0; i < p->sample_count; i++) {
		const struct profile_sample *s = &p->samples[i];
		uint32_t node = 0;
		for (uint32_t stack = s->stack.v; stack; stack = p->stack_parent[stack].v) {
			const struct profile_frame *frame = &p->frames[p->stack_frame[stack].v];
			for (uint32_t k = 0; k < frame->line_count || !k; k++) {
				node = child_of_line(g, node, frame, k);
				uint32_t line = k < frame->line_count ?
							p->lines[frame->first_line + k].line :
							0;
				if (!node || !line_votes_add(&g->votes, node, line, 0, s->count))
					return false;
			}
		}
		if (!g->options->no_comm && !(node = thread_node(g, node, s->thread)))
			return false;
		charge(g, node, s);
	}
	return true;
}

static void sum_totals(struct grower *g)
{
	for (size_t i = g->nodes.count; i-- > 0;) {
		struct calltree_node *n = &g->nodes.at[i];
		n->total += n->self;
		n->total_ns += n->self_ns;
		if (!i)
			break;
		g->nodes.at[n->parent].total += n->total;
		g->nodes.at[n->parent].total_ns += n->total_ns;
	}
}

static bool choose_lines(struct grower *g)
{
	struct line_vote *best = calloc(g->nodes.count, sizeof(*best));
	if (!best)
		return false;
	for (size_t i = 0; i < g->votes.votes.count; i++) {
		const struct line_vote *v = &g->votes.votes.at[i];
		if (!best[v->row].line || line_vote_beats(v, &best[v->row]))
			best[v->row] = *v;
	}
	for (size_t i = 0; i < g->nodes.count; i++)
		g->nodes.at[i].line = best[i].line;
	free(best);
	return true;
}

static bool grower_init(struct grower *g)
{
	const struct profile *p = g->profile;
	size_t stacks = p->stack_count ? p->stack_count : 1;
	g->strings_of = malloc((p->strings.count + 1) * sizeof(*g->strings_of));
	g->kind_of_module = calloc(p->module_count + 1, sizeof(*g->kind_of_module));
	g->node_of = malloc(stacks * sizeof(*g->node_of));
	g->count = calloc(stacks, sizeof(*g->count));
	if (!g->strings_of || !g->kind_of_module || !g->node_of || !g->count)
		return false;
	memset(g->strings_of, 0xff, (p->strings.count + 1) * sizeof(*g->strings_of));
	memset(g->node_of, 0xff, stacks * sizeof(*g->node_of));
	for (uint32_t i = 0; i < p->module_count; i++)
		g->kind_of_module[i] = kind_of_path(p, i);
	struct calltree_node root = { .name = strings_intern(g->strings, "all"),
				      .depth = ROOT_DEPTH,
				      .kind = NODE_ROOT };
	return vec_push(&g->nodes, root);
}

static void grower_deinit(struct grower *g)
{
	free(g->strings_of);
	free(g->kind_of_module);
	free(g->node_of);
	free(g->count);
	vec_free(&g->nodes);
	vec_free(&g->touched);
	vec_free(&g->path);
	index_deinit(&g->children);
	line_votes_deinit(&g->votes);
}

int calltree_build(const struct profile *p, const struct calltree_options *options,
		   struct calltree **out, struct error *err)
{
	struct calltree *t = calloc(1, sizeof(*t));
	struct grower g = { .profile = p, .options = options, .strings = t ? &t->strings : NULL };
	bool ok = t && strings_init(&t->strings) == 0 && grower_init(&g) &&
		  (options->inverted ? grow_inverted(&g) : grow_from_root(&g)) && choose_lines(&g);
	if (ok) {
		sum_totals(&g);
		ok = calltree_sort(&t->strings, g.nodes.at, g.nodes.count, &t->nodes);
		t->count = g.nodes.count;
		for (size_t i = 0; i < g.nodes.count; i++)
			if (g.nodes.at[i].depth > t->max_depth)
				t->max_depth = g.nodes.at[i].depth;
	}
	grower_deinit(&g);
	if (!ok) {
		calltree_destroy(t);
		return fail(err, -ENOMEM, "out of memory");
	}
	*out = t;
	return 0;
}

void calltree_destroy(struct calltree *t)
{
	if (!t)
		return;
	strings_deinit(&t->strings);
	free(t->nodes);
	free(t);
}
