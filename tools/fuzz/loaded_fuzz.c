// SPDX-License-Identifier: MIT
/* What a hostile process has where its ELF file should be loaded: sections are made of it, then read. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "object/loaded.h"
#include "object/sections.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { ".text", ".eh_frame", ".dynsym", ".dynstr" };
	struct object *o;
	uint64_t bias = 0;
	uint8_t *image = malloc(size ? size : 1);
	if (!image)
		return 0;
	memcpy(image, data, size);
	if (size >= 16)
		memcpy(&bias, data + 8, sizeof(bias)); /* padding of e_ident */
	if (object_open_loaded(image, size, bias, "fuzz", &o, NULL) < 0)
		return 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct object_section section;
		if (object_section_load(o, names[i], &section, NULL) == 0)
			object_section_deinit(&section);
	}
	object_unref(o);
	return 0;
}
