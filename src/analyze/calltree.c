// SPDX-License-Identifier: MIT
#include "analyze/calltree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/identity.h"
#include "analyze/stack_steps.h"
#include "base/vec.h"

enum { NO_STRING = UINT32_MAX };

/* A node that waits to be made, with the steps that lead into it. */
struct waiting {
	uint32_t parent;
	uint32_t identity; /* a name's number where `is_thread` */
	bool is_thread;
	uint32_t step_count;
	size_t first_step; /* in `steps_waiting` */
	uint64_t total;
	const char *name, *module; /* for the order */
};

struct vote {
	uint32_t line;
	uint64_t samples;
};

struct grower {
	const struct profile *profile;
	const struct calltree_options *options;
	struct strings *strings;
	struct identities ids;
	struct stack_steps stacks;
	VEC(struct calltree_node) nodes;
	VEC(struct waiting) agenda;     /* the last is made next */
	struct step_list steps_waiting; /* those of the agenda, in its order */
	struct step_list leaving;       /* scratch: the steps that leave the node being made */
	VEC(struct waiting) children;   /* scratch: where they lead */
	VEC(struct vote) votes;         /* scratch */
	uint32_t *slot_of; /* by identity, then by name: number in children + 1, if that agrees */
	uint32_t *name_of, *module_of; /* by identity: in the tree's strings; NO_STRING */
	enum node_kind *kind_of_module;
};

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

static enum node_kind kind_of(const struct grower *g, const struct identity *id)
{
	const struct profile_frame *frame = &g->profile->frames[id->frame.v];
	switch (frame->kind) {
	case FRAME_KERNEL: return NODE_KERNEL;
	case FRAME_JIT: return NODE_JIT;
	case FRAME_TRUNCATED: return NODE_TRUNCATED;
	case FRAME_USER: break;
	}
	return id->unnamed ? NODE_UNNAMED : g->kind_of_module[frame->module.v];
}

/* A frame that nobody named is called by its address. */
static string_id address_name(struct grower *g, const struct identity *id)
{
	const struct profile_frame *frame = &g->profile->frames[id->frame.v];
	const char *path = profile_string(g->profile, id->module), *slash = strrchr(path, '/');
	char name[512];
	if (frame->kind == FRAME_TRUNCATED)
		return strings_intern(g->strings, "[truncated]");
	if (!*path)
		return strings_intern(g->strings, "[anon]");
	snprintf(name, sizeof(name), "[%.400s+0x%llx]", slash ? slash + 1 : path,
		 (unsigned long long)frame->vaddr);
	return strings_intern(g->strings, name);
}

static void name_identity(struct grower *g, uint32_t identity)
{
	const struct identity *id = &g->ids.at[identity];
	if (g->name_of[identity] != NO_STRING)
		return;
	g->name_of[identity] =
		(id->name.v ? strings_intern(g->strings, profile_string(g->profile, id->name))
			    : address_name(g, id))
			.v;
	g->module_of[identity] =
		strings_intern(g->strings, profile_string(g->profile, id->module)).v;
}

/* ---- The children of a node ---- */

static uint32_t *slot(struct grower *g, const struct step *s)
{
	if (s->stack == STEP_THREAD)
		return &g->slot_of[g->ids.count + s->line];
	return &g->slot_of[identity_of(&g->ids, g->profile->stack_frame[s->stack], s->line)];
}

static struct waiting new_child(const struct grower *g, uint32_t parent, const struct step *s)
{
	if (s->stack == STEP_THREAD)
		return (struct waiting){ .parent = parent, .identity = s->line, .is_thread = true };
	return (struct waiting){
		.parent = parent,
		.identity = identity_of(&g->ids, g->profile->stack_frame[s->stack], s->line),
	};
}

/* Finds out where the leaving steps lead. @return false without memory */
static bool find_children(struct grower *g, uint32_t parent)
{
	g->children.count = 0;
	for (size_t i = 0; i < g->leaving.all.count; i++) {
		const struct step *s = &g->leaving.all.at[i];
		struct waiting fresh = new_child(g, parent, s), *c;
		uint32_t *number = slot(g, s);
		c = *number && *number <= g->children.count ? &g->children.at[*number - 1] : NULL;
		if (!c || c->identity != fresh.identity || c->is_thread != fresh.is_thread) {
			if (!vec_push(&g->children, fresh))
				return false;
			*number = (uint32_t)g->children.count;
			c = &g->children.at[*number - 1];
		}
		c->step_count++;
		c->total += s->count;
	}
	return true;
}

static void name_child(struct grower *g, struct waiting *c)
{
	if (c->is_thread) {
		c->name = stack_steps_name(&g->stacks, c->identity);
		c->module = "";
		return;
	}
	name_identity(g, c->identity);
	c->name = strings_text(g->strings, (string_id){ g->name_of[c->identity] });
	c->module = strings_text(g->strings, (string_id){ g->module_of[c->identity] });
}

/* The last in order comes first, since the agenda is taken from its end. */
static int by_name_backwards(const void *a, const void *b)
{
	const struct waiting *x = a, *y = b;
	int order = strcmp(y->name, x->name);
	if (!order)
		order = strcmp(y->module, x->module);
	return order ? order : (x->identity < y->identity) - (x->identity > y->identity);
}

/* Drops the thin children into their parent's remainder, and sorts the others. */
static void choose_children(struct grower *g, uint32_t parent)
{
	size_t kept = 0;
	for (size_t i = 0; i < g->children.count; i++) {
		struct waiting *c = &g->children.at[i];
		if (c->total < g->options->least) {
			g->nodes.at[parent].thin++;
			g->nodes.at[parent].thin_samples += c->total;
			continue;
		}
		name_child(g, c);
		g->children.at[kept++] = *c;
	}
	g->children.count = kept;
	if (kept > 1)
		qsort(g->children.at, kept, sizeof(*g->children.at), by_name_backwards);
}

/* @return the kept child that a step leads to, or NULL */
static struct waiting *kept_child(struct grower *g, const struct step *s)
{
	uint32_t number = *slot(g, s);
	struct waiting *c =
		number && number <= g->children.count ? &g->children.at[number - 1] : NULL;
	struct waiting key = new_child(g, 0, s);
	return c && c->identity == key.identity && c->is_thread == key.is_thread ? c : NULL;
}

/* Puts the children on the agenda, each with its steps. @return false without memory */
static bool enqueue_children(struct grower *g)
{
	struct step_list *waiting = &g->steps_waiting;
	size_t place = waiting->all.count;
	if (!vec_reserve(&waiting->all, place + g->leaving.all.count))
		return false;
	for (size_t i = 0; i < g->children.count; i++) {
		struct waiting *c = &g->children.at[i];
		uint32_t id = c->identity;
		g->slot_of[c->is_thread ? g->ids.count + id : id] = (uint32_t)i + 1;
		c->first_step = place;
		place += c->step_count;
		c->step_count = 0;
	}
	for (size_t i = 0; i < g->leaving.all.count; i++) {
		struct waiting *c = kept_child(g, &g->leaving.all.at[i]);
		if (c)
			waiting->all.at[c->first_step + c->step_count++] = g->leaving.all.at[i];
	}
	waiting->all.count = place;
	for (size_t i = 0; i < g->children.count; i++)
		if (!vec_push(&g->agenda, g->children.at[i]))
			return false;
	return true;
}

static bool make_children(struct grower *g, uint32_t parent)
{
	if (!find_children(g, parent))
		return false;
	choose_children(g, parent);
	return enqueue_children(g);
}

/* ---- One node ---- */

static int by_line(const void *a, const void *b)
{
	const struct vote *x = a, *y = b;
	return x->line < y->line ? -1 : x->line > y->line;
}

/* The source line that most samples of the node are on. @return false without memory */
static bool vote_for_line(struct grower *g, uint32_t node, const struct step *steps, size_t count)
{
	uint64_t most = 0;
	g->votes.count = 0;
	for (size_t i = 0; i < count; i++) {
		uint32_t line = identity_source_line(
			&g->ids, g->profile->stack_frame[steps[i].stack], steps[i].line);
		if (line && !vec_push(&g->votes, (struct vote){ line, steps[i].count }))
			return false;
	}
	if (g->votes.count > 1)
		qsort(g->votes.at, g->votes.count, sizeof(*g->votes.at), by_line);
	for (size_t i = 0; i < g->votes.count;) {
		uint64_t samples = 0;
		uint32_t line = g->votes.at[i].line;
		for (; i < g->votes.count && g->votes.at[i].line == line; i++)
			samples += g->votes.at[i].samples;
		if (samples > most) {
			most = samples;
			g->nodes.at[node].line = line;
		}
	}
	return true;
}

static bool every_step_is_inlined(const struct grower *g, const struct step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		frame_id frame = g->profile->stack_frame[steps[i].stack];
		if (steps[i].line + 1 >= g->profile->frames[frame.v].line_count)
			return false;
	}
	return true;
}

static bool describe_node(struct grower *g, uint32_t node, const struct waiting *w)
{
	struct calltree_node *n = &g->nodes.at[node];
	const struct step *steps = g->steps_waiting.all.at + w->first_step;
	if (w->is_thread) {
		n->name = strings_intern(g->strings, w->name);
		n->kind = NODE_THREAD;
		return true;
	}
	const struct identity *id = &g->ids.at[w->identity];
	n->name.v = g->name_of[w->identity];
	n->module.v = g->module_of[w->identity];
	n->file = strings_intern(g->strings, profile_string(g->profile, id->file));
	n->kind = kind_of(g, id);
	n->inlined = every_step_is_inlined(g, steps, w->step_count);
	return vote_for_line(g, node, steps, w->step_count);
}

/* Makes a node of the last on the agenda and puts its children there. @return false without memory
 */
static bool make_next(struct grower *g)
{
	struct waiting w = g->agenda.at[--g->agenda.count];
	uint32_t node = (uint32_t)g->nodes.count;
	struct calltree_node fresh = { .parent = w.parent,
				       .depth = g->nodes.at[w.parent].depth + 1,
				       .total = w.total };
	if (node == UINT32_MAX || !vec_push(&g->nodes, fresh) || !describe_node(g, node, &w))
		return false;
	struct step self = { 0 };
	g->leaving.all.count = 0;
	for (size_t i = w.first_step; i < w.first_step + w.step_count; i++) {
		g->nodes.at[node].total_ns += g->steps_waiting.all.at[i].ns;
		if (!stack_steps_from(&g->stacks, &g->steps_waiting.all.at[i], &g->leaving, &self))
			return false;
	}
	g->nodes.at[node].self = self.count;
	g->nodes.at[node].self_ns = self.ns;
	g->steps_waiting.all.count = w.first_step;
	return make_children(g, node);
}

static bool make_root(struct grower *g)
{
	struct step self = { 0 };
	struct calltree_node root = { .name = strings_intern(g->strings, "all"),
				      .kind = NODE_ROOT,
				      .total = profile_total_count(g->profile),
				      .total_ns = profile_total_cpu_ns(g->profile) };
	if (!stack_steps_root(&g->stacks, &g->leaving, &self))
		return false;
	root.self = self.count;
	root.self_ns = self.ns;
	return vec_push(&g->nodes, root) && make_children(g, 0);
}

/* ---- The tree ---- */

static int grower_init(struct grower *g, struct error *err)
{
	const struct profile *p = g->profile;
	int r = identities_init(&g->ids, p, false, err);
	if (!r)
		r = stack_steps_init(&g->stacks, p, g->options, err);
	if (r)
		return r;
	size_t ids = g->ids.count + 1;
	g->slot_of = calloc(ids + g->stacks.names.count, sizeof(*g->slot_of));
	g->name_of = malloc(ids * sizeof(*g->name_of));
	g->module_of = calloc(ids, sizeof(*g->module_of));
	g->kind_of_module = calloc(p->module_count + 1, sizeof(*g->kind_of_module));
	if (!g->slot_of || !g->name_of || !g->module_of || !g->kind_of_module)
		return fail(err, -ENOMEM, "out of memory");
	memset(g->name_of, 0xff, ids * sizeof(*g->name_of));
	for (uint32_t i = 0; i < p->module_count; i++)
		g->kind_of_module[i] = kind_of_path(p, i);
	return 0;
}

static void grower_deinit(struct grower *g)
{
	identities_deinit(&g->ids);
	stack_steps_deinit(&g->stacks);
	vec_free(&g->nodes);
	vec_free(&g->agenda);
	vec_free(&g->steps_waiting.all);
	vec_free(&g->leaving.all);
	vec_free(&g->children);
	vec_free(&g->votes);
	free(g->slot_of);
	free(g->name_of);
	free(g->module_of);
	free(g->kind_of_module);
}

int calltree_build(const struct profile *p, const struct calltree_options *options,
		   struct calltree **out, struct error *err)
{
	struct calltree *t = calloc(1, sizeof(*t));
	struct grower g = { .profile = p, .options = options, .strings = t ? &t->strings : NULL };
	bool ok = t && !strings_init(&t->strings) && !grower_init(&g, err) && make_root(&g);
	while (ok && g.agenda.count)
		ok = make_next(&g);
	if (ok) {
		t->nodes = g.nodes.at;
		t->count = g.nodes.count;
		g.nodes.at = NULL;
		for (size_t i = 0; i < t->count; i++)
			if (t->nodes[i].depth > t->max_depth)
				t->max_depth = t->nodes[i].depth;
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
