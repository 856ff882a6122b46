// SPDX-License-Identifier: MIT
#include "unwind/cache.h"

#include <stdlib.h>
#include <string.h>

#include "unwind/unwind.h"

struct unwind_cache *unwind_cache_create(void)
{
	return calloc(1, sizeof(struct unwind_cache));
}

void unwind_cache_destroy(struct unwind_cache *c)
{
	free(c);
}

void unwind_cache_flush(struct unwind_cache *c)
{
	if (!c->used)
		return;
	memset(c, 0, sizeof(*c));
}
