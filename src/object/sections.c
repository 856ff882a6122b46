// SPDX-License-Identifier: MIT
#include "object/sections.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/cursor.h"
#include "object/header.h"

enum {
	SECTIONS_MAX = 1 << 20,
	SECTION_NAMES_MAX_BYTES = 1 << 26,
	SECTION_NAME_MAX_BYTES = 4096,
};
/* Debug sections of the largest browsers have some 2 GiB. */
static const uint64_t SECTION_MAX_BYTES = UINT64_C(4) << 30;

static struct elf_section section_parse(struct cursor *c, bool is_64bit)
{
	struct elf_section s = { .name = "", .name_off = cursor_u32(c) };
	s.type = cursor_u32(c);
	s.flags = elf_word(c, is_64bit);
	s.vaddr = elf_word(c, is_64bit);
	s.file_off = elf_word(c, is_64bit);
	s.size_bytes = elf_word(c, is_64bit);
	s.link = cursor_u32(c);
	s.info = cursor_u32(c);
	s.align = elf_word(c, is_64bit);
	s.entry_size_bytes = elf_word(c, is_64bit);
	return s;
}

/* gABI: with 0xff00 sections or more, the count and the index of the names are in section 0. */
static int extended_counts(const struct object *o, const struct elf_header *h, uint64_t *count,
			   uint32_t *names_index, struct error *err)
{
	*count = h->section_count;
	*names_index = h->section_names_index;
	if (h->section_count && h->section_names_index != SHN_XINDEX)
		return 0;
	uint8_t bytes[sizeof(Elf64_Shdr)] = { 0 };
	size_t size = h->is_64bit ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
	int rc = object_read(o, h->section_header_off, bytes, size, err);
	if (rc < 0)
		return rc;
	struct cursor c = cursor_of(bytes, size);
	struct elf_section zero = section_parse(&c, h->is_64bit);
	if (!h->section_count)
		*count = zero.size_bytes;
	if (h->section_names_index == SHN_XINDEX)
		*names_index = zero.link;
	return 0;
}

static void name_sections(const struct object *o, struct elf_sections *s, uint32_t names_index)
{
	if (names_index == 0 || names_index >= s->count)
		return;
	const struct elf_section *table = &s->at[names_index];
	size_t size = (size_t)table->size_bytes;
	if (table->type == SHT_NOBITS || table->size_bytes > SECTION_NAMES_MAX_BYTES || !size)
		return;
	s->names = malloc(size);
	if (!s->names || object_read(o, table->file_off, s->names, size, NULL) < 0)
		return;
	for (size_t i = 0; i < s->count; i++) {
		struct cursor c = cursor_of(s->names, size);
		cursor_seek(&c, s->at[i].name_off);
		size_t left = cursor_left(&c);
		c = cursor_sub(&c, left < SECTION_NAME_MAX_BYTES ? left : SECTION_NAME_MAX_BYTES);
		s->at[i].name = cursor_string(&c);
	}
}

static int read_table(const struct object *o, const struct elf_header *h, struct elf_section *out,
		      size_t count, struct error *err)
{
	size_t size = count * h->section_header_size_bytes;
	uint8_t *bytes = malloc(size);
	if (!bytes)
		return fail(err, -ENOMEM, "out of memory");
	int rc = object_read(o, h->section_header_off, bytes, size, err);
	struct cursor c = cursor_of(bytes, size);
	for (size_t i = 0; rc == 0 && i < count; i++)
		out[i] = section_parse(&c, h->is_64bit);
	free(bytes);
	return rc;
}

int elf_sections_read(const struct object *o, struct elf_sections *out, struct error *err)
{
	struct elf_header h;
	*out = (struct elf_sections){ 0 };
	int rc = elf_header_read(o, &h, err);
	if (rc < 0 || !h.section_header_off)
		return rc;
	size_t entry = h.is_64bit ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
	uint64_t count;
	uint32_t names_index;
	if (h.section_header_size_bytes != entry)
		return fail(err, -EBADMSG, "section headers of %u bytes are impossible",
			    h.section_header_size_bytes);
	rc = extended_counts(o, &h, &count, &names_index, err);
	if (rc < 0 || !count)
		return rc;
	if (count > SECTIONS_MAX || count > o->image_size_bytes / entry)
		return fail(err, -EBADMSG, "%" PRIu64 " sections are impossible", count);

	size_t n = (size_t)count;
	struct elf_section *at = calloc(n, sizeof(*at));
	if (!at)
		return fail(err, -ENOMEM, "out of memory");
	rc = read_table(o, &h, at, n, err);
	if (rc < 0) {
		free(at);
		return rc;
	}
	*out = (struct elf_sections){ .at = at, .count = n };
	name_sections(o, out, names_index);
	return 0;
}

void elf_sections_deinit(struct elf_sections *s)
{
	free(s->at);
	free(s->names);
	*s = (struct elf_sections){ 0 };
}

const struct elf_section *elf_section_find(const struct elf_sections *s, const char *name)
{
	for (size_t i = 1; i < s->count; i++) {
		const struct elf_section *x = &s->at[i];
		if (x->type != SHT_NOBITS && x->type != SHT_NULL && !strcmp(x->name, name))
			return x;
	}
	return NULL;
}

static int unpack_compressed(const struct object *o, const struct elf_section *s, uint8_t *bytes,
			     struct object_section *out, struct error *err)
{
	struct elf_header h;
	int rc = elf_header_read(o, &h, err);
	if (rc < 0)
		return rc;
	struct cursor c = cursor_of(bytes, (size_t)s->size_bytes);
	uint32_t kind = cursor_u32(&c);
	if (h.is_64bit)
		cursor_u32(&c); /* ch_reserved */
	uint64_t size = elf_word(&c, h.is_64bit);
	elf_word(&c, h.is_64bit); /* ch_addralign */
	if (c.bad)
		return fail(err, -EBADMSG, "the compression header is cut off");
	rc = elf_unpack(kind, c.at, cursor_left(&c), size, &out->bytes, err);
	out->size_bytes = (size_t)size;
	return rc;
}

/* The older GNU form: "ZLIB", the size in big endian, a zlib stream. */
static int unpack_zdebug(const struct elf_section *s, const uint8_t *bytes,
			 struct object_section *out, struct error *err)
{
	struct cursor c = cursor_of(bytes, (size_t)s->size_bytes);
	const char *magic = cursor_take(&c, 4);
	uint64_t size = __builtin_bswap64(cursor_u64(&c));
	if (c.bad || memcmp(magic, "ZLIB", 4) != 0)
		return fail(err, -EBADMSG, "the compression header is damaged");
	out->size_bytes = (size_t)size;
	return elf_unpack(ELFCOMPRESS_ZLIB, c.at, cursor_left(&c), size, &out->bytes, err);
}

int elf_section_load(const struct object *o, const struct elf_section *s,
		     struct object_section *out, struct error *err)
{
	struct object_section section = { .vaddr = s->vaddr };
	bool zdebug = !strncmp(s->name, ".zdebug_", 8);
	if (s->size_bytes > o->image_size_bytes)
		return fail(err, -EBADMSG, "section '%s' is larger than the file", s->name);
	if (s->size_bytes > SECTION_MAX_BYTES)
		return fail(err, -EFBIG, "section '%s' has %" PRIu64 " bytes", s->name,
			    s->size_bytes);
	size_t size = (size_t)s->size_bytes;
	_cleanup_free_ uint8_t *bytes = malloc(size ? size : 1);
	if (!bytes)
		return fail(err, -ENOMEM, "out of memory");
	int rc = object_read(o, s->file_off, bytes, size, err);
	if (rc == 0 && (s->flags & SHF_COMPRESSED)) {
		rc = unpack_compressed(o, s, bytes, &section, err);
	} else if (rc == 0 && zdebug) {
		rc = unpack_zdebug(s, bytes, &section, err);
	} else if (rc == 0) {
		section.bytes = bytes;
		section.size_bytes = size;
		bytes = NULL;
	}
	if (rc < 0)
		return fail_in(err, rc, "section '%s'", s->name);
	*out = section;
	return 0;
}

static const struct elf_section *find_zdebug(const struct elf_sections *sections, const char *name)
{
	char zname[64];
	if (strncmp(name, ".debug_", 7) != 0 || strlen(name) + 2 > sizeof(zname))
		return NULL;
	snprintf(zname, sizeof(zname), ".z%s", name + 1);
	return elf_section_find(sections, zname);
}

int object_section_load(const struct object *o, const char *name, struct object_section *out,
			struct error *err)
{
	struct elf_sections sections;
	int rc = elf_sections_read(o, &sections, err);
	if (rc < 0)
		return fail_in(err, rc, "in '%s'", o->path);
	const struct elf_section *s = elf_section_find(&sections, name);
	if (!s)
		s = find_zdebug(&sections, name);
	rc = -ENOENT;
	if (s) {
		rc = elf_section_load(o, s, out, err);
		if (rc < 0)
			fail_in(err, rc, "in '%s'", o->path);
	}
	elf_sections_deinit(&sections);
	return rc;
}

void object_section_deinit(struct object_section *s)
{
	free(s->bytes);
	*s = (struct object_section){ 0 };
}
