// SPDX-License-Identifier: MIT
#include "analyze/stack_order.h"

#include <errno.h>
#include <stdlib.h>

static void sum_samples(struct stack_order *o, const struct profile *p)
{
	for (size_t i = 0; i < p->sample_count; i++) {
		const struct profile_sample *s = &p->samples[i];
		o->self[s->stack.v] += s->count;
		o->self_ns[s->stack.v] += s->cpu_ns;
	}
	for (size_t i = 0; i < o->stack_count; i++) {
		o->count[i] = o->self[i];
		o->ns[i] = o->self_ns[i];
	}
	for (size_t i = o->stack_count; i-- > 1;) {
		o->count[p->stack_parent[i].v] += o->count[i];
		o->ns[p->stack_parent[i].v] += o->ns[i];
	}
}

/* `end` holds the size of the subtree first, then the next free position inside it, at last the
 * end. */
static void number_stacks(struct stack_order *o, const struct profile *p)
{
	for (size_t i = 0; i < o->stack_count; i++)
		o->end[i] = 1;
	for (size_t i = o->stack_count; i-- > 1;)
		o->end[p->stack_parent[i].v] += o->end[i];
	for (size_t i = 0; i < o->stack_count; i++) {
		uint32_t size = o->end[i], *next_free = &o->end[p->stack_parent[i].v];
		o->begin[i] = i ? *next_free : 0;
		if (i)
			*next_free += size;
		o->end[i] = o->begin[i] + 1;
		o->at[o->begin[i]] = (uint32_t)i;
	}
}

int stack_order_init(struct stack_order *o, const struct profile *p, struct error *err)
{
	size_t n = p->stack_count ? p->stack_count : 1;
	*o = (struct stack_order){ .stack_count = p->stack_count };
	uint64_t **wide[] = { &o->self, &o->self_ns, &o->count, &o->ns };
	uint32_t **narrow[] = { &o->begin, &o->end, &o->at };
	bool failed = false;
	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
		failed |= !(*wide[i] = calloc(n, sizeof(**wide[i])));
	for (size_t i = 0; i < sizeof(narrow) / sizeof(narrow[0]); i++)
		failed |= !(*narrow[i] = calloc(n, sizeof(**narrow[i])));
	if (failed) {
		stack_order_deinit(o);
		return fail(err, -ENOMEM, "out of memory");
	}
	sum_samples(o, p);
	number_stacks(o, p);
	return 0;
}

void stack_order_deinit(struct stack_order *o)
{
	free(o->self);
	free(o->self_ns);
	free(o->count);
	free(o->ns);
	free(o->begin);
	free(o->end);
	free(o->at);
	*o = (struct stack_order){ 0 };
}
