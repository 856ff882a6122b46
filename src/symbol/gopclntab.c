// SPDX-License-Identifier: MIT
/* Names from Go's own table, which `-ldflags -s` leaves. */
#include "object/gopclntab.h"

#include <errno.h>

#include "symbol/symtab.h"

static int add_functions(struct symtab *t, const struct go_table *g)
{
	struct go_function f;
	for (uint64_t i = 0; go_table_function(g, i, &f); i++)
		if (*f.name && !symtab_add_function(t, f.name, f.start_vaddr, f.size_bytes))
			return -ENOMEM;
	return 0;
}

int symtab_add_gopclntab(struct symtab *t, const struct object *o,
			 const struct elf_sections *sections, struct error *err)
{
	struct go_table g;
	int rc = go_table_open(o, sections, &g, err);
	if (rc < 0)
		return rc;
	if (!vec_push(&t->memory, g.memory)) { /* the names stay there as long as the symtab */
		go_table_close(&g);
		return fail(err, -ENOMEM, "out of memory");
	}
	return add_functions(t, &g) < 0 ? fail(err, -ENOMEM, "out of memory") : 0;
}
