// SPDX-License-Identifier: MIT
#include "analyze/calltree_sort.h"

#include <stdlib.h>
#include <string.h>

struct order {
	uint32_t *rank; /* of each string among all, bytewise */
	uint32_t *at; /* nodes sorted by (name, module) */
	uint32_t *first_child, *next_sibling; /* 0: none */
	uint32_t *new_number;
};

static int by_text(const void *a, const void *b, void *strings)
{
	string_id x = { *(const uint32_t *)a }, y = { *(const uint32_t *)b };
	return strcmp(strings_text(strings, x), strings_text(strings, y));
}

static bool rank_strings(const struct strings *strings, uint32_t *rank)
{
	uint32_t *sorted = calloc(strings->count + 1, sizeof(*sorted));
	if (!sorted)
		return false;
	for (uint32_t i = 0; i < strings->count; i++)
		sorted[i] = i;
	qsort_r(sorted, strings->count, sizeof(*sorted), by_text, (void *)strings);
	for (uint32_t i = 0; i < strings->count; i++)
		rank[sorted[i]] = i;
	free(sorted);
	return true;
}

struct keyed {
	uint64_t key;
	uint32_t node;
};

static int by_key(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->node < y->node ? -1 : x->node > y->node;
}

static bool sort_nodes(struct order *o, const struct calltree_node *nodes, size_t count)
{
	struct keyed *keyed = calloc(count, sizeof(*keyed));
	if (!keyed)
		return false;
	for (uint32_t i = 0; i < count; i++)
		keyed[i] = (struct keyed){
			.key = (uint64_t)o->rank[nodes[i].name.v] << 32 | o->rank[nodes[i].module.v],
			.node = i,
		};
	qsort(keyed, count, sizeof(*keyed), by_key);
	for (size_t i = 0; i < count; i++)
		o->at[i] = keyed[i].node;
	free(keyed);
	return true;
}

static void link_children(struct order *o, const struct calltree_node *nodes, size_t count)
{
	for (size_t i = count; i-- > 0;) {
		uint32_t node = o->at[i];
		if (!node)
			continue;
		uint32_t parent = nodes[node].parent;
		o->next_sibling[node] = o->first_child[parent];
		o->first_child[parent] = node;
	}
}

static void copy_depth_first(struct order *o, const struct calltree_node *nodes,
			     struct calltree_node *out)
{
	uint32_t node = 0, position = 0;
	for (;;) {
		out[position] = nodes[node];
		out[position].parent = o->new_number[nodes[node].parent];
		o->new_number[node] = position++;
		if (o->first_child[node]) {
			node = o->first_child[node];
			continue;
		}
		while (node && !o->next_sibling[node])
			node = nodes[node].parent;
		if (!node)
			return;
		node = o->next_sibling[node];
	}
}

bool calltree_sort(const struct strings *strings, const struct calltree_node *nodes, size_t count,
		   struct calltree_node **out)
{
	struct order o = {
		.rank = calloc(strings->count + 1, sizeof(uint32_t)),
		.at = calloc(count, sizeof(uint32_t)),
		.first_child = calloc(count, sizeof(uint32_t)),
		.next_sibling = calloc(count, sizeof(uint32_t)),
		.new_number = calloc(count, sizeof(uint32_t)),
	};
	struct calltree_node *sorted = calloc(count, sizeof(*sorted));
	bool ok = o.rank && o.at && o.first_child && o.next_sibling && o.new_number && sorted &&
		  rank_strings(strings, o.rank) && sort_nodes(&o, nodes, count);
	if (ok) {
		link_children(&o, nodes, count);
		copy_depth_first(&o, nodes, sorted);
		*out = sorted;
		sorted = NULL;
	}
	free(o.rank);
	free(o.at);
	free(o.first_child);
	free(o.next_sibling);
	free(o.new_number);
	free(sorted);
	return ok;
}
