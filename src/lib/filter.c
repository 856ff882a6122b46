// SPDX-License-Identifier: MIT
#include "perfprof.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/lib.h"

enum { PATTERNS = 4 };

struct perfprof_filter {
	struct profile_filter model;
	char *patterns[PATTERNS]; /* the model's texts, in the order of their rules */
};

int perfprof_filter_create(struct perfprof_filter **out, struct perfprof_error **out_err)
{
	struct error err = { 0 };
	struct perfprof_filter *f = calloc(1, sizeof(*f));
	if (!f)
		return lib_failed(fail(&err, -ENOMEM, "out of memory"), &err, out_err);
	*out = f;
	return 0;
}

void perfprof_filter_destroy(struct perfprof_filter *f)
{
	for (size_t i = 0; f && i < PATTERNS; i++)
		free(f->patterns[i]);
	free(f);
}

/* Whether the rule is one of those that want a pattern: which one, and the model's place for it. */
static const char **pattern_of(struct profile_filter *m, enum perfprof_rule rule, size_t *out)
{
	*out = (size_t)rule - PERFPROF_RULE_FOCUS;
	switch (rule) {
	case PERFPROF_RULE_FOCUS: return &m->focus;
	case PERFPROF_RULE_IGNORE: return &m->ignore;
	case PERFPROF_RULE_HIDE: return &m->hide;
	case PERFPROF_RULE_THREAD: return &m->thread;
	default: return NULL;
	}
}

static int add_pattern(struct perfprof_filter *f, size_t which, const char **place,
		       const char *argument, struct error *err)
{
	if (!argument)
		return fail(err, -EINVAL, "a filter rule wants a regular expression");
	char *copy = strdup(argument);
	if (!copy)
		return fail(err, -ENOMEM, "out of memory");
	free(f->patterns[which]);
	f->patterns[which] = copy;
	*place = copy;
	return 0;
}

static int add_rule(struct perfprof_filter *f, enum perfprof_rule rule, const char *argument,
		    struct error *err)
{
	size_t which;
	const char **place = pattern_of(&f->model, rule, &which);
	if (place)
		return add_pattern(f, which, place, argument, err);
	if (rule != PERFPROF_RULE_NO_INLINES && rule != PERFPROF_RULE_NO_KERNEL)
		return fail(err, -EINVAL, "libperfprof " PERFPROF_VERSION " has no filter rule %d",
			    (int)rule);
	if (argument)
		return fail(err, -EINVAL, "rule %d takes no argument, not '%s'", (int)rule,
			    argument);
	if (rule == PERFPROF_RULE_NO_INLINES)
		f->model.no_inlines = true;
	else
		f->model.no_kernel = true;
	return 0;
}

int perfprof_filter_add(struct perfprof_filter *f, enum perfprof_rule rule, const char *argument,
			struct perfprof_error **out_err)
{
	struct error err = { 0 };
	return lib_failed(add_rule(f, rule, argument, &err), &err, out_err);
}

void perfprof_filter_set_times(struct perfprof_filter *f, uint64_t begin_ns, uint64_t end_ns)
{
	f->model.begin_ns = begin_ns;
	f->model.end_ns = end_ns;
}

int perfprof_filter_apply(const struct perfprof_filter *f, const struct perfprof_profile *p,
			  struct perfprof_profile **out, struct perfprof_error **out_err)
{
	struct error err = { 0 };
	struct profile *model = NULL;
	int r = profile_filter(p->model, &f->model, &model, &err);
	return lib_wrap(r, model, &err, out, out_err);
}
