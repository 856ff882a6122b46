// SPDX-License-Identifier: MIT
#include "symbol/symbol.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/auxv.h>

enum { VDSO_MAX_BYTES = 1 << 20 };

/* The kernel maps the whole file; its section headers lie at the end of it. */
int symbol_vdso_object(struct object **out, struct error *err)
{
	const uint8_t *image = (const uint8_t *)(uintptr_t)getauxval(AT_SYSINFO_EHDR);
	Elf64_Ehdr header;
	if (!image)
		return fail(err, -ENOENT, "the kernel maps no vdso");
	memcpy(&header, image, sizeof(header));
	uint64_t size = header.e_shoff + (uint64_t)header.e_shnum * header.e_shentsize;
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || size < sizeof(header) ||
	    size > VDSO_MAX_BYTES)
		return fail(err, -EBADMSG, "the vdso in our memory is no ELF file");
	return object_open_image(image, size, "[vdso]", out, err);
}
