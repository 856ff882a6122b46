// SPDX-License-Identifier: MIT
/* Debug information of a hostile file, by our index and libdw. */
#include <stddef.h>
#include <stdint.h>

#include "object/object.h"
#include "symbol/symbol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct symbol_config config = { .inlines = true, .debug_dir = "/nonexistent" };
	struct symbol_resolver *r = NULL;
	struct object *o = NULL;
	if (object_open_image(data, size, "fuzz", &o, NULL) < 0)
		return 0;
	if (symbol_resolver_create(&config, &r, NULL) == 0) {
		/* The code of the seeds lies there. */
		for (uint64_t vaddr = 0x280; vaddr < 0x340; vaddr += 4) {
			struct symbol_result result;
			symbol_resolve(r, o, vaddr, &result);
		}
	}
	symbol_resolver_destroy(r);
	object_unref(o);
	return 0;
}
