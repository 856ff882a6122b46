/* SPDX-License-Identifier: MIT */
#ifndef ANALYZE_CALLTREE_H
#define ANALYZE_CALLTREE_H

#include "profile/profile.h"

/*
 * Stacks merged by function: what flame graphs draw and collapsed stacks print. Nodes are columns,
 * parents before children; node 0 is the root, "all". Level 1 is the thread's name.
 */

struct calltree_options {
	bool threads;   /* `comm-TID` at level 1, not `comm` */
	bool no_comm;   /* leave level 1 out (foreign files have no thread names) */
	bool inverted;  /* merge from the leaf (bottom-up) */
	uint64_t least; /* nodes of fewer samples are left out and summed in `thin_samples` */
};

enum node_kind {
	NODE_ROOT,
	NODE_THREAD,
	NODE_USER, /* the profiled program's own binary */
	NODE_LIBRARY,
	NODE_KERNEL,
	NODE_JIT,
	NODE_UNNAMED, /* known module, no symbol */
	NODE_TRUNCATED,
};

struct calltree_node {
	uint32_t parent;
	uint32_t depth;
	string_id name;   /* in calltree.strings */
	string_id module; /* path; "" for none */
	string_id file;
	uint32_t line; /* where most of its samples are; 0 if unknown */
	enum node_kind kind;
	bool inlined;
	uint64_t self, total; /* samples */
	uint64_t self_ns, total_ns;
	uint32_t thin; /* children left out, and their samples: */
	uint64_t thin_samples;
};

struct calltree {
	struct strings strings;
	struct calltree_node *nodes;
	size_t count;
	uint32_t max_depth;
};

/** Siblings come out sorted by name, parents before children, depth first. @return 0 or -ENOMEM */
int calltree_build(const struct profile *p, const struct calltree_options *options,
		   struct calltree **out, struct error *err);
void calltree_destroy(struct calltree *t);

#endif
