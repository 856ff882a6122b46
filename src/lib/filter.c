// SPDX-License-Identifier: MIT
#include "perfprof.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/lib.h"

struct perfprof_filter {
	struct profile_filter model;
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
	free(f);
}

static int add_rule(struct profile_filter *f, enum perfprof_rule rule, const char *argument,
		    struct error *err)
{
	if (argument && (rule == PERFPROF_RULE_NO_INLINES || rule == PERFPROF_RULE_NO_KERNEL))
		return fail(err, -EINVAL, "rule %d takes no argument, not '%s'", (int)rule,
			    argument);
	switch (rule) {
	case PERFPROF_RULE_NO_INLINES: f->no_inlines = true; return 0;
	case PERFPROF_RULE_NO_KERNEL: f->no_kernel = true; return 0;
	default:
		return fail(err, -EINVAL, "libperfprof " PERFPROF_VERSION " has no filter rule %d",
			    (int)rule);
	}
}

int perfprof_filter_add(struct perfprof_filter *f, enum perfprof_rule rule, const char *argument,
			struct perfprof_error **out_err)
{
	struct error err = { 0 };
	return lib_failed(add_rule(&f->model, rule, argument, &err), &err, out_err);
}

int perfprof_filter_apply(const struct perfprof_filter *f, const struct perfprof_profile *p,
			  struct perfprof_profile **out, struct perfprof_error **out_err)
{
	struct error err = { 0 };
	struct profile *model = NULL;
	int r = profile_filter(p->model, &f->model, &model, &err);
	return lib_wrap(r, model, &err, out, out_err);
}
