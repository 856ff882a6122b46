// SPDX-License-Identifier: MIT
#include "symbol/dwarf_image.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

/* What names and lines need; the rest (locations, macros, indexes) stays in the file. */
static const char *const SECTIONS[] = {
	".debug_info",        ".debug_abbrev", ".debug_line",   ".debug_line_str", ".debug_str",
	".debug_str_offsets", ".debug_addr",   ".debug_ranges", ".debug_rnglists", ".debug_types",
};
enum {
	SECTION_COUNT = sizeof(SECTIONS) / sizeof(SECTIONS[0]),
	HEADER_COUNT = SECTION_COUNT + 2, /* the null section and the names */
	NAMES_MAX_BYTES = 256,
	ALIGNMENT = 16,
};
static const size_t IMAGE_MAX_BYTES = (size_t)4 << 30;

struct layout {
	struct object_section sections[SECTION_COUNT];
	Elf64_Shdr headers[HEADER_COUNT];
	char names[NAMES_MAX_BYTES];
	size_t names_bytes, size_bytes;
};

static int load_sections(const struct object *o, struct layout *l, struct error *err)
{
	for (int i = 0; i < SECTION_COUNT; i++) {
		int rc = object_section_load(o, SECTIONS[i], &l->sections[i], err);
		if (rc == -ENOENT && i != 0)
			continue;
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void place(struct layout *l, int header, const char *name, size_t size_bytes)
{
	l->size_bytes = (l->size_bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	l->headers[header] = (Elf64_Shdr){ .sh_name = (Elf64_Word)l->names_bytes,
					   .sh_type = SHT_PROGBITS,
					   .sh_offset = l->size_bytes,
					   .sh_size = size_bytes,
					   .sh_addralign = 1 };
	memcpy(l->names + l->names_bytes, name, strlen(name) + 1);
	l->names_bytes += strlen(name) + 1;
	l->size_bytes += size_bytes;
}

static void lay_out(struct layout *l)
{
	l->names_bytes = 1;
	l->size_bytes = sizeof(Elf64_Ehdr);
	for (int i = 0; i < SECTION_COUNT; i++)
		if (l->sections[i].bytes)
			place(l, 1 + i, SECTIONS[i], l->sections[i].size_bytes);
	place(l, HEADER_COUNT - 1, ".shstrtab", NAMES_MAX_BYTES);
	l->headers[HEADER_COUNT - 1].sh_type = SHT_STRTAB;
	l->size_bytes = (l->size_bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

static void write_image(struct layout *l, uint8_t *bytes, uint16_t machine)
{
	Elf64_Ehdr header = { .e_type = ET_EXEC,
			      .e_machine = machine,
			      .e_version = EV_CURRENT,
			      .e_shoff = l->size_bytes,
			      .e_ehsize = sizeof(header),
			      .e_shentsize = sizeof(Elf64_Shdr),
			      .e_shnum = HEADER_COUNT,
			      .e_shstrndx = HEADER_COUNT - 1 };
	memcpy(header.e_ident, ELFMAG, SELFMAG);
	header.e_ident[EI_CLASS] = ELFCLASS64;
	header.e_ident[EI_DATA] = ELFDATA2LSB;
	header.e_ident[EI_VERSION] = EV_CURRENT;
	memcpy(bytes, &header, sizeof(header));
	for (int i = 0; i < SECTION_COUNT; i++) {
		struct object_section *s = &l->sections[i];
		if (s->bytes)
			memcpy(bytes + l->headers[1 + i].sh_offset, s->bytes, s->size_bytes);
		object_section_deinit(s);
	}
	memcpy(bytes + l->headers[HEADER_COUNT - 1].sh_offset, l->names, NAMES_MAX_BYTES);
	memcpy(bytes + l->size_bytes, l->headers, sizeof(l->headers));
}

static int open_image(struct dwarf_image *image, struct error *err)
{
	elf_version(EV_CURRENT);
	image->elf = elf_memory((char *)image->bytes, image->size_bytes);
	if (image->elf)
		image->dwarf = dwarf_begin_elf(image->elf, DWARF_C_READ, NULL);
	if (!image->dwarf)
		return fail(err, -EBADMSG, "libdw refuses the debug information");
	return 0;
}

int dwarf_image_create(const struct object *o, struct dwarf_image *out, struct error *err)
{
	struct layout l = { 0 };
	struct dwarf_image image = { 0 };
	int rc = load_sections(o, &l, err);
	if (rc == 0) {
		image.info_bytes = l.sections[0].size_bytes;
		lay_out(&l);
		image.size_bytes = l.size_bytes + sizeof(l.headers);
		if (image.size_bytes > IMAGE_MAX_BYTES)
			rc = fail(err, -EFBIG, "'%s' has more debug information than the limit",
				  o->path);
	}
	if (rc == 0) {
		image.bytes = calloc(1, image.size_bytes);
		if (!image.bytes)
			rc = fail(err, -ENOMEM, "out of memory");
	}
	if (image.bytes) {
		write_image(&l, image.bytes, o->machine);
		rc = open_image(&image, err);
	}
	for (int i = 0; i < SECTION_COUNT; i++)
		object_section_deinit(&l.sections[i]);
	if (rc < 0) {
		dwarf_image_deinit(&image);
		return rc;
	}
	*out = image;
	return 0;
}

void dwarf_image_deinit(struct dwarf_image *image)
{
	if (image->dwarf)
		dwarf_end(image->dwarf);
	if (image->elf)
		elf_end(image->elf);
	free(image->bytes);
	*image = (struct dwarf_image){ 0 };
}
