// SPDX-License-Identifier: MIT
#include "analyze/source_lines.h"

#include <assert.h>
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/identity.h"
#include "analyze/stack_order.h"
#include "base/map.h"
#include "base/vec.h"

enum { PATTERN_MAX_BYTES = 1024 };

struct row {
	uint32_t identity;
	struct line_cost cost;
	uint32_t covered_until; /* see stack_order.h */
};

struct counter {
	const struct profile *p;
	struct identities ids;
	struct stack_order order;
	bool *wanted;                      /* by identity */
	uint32_t *covered_until;           /* by identity */
	struct source_function *functions; /* by identity */
	struct map64 index;                /* (identity, line) to row + 1 */
	VEC(struct row) rows;
};

/* ---- Which functions are meant ---- */

static bool is_whole_name(const char *name, const char *wanted)
{
	return !strcmp(name, wanted);
}

/* "sort" means "ns::list<int>::sort(int)"; "list::sort" does not, which has a scope that differs. */
static bool is_short_name(const char *name, const char *wanted)
{
	size_t length = strlen(wanted), end = strcspn(name, "(");
	if (end < length || memcmp(name + end - length, wanted, length) != 0)
		return false;
	return end == length || name[end - length - 1] == ':' || name[end - length - 1] == '.';
}

static size_t mark(struct counter *c, bool (*is_meant)(const char *, const char *),
		   const char *wanted)
{
	size_t n = 0;
	for (size_t i = 0; i < c->ids.count; i++) {
		const struct identity *id = &c->ids.at[i];
		c->wanted[i] = id->name.v && is_meant(profile_string(c->p, id->name), wanted);
		n += c->wanted[i];
	}
	return n;
}

static size_t mark_matching(struct counter *c, const char *pattern)
{
	regex_t compiled;
	size_t n = 0;
	if (strlen(pattern) > PATTERN_MAX_BYTES ||
	    regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return 0;
	for (size_t i = 0; i < c->ids.count; i++) {
		const struct identity *id = &c->ids.at[i];
		c->wanted[i] = id->name.v &&
			       regexec(&compiled, profile_string(c->p, id->name), 0, NULL, 0) == 0;
		n += c->wanted[i];
	}
	regfree(&compiled);
	return n;
}

/* ---- What their lines cost ---- */

static struct row *find_row(struct counter *c, uint32_t identity, uint32_t line)
{
	uint64_t key = (uint64_t)identity << 32 | line;
	uint32_t found = map64_get(&c->index, key);
	if (!found) {
		struct row fresh = { .identity = identity, .cost = { .line = line } };
		if (!vec_push(&c->rows, fresh))
			return NULL;
		found = (uint32_t)c->rows.count;
		if (!map64_put(&c->index, key, found))
			return NULL;
	}
	assert(c->rows.at); /* for static analysis: `found` says that there is a row */
	return &c->rows.at[found - 1];
}

static bool count_line(struct counter *c, uint32_t stack, uint32_t identity, uint32_t line,
		       bool innermost)
{
	const struct stack_order *o = &c->order;
	struct row *row = find_row(c, identity, line);
	struct source_function *f = &c->functions[identity];
	if (!row)
		return false;
	if (innermost) {
		row->cost.self += o->self[stack];
		f->self += o->self[stack];
	}
	if (o->begin[stack] >= row->covered_until) {
		row->cost.total += o->count[stack];
		row->covered_until = o->end[stack];
	}
	if (o->begin[stack] >= c->covered_until[identity]) {
		f->total += o->count[stack];
		c->covered_until[identity] = o->end[stack];
	}
	return true;
}

static bool count_stacks(struct counter *c)
{
	for (size_t i = 1; i < c->order.stack_count; i++) {
		uint32_t stack = c->order.at[i];
		frame_id frame = c->p->stack_frame[stack];
		for (uint32_t k = identity_lines(&c->ids, frame); k-- > 0;) {
			uint32_t id = identity_of(&c->ids, frame, k);
			uint32_t line = identity_source_line(&c->ids, frame, k);
			if (c->wanted[id] && c->order.count[stack] &&
			    !count_line(c, stack, id, line, !k))
				return false;
		}
	}
	return true;
}

/* ---- The result ---- */

static int by_function_and_line(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	if (x->identity != y->identity)
		return x->identity < y->identity ? -1 : 1;
	return x->cost.line < y->cost.line ? -1 : x->cost.line > y->cost.line;
}

static int by_cost(const void *a, const void *b)
{
	const struct source_function *x = a, *y = b;
	if (x->self != y->self)
		return x->self < y->self ? 1 : -1;
	if (x->total != y->total)
		return x->total < y->total ? 1 : -1;
	return x->lines < y->lines ? -1 : x->lines > y->lines;
}

static bool publish(struct counter *c, struct source_lines *out)
{
	size_t n = c->rows.count;
	out->lines = calloc(n + 1, sizeof(*out->lines));
	out->at = calloc(n + 1, sizeof(*out->at));
	if (!out->lines || !out->at)
		return false;
	if (n > 1)
		qsort(c->rows.at, n, sizeof(*c->rows.at), by_function_and_line);
	for (size_t i = 0; i < n; i++) {
		uint32_t id = c->rows.at[i].identity;
		if (!i || c->rows.at[i - 1].identity != id) {
			struct source_function *f = &out->at[out->count++];
			*f = c->functions[id];
			f->function = c->ids.at[id].name;
			f->module = c->ids.at[id].module;
			f->file = c->ids.at[id].file;
			f->lines = &out->lines[i];
		}
		out->lines[i] = c->rows.at[i].cost;
		out->at[out->count - 1].line_count++;
	}
	if (out->count > 1)
		qsort(out->at, out->count, sizeof(*out->at), by_cost);
	out->samples = profile_total_count(c->p);
	return true;
}

static int counter_init(struct counter *c, struct error *err)
{
	int r = stack_order_init(&c->order, c->p, err);
	if (!r)
		r = identities_init(&c->ids, c->p, true, err);
	if (r)
		return r;
	c->wanted = calloc(c->ids.count + 1, sizeof(*c->wanted));
	c->covered_until = calloc(c->ids.count + 1, sizeof(*c->covered_until));
	c->functions = calloc(c->ids.count + 1, sizeof(*c->functions));
	return c->wanted && c->covered_until && c->functions ? 0
							     : fail(err, -ENOMEM, "out of memory");
}

int source_lines_build(const struct profile *p, const char *name, struct source_lines *out,
		       struct error *err)
{
	struct counter c = { .p = p };
	*out = (struct source_lines){ 0 };
	int r = counter_init(&c, err);
	if (!r && (!*name || (!mark(&c, is_whole_name, name) && !mark(&c, is_short_name, name) &&
			      !mark_matching(&c, name))))
		r = fail(err, -ENOENT, "no sampled function is called '%s'", name);
	if (!r && (!count_stacks(&c) || !publish(&c, out)))
		r = fail(err, -ENOMEM, "out of memory");
	if (!r && !out->count)
		r = fail(err, -ENOENT, "no sampled function is called '%s'", name);
	stack_order_deinit(&c.order);
	identities_deinit(&c.ids);
	map64_deinit(&c.index);
	vec_free(&c.rows);
	free(c.wanted);
	free(c.covered_until);
	free(c.functions);
	if (r)
		source_lines_deinit(out);
	return r;
}

void source_lines_deinit(struct source_lines *s)
{
	free(s->at);
	free(s->lines);
	*s = (struct source_lines){ 0 };
}
