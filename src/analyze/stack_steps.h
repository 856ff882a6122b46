/* SPDX-License-Identifier: MIT */
#ifndef ANALYZE_STACK_STEPS_H
#define ANALYZE_STACK_STEPS_H

#include "analyze/calltree.h"
#include "base/vec.h"

/*
 * How samples go from node to node of a call tree: from the outermost function inwards along the
 * stack trie, or, inverted, from each sample's innermost function outwards. A step leads into a
 * node; stack_steps_from() gives the steps that leave it.
 */

enum { STEP_THREAD = UINT32_MAX }; /* as `stack`: the node is that of a thread's name */

struct step {
	uint32_t stack; /* the stack whose top frame the node shows */
	uint32_t
		line; /* which of the frame's lines, innermost is 0; a name's number for a thread */
	uint32_t sample;    /* inverted: whose step it is */
	uint64_t count, ns; /* what takes it: samples, CPU time */
};

struct step_list {
	VEC(struct step) all;
};

struct stack_steps {
	const struct profile *profile;
	const struct calltree_options *options;
	/* Names at level 1, numbered. */
	struct strings names;
	uint32_t *name_of_thread;
	uint32_t *samples, *first_sample; /* sorted by name; by name, with an end */
	/* Of the samples whose subtree is being walked, by stack: */
	uint64_t *self, *self_ns, *count, *ns;
	bool *touched;
	VEC(uint32_t) order; /* stacks with samples, parents first */
	uint32_t *first_child, *next_sibling;
};

/** @param options borrowed. @return 0 or -ENOMEM */
int stack_steps_init(struct stack_steps *s, const struct profile *p,
		     const struct calltree_options *options, struct error *err);
void stack_steps_deinit(struct stack_steps *s);

/** The steps that leave the root, and what ends there. @return false without memory */
bool stack_steps_root(struct stack_steps *s, struct step_list *out, struct step *self);

/**
 * The steps that leave the node that `step` leads into; appends to `out`, and adds to `self` what
 * ends in the node. Steps into one thread's subtree are to be followed before the next thread is
 * entered.
 * @return false without memory
 */
bool stack_steps_from(struct stack_steps *s, const struct step *step, struct step_list *out,
		      struct step *self);

static inline const char *stack_steps_name(const struct stack_steps *s, uint32_t number)
{
	return strings_text(&s->names, (string_id){ number });
}

#endif
