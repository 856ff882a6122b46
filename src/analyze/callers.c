// SPDX-License-Identifier: MIT
#include "analyze/callers.h"

#include <stdlib.h>
#include <string.h>

/* The function that calls a stack's innermost function, recursion skipped; 0 if there is none. */
static string_id caller_of(const struct profile *p, stack_id stack, string_id callee)
{
	for (uint32_t s = stack.v; s; s = p->stack_parent[s].v) {
		const struct profile_frame *frame = &p->frames[p->stack_frame[s].v];
		if (frame->kind == FRAME_TRUNCATED)
			break;
		for (uint32_t k = 0; k < frame->line_count; k++) {
			function_id f = p->lines[frame->first_line + k].function;
			if (p->functions[f.v].name.v != callee.v)
				return p->functions[f.v].name;
		}
	}
	return (string_id){ 0 };
}

static bool ends_in(const struct profile *p, stack_id stack, const struct hotspot *h)
{
	const struct profile_frame *frame = &p->frames[p->stack_frame[stack.v].v];
	if (!stack.v || !frame->line_count)
		return false;
	const struct profile_function *f = &p->functions[p->lines[frame->first_line].function.v];
	return f->name.v == h->function.v && f->file.v == h->file.v &&
	       p->modules[frame->module.v].path.v == h->module.v;
}

static int by_samples(const void *a, const void *b, void *profile)
{
	const struct caller *x = a, *y = b;
	const struct profile *p = profile;
	if (x->samples != y->samples)
		return x->samples < y->samples ? 1 : -1;
	return strcmp(profile_string(p, x->function), profile_string(p, y->function));
}

size_t callers_of(const struct profile *p, const struct hotspot *h, struct caller *out, size_t most)
{
	struct caller *all = calloc(p->strings.count + 1, sizeof(*all)); /* by name */
	size_t count = 0;
	for (size_t i = 0; all && i < p->sample_count; i++) {
		if (!ends_in(p, p->samples[i].stack, h))
			continue;
		string_id caller = caller_of(p, p->samples[i].stack, h->function);
		all[caller.v].function = caller;
		all[caller.v].samples += p->samples[i].count;
	}
	for (size_t i = 0; all && i < p->strings.count; i++)
		if (all[i].samples)
			all[count++] = all[i];
	if (count > 1)
		qsort_r(all, count, sizeof(*all), by_samples, (void *)p);
	count = count < most ? count : most;
	if (count)
		memcpy(out, all, count * sizeof(*out));
	free(all);
	return count;
}
