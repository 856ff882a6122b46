// SPDX-License-Identifier: MIT
#include "profile/merge.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "lib/lib.h"
#include "perfprof.h"

static int merge(const struct perfprof_profile *const *profiles, size_t count, struct profile **out,
		 struct error *err)
{
	if (!count)
		return fail(err, -EINVAL, "there are no profiles to merge");
	_cleanup_free_ const struct profile **models = calloc(count, sizeof(*models));
	if (!models)
		return fail(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++)
		models[i] = profiles[i]->model;
	return profile_merge(models, count, out, err);
}

int perfprof_merge(const struct perfprof_profile *const *profiles, size_t count,
		   struct perfprof_profile **out, struct perfprof_error **out_err)
{
	struct error err = { 0 };
	struct profile *model = NULL;
	int r = merge(profiles, count, &model, &err);
	return lib_wrap(r, model, &err, out, out_err);
}
