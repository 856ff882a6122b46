// SPDX-License-Identifier: MIT
#include "analyze/hotspots.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/stack_order.h"
#include "base/map.h"
#include "base/vec.h"

struct reason_count {
	uint32_t module;
	string_id reason;
	uint64_t samples;
};

struct survey {
	const struct profile *profile;
	struct stack_order order;
	struct module_quality *modules; /* by module_id */
	struct map64 index;             /* (module, reason) to reason + 1 */
	VEC(struct reason_count) reasons;
	uint64_t truncated;
};

static const struct profile_frame *stack_top(const struct profile *p, uint32_t stack)
{
	return &p->frames[p->stack_frame[stack].v];
}

static bool leaf_is_unnamed(const struct profile *p, const struct profile_frame *frame)
{
	if (frame->kind == FRAME_TRUNCATED)
		return false;
	return !frame->line_count || p->functions[p->lines[frame->first_line].function.v].unnamed;
}

/* JIT code and the marker of truncated stacks belong to no module: row 0 collects them. */
static int survey_stacks(struct survey *s, struct error *err)
{
	const struct profile *p = s->profile;
	const struct stack_order *o = &s->order;
	uint32_t *covered_until = calloc(p->module_count + 1, sizeof(*covered_until));
	if (!covered_until)
		return fail(err, -ENOMEM, "out of memory");
	for (size_t i = 1; i < o->stack_count; i++) {
		uint32_t stack = o->at[i];
		const struct profile_frame *frame = stack_top(p, stack);
		struct module_quality *m = &s->modules[frame->module.v];
		if (frame->kind == FRAME_TRUNCATED)
			continue;
		m->self += o->self[stack];
		if (leaf_is_unnamed(p, frame))
			m->unnamed += o->self[stack];
		if (o->begin[stack] >= covered_until[frame->module.v]) {
			m->samples += o->count[stack];
			covered_until[frame->module.v] = o->end[stack];
		}
	}
	free(covered_until);
	return 0;
}

/* Where a stack begins: a stack broke in the module of its outermost frame behind the marker. */
struct outermost {
	uint32_t module;
	bool marked, only_marker;
};

static struct outermost *outermost_of_stacks(const struct profile *p)
{
	struct outermost *o = calloc(p->stack_count + 1, sizeof(*o));
	if (!o)
		return NULL;
	o[0].only_marker = true;
	for (uint32_t i = 1; i < p->stack_count; i++) {
		const struct outermost *parent = &o[p->stack_parent[i].v];
		const struct profile_frame *frame = stack_top(p, i);
		bool marker = frame->kind == FRAME_TRUNCATED;
		o[i].marked = parent->marked || (marker && parent->only_marker);
		o[i].only_marker = marker && parent->only_marker;
		o[i].module = parent->only_marker ? frame->module.v : parent->module;
	}
	return o;
}

static bool count_reason(struct survey *s, uint32_t module, const struct profile_sample *sample)
{
	uint64_t key = (uint64_t)module << 32 | sample->truncated.v;
	uint32_t found = map64_get(&s->index, key);
	if (!found) {
		struct reason_count fresh = { .module = module, .reason = sample->truncated };
		if (!vec_push(&s->reasons, fresh))
			return false;
		found = (uint32_t)s->reasons.count;
		if (!map64_put(&s->index, key, found))
			return false;
	}
	assert(s->reasons.at); /* for static analysis: `found` says that there is a row */
	s->reasons.at[found - 1].samples += sample->count;
	s->modules[module].truncated += sample->count;
	s->truncated += sample->count;
	return true;
}

static bool choose_reasons(struct survey *s)
{
	uint64_t *most = calloc(s->profile->module_count + 1, sizeof(*most));
	if (!most)
		return false;
	for (size_t i = 0; i < s->reasons.count; i++) {
		const struct reason_count *r = &s->reasons.at[i];
		if (r->samples <= most[r->module])
			continue;
		most[r->module] = r->samples;
		s->modules[r->module].truncated_reason = r->reason;
	}
	free(most);
	return true;
}

static int survey_truncated(struct survey *s, struct error *err)
{
	const struct profile *p = s->profile;
	struct outermost *outermost = outermost_of_stacks(p);
	bool ok = outermost;
	for (size_t i = 0; ok && i < p->sample_count; i++) {
		const struct profile_sample *sample = &p->samples[i];
		const struct outermost *o = &outermost[sample->stack.v];
		if (sample->truncated.v || o->marked)
			ok = count_reason(s, o->module, sample);
	}
	if (ok)
		ok = choose_reasons(s);
	free(outermost);
	return ok ? 0 : fail(err, -ENOMEM, "out of memory");
}

static int by_self(const void *a, const void *b, void *profile)
{
	const struct module_quality *x = a, *y = b;
	const struct profile *p = profile;
	if (x->self != y->self)
		return x->self < y->self ? 1 : -1;
	if (x->samples != y->samples)
		return x->samples < y->samples ? 1 : -1;
	return strcmp(profile_string(p, x->path), profile_string(p, y->path));
}

/* Keeps the modules that samples or breaks lie in, sorted. */
static size_t pick_modules(struct survey *s)
{
	size_t kept = 0;
	for (size_t i = 0; i < s->profile->module_count; i++) {
		struct module_quality *m = &s->modules[i];
		m->path = s->profile->modules[i].path;
		m->build_id = s->profile->modules[i].build_id;
		m->deleted = s->profile->modules[i].deleted;
		if (m->samples || m->truncated)
			s->modules[kept++] = *m;
	}
	if (kept)
		qsort_r(s->modules, kept, sizeof(*s->modules), by_self, (void *)s->profile);
	return kept;
}

int quality_build(const struct profile *p, struct quality *out, struct error *err)
{
	struct survey s = { .profile = p };
	s.modules = calloc(p->module_count + 1, sizeof(*s.modules));
	if (!s.modules)
		return fail(err, -ENOMEM, "out of memory");
	int r = stack_order_init(&s.order, p, err);
	if (!r)
		r = survey_stacks(&s, err);
	if (!r)
		r = survey_truncated(&s, err);
	if (!r) {
		*out = (struct quality){ .count = pick_modules(&s),
					 .at = s.modules,
					 .samples = profile_total_count(p),
					 .truncated = s.truncated };
		s.modules = NULL;
	}
	free(s.modules);
	stack_order_deinit(&s.order);
	map64_deinit(&s.index);
	vec_free(&s.reasons);
	return r;
}

void quality_deinit(struct quality *q)
{
	free(q->at);
	*q = (struct quality){ 0 };
}
