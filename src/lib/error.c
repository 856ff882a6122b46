// SPDX-License-Identifier: MIT
#include "perfprof.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/lib.h"

struct perfprof_error {
	int code;
	const char *text; /* behind the struct, in the same block */
};

/* For when there is no memory for an error either. */
static const struct perfprof_error no_memory = { -ENOMEM, "out of memory" };

int lib_failed(int code, const struct error *err, struct perfprof_error **out)
{
	if (!code || !out)
		return code;
	const char *text = *err->text ? err->text : strerror(-code);
	size_t size_bytes = strlen(text) + 1;
	struct perfprof_error *e = malloc(sizeof(*e) + size_bytes);
	if (e)
		*e = (struct perfprof_error){ code, memcpy(e + 1, text, size_bytes) };
	*out = e ? e : (struct perfprof_error *)&no_memory;
	return code;
}

const char *perfprof_error_text(const struct perfprof_error *e)
{
	return e ? e->text : "";
}

int perfprof_error_code(const struct perfprof_error *e)
{
	return e ? e->code : 0;
}

void perfprof_error_destroy(struct perfprof_error *e)
{
	if (e != &no_memory)
		free(e);
}

const char *perfprof_version(void)
{
	return PERFPROF_VERSION;
}
