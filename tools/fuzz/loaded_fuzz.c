// SPDX-License-Identifier: MIT
/*
 * What a loader has put into memory: segments from which sections are made up, and the build-id of a
 * mapping of this very process, whose bytes are the input.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "object/loaded.h"
#include "object/sections.h"
#include "process/loaded_image.h"
#include "symbol/symtab.h"
#include "unwind/unwind.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes);

enum { MAPPED_BYTES = 1 << 16 };

static void use(struct object *o)
{
	struct elf_sections sections;
	struct unwind_table *table = NULL;
	struct symtab t = { 0 };
	if (unwind_table_create(o, &table, NULL) == 0)
		unwind_table_destroy(table);
	if (elf_sections_read(o, &sections, NULL) < 0)
		return;
	if (symtab_add_code(&t, &sections)) {
		symtab_add(&t, o, &sections, ".dynsym", NULL);
		symtab_finish(&t, NULL);
	}
	symtab_deinit(&t);
	elf_sections_deinit(&sections);
}

/* A file that is mapped: only such a mapping has a name and a first byte. */
static uint8_t *mapped_bytes(void)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, MAPPED_BYTES) < 0)
		abort();
	void *at = mmap(NULL, MAPPED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		abort();
	close(fd);
	return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	static uint8_t *mapped;
	struct object *o = NULL;
	struct error err = { 0 };
	struct loaded_identity identity;
	uint64_t bias = 0;
	uint8_t *image = malloc(size_bytes ? size_bytes : 1);
	if (!image)
		abort();
	if (size_bytes)
		memcpy(image, bytes, size_bytes);
	if (size_bytes >= 16)
		memcpy(&bias, bytes + 8, sizeof(bias)); /* padding of e_ident */
	if (object_open_loaded(image, size_bytes, bias, "fuzz", &o, &err) == 0) {
		use(o);
		object_unref(o);
	} else if (!err.text[0]) {
		abort();
	}
	if (!mapped)
		mapped = mapped_bytes();
	size_bytes = size_bytes < MAPPED_BYTES ? size_bytes : MAPPED_BYTES;
	memset(mapped, 0, MAPPED_BYTES);
	if (size_bytes)
		memcpy(mapped, bytes, size_bytes);
	loaded_identity_read(getpid(), (uint64_t)(uintptr_t)mapped, &identity);
	if (identity.build_id_size > sizeof(identity.build_id))
		abort();
	return 0;
}
