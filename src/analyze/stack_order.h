/* SPDX-License-Identifier: MIT */
#ifndef ANALYZE_STACK_ORDER_H
#define ANALYZE_STACK_ORDER_H

#include "profile/profile.h"

/**
 * The stack trie put in depth-first order, with the samples below each stack. Columns by stack_id
 * but for `at`. Stack `b` lies on or above stack `a` exactly if begin[a] <= begin[b] < end[a], so
 * that "is this function further out already?" is one comparison while walking `at`:
 *
 *	if (begin[row] >= covered_until[function]) {
 *		total[function] += count[row];
 *		covered_until[function] = end[row];
 *	}
 */
struct stack_order {
	uint64_t *self, *self_ns; /* samples and CPU time that end in the stack */
	uint64_t *count, *ns;     /* that pass through it */
	uint32_t *begin, *end;
	uint32_t *at; /* stack by position */
	size_t stack_count;
};

/** @return 0 or -ENOMEM */
int stack_order_init(struct stack_order *o, const struct profile *p, struct error *err);
void stack_order_deinit(struct stack_order *o);

#endif
