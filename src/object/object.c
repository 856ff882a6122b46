// SPDX-License-Identifier: MIT
#include "object/object.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/cursor.h"
#include "object/file_root.h"
#include "object/header.h"
#include "object/sections.h"

enum {
	PROGRAM_HEADERS_MAX = 4096, /* the kernel loads no program with more than 64 KiB of them */
	NOTES_MAX_BYTES = 1 << 20,
};

static int read_file_part(const struct object *o, uint64_t file_off, uint8_t *out,
			  size_t size_bytes, struct error *err)
{
	for (size_t done = 0; done < size_bytes;) {
		ssize_t n = pread(o->fd, out + done, size_bytes - done, (off_t)(file_off + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno(err, "cannot read at byte %" PRIu64, file_off + done);
		if (n == 0)
			return fail(err, -EBADMSG, "the file is cut off at byte %" PRIu64,
				    file_off + done);
		done += (size_t)n;
	}
	return 0;
}

bool object_file_off_of(const struct object *o, uint64_t vaddr, uint64_t *out_file_off)
{
	for (uint32_t i = 0; i < o->segment_count; i++) {
		const struct object_segment *s = &o->segments[i];
		if (vaddr >= s->vaddr && vaddr - s->vaddr < s->file_size_bytes) {
			*out_file_off = s->file_off + (vaddr - s->vaddr);
			return true;
		}
	}
	return false;
}

int object_read(const struct object *o, uint64_t file_off, void *out, size_t size_bytes,
		struct error *err)
{
	if (file_off > o->image_size_bytes || size_bytes > o->image_size_bytes - file_off)
		return fail(err, -EBADMSG,
			    "the file is cut off: it has no %zu bytes at byte %" PRIu64, size_bytes,
			    file_off);
	if (o->fd >= 0)
		return read_file_part(o, file_off, out, size_bytes, err);
	if (o->image)
		memcpy(out, o->image + file_off, size_bytes);
	return 0;
}

int elf_header_read(const struct object *o, struct elf_header *out, struct error *err)
{
	uint8_t bytes[sizeof(Elf64_Ehdr)] = { 0 };
	size_t size =
		o->image_size_bytes < sizeof(bytes) ? (size_t)o->image_size_bytes : sizeof(bytes);
	int rc = object_read(o, 0, bytes, size, err);
	if (rc < 0)
		return rc;
	if (size < EI_NIDENT || memcmp(bytes, ELFMAG, SELFMAG) != 0)
		return fail(err, -ENOEXEC, "no ELF file");
	struct elf_header h = { .is_64bit = bytes[EI_CLASS] == ELFCLASS64 };
	if ((!h.is_64bit && bytes[EI_CLASS] != ELFCLASS32) || bytes[EI_DATA] != ELFDATA2LSB)
		return fail(err, -ENOEXEC, "no ELF file for x86-64 or i386");
	struct cursor c = cursor_of(bytes, size);
	cursor_seek(&c, EI_NIDENT);
	h.type = cursor_u16(&c);
	h.machine = cursor_u16(&c);
	cursor_u32(&c); /* e_version */
	h.entry_vaddr = elf_word(&c, h.is_64bit);
	h.program_header_off = elf_word(&c, h.is_64bit);
	h.section_header_off = elf_word(&c, h.is_64bit);
	cursor_u32(&c); /* e_flags */
	cursor_u16(&c); /* e_ehsize */
	h.program_header_size_bytes = cursor_u16(&c);
	h.program_header_count = cursor_u16(&c);
	h.section_header_size_bytes = cursor_u16(&c);
	h.section_count = cursor_u16(&c);
	h.section_names_index = cursor_u16(&c);
	if (c.bad)
		return fail(err, -EBADMSG, "the ELF header is cut off at byte %zu", size);
	if (h.machine != EM_X86_64 && h.machine != EM_386)
		return fail(err, -ENOEXEC, "no ELF file for x86-64 or i386");
	*out = h;
	return 0;
}

struct program_header {
	uint32_t type, flags;
	uint64_t file_off, vaddr, file_size_bytes, mem_size_bytes, align;
};

static struct program_header program_header_parse(struct cursor *c, bool is_64bit)
{
	struct program_header p = { .type = cursor_u32(c) };
	if (is_64bit)
		p.flags = cursor_u32(c);
	p.file_off = elf_word(c, is_64bit);
	p.vaddr = elf_word(c, is_64bit);
	elf_word(c, is_64bit); /* p_paddr */
	p.file_size_bytes = elf_word(c, is_64bit);
	p.mem_size_bytes = elf_word(c, is_64bit);
	if (!is_64bit)
		p.flags = cursor_u32(c);
	p.align = elf_word(c, is_64bit);
	return p;
}

static void build_id_from_notes(struct object *o, uint64_t file_off, uint64_t size_bytes,
				uint64_t align)
{
	if (!size_bytes || size_bytes > NOTES_MAX_BYTES)
		return;
	_cleanup_free_ uint8_t *bytes = malloc(size_bytes);
	if (!bytes || object_read(o, file_off, bytes, size_bytes, NULL) < 0)
		return;
	size_t mask = align == 8 ? 7 : 3; /* gABI: notes of x86-64 may be aligned to 8 */
	struct cursor c = cursor_of(bytes, size_bytes);
	while (cursor_left(&c) >= 12) {
		size_t name_size = cursor_u32(&c), desc_size = cursor_u32(&c);
		uint32_t type = cursor_u32(&c);
		const char *name = cursor_take(&c, name_size);
		cursor_seek(&c, (cursor_offset(&c) + mask) & ~mask);
		const uint8_t *desc = cursor_take(&c, desc_size);
		if (c.bad)
			return;
		if (type == NT_GNU_BUILD_ID && name_size == 4 && !memcmp(name, "GNU", 4) &&
		    desc_size && desc_size <= OBJECT_BUILD_ID_MAX) {
			memcpy(o->build_id, desc, desc_size);
			o->build_id_size = (uint8_t)desc_size;
			return;
		}
		size_t next = (cursor_offset(&c) + mask) & ~mask;
		if (next > size_bytes)
			return;
		cursor_seek(&c, next);
	}
}

/* In files that hold only debug information the program headers lead nowhere, the sections do. */
static void build_id_from_sections(struct object *o)
{
	struct elf_sections sections = { 0 };
	if (elf_sections_read(o, &sections, NULL) < 0)
		return;
	for (size_t i = 0; i < sections.count && !o->build_id_size; i++) {
		const struct elf_section *s = &sections.at[i];
		if (s->type == SHT_NOTE)
			build_id_from_notes(o, s->file_off, s->size_bytes, s->align);
	}
	elf_sections_deinit(&sections);
}

static int add_segment(struct object_segment *to, const struct program_header *p, struct error *err)
{
	if (p->file_off + p->file_size_bytes < p->file_off ||
	    p->vaddr + p->mem_size_bytes < p->vaddr)
		return fail(err, -EBADMSG,
			    "the segment at vaddr 0x%" PRIx64 " has an impossible size", p->vaddr);
	*to = (struct object_segment){ .file_off = p->file_off,
				       .file_size_bytes = p->file_size_bytes,
				       .vaddr = p->vaddr,
				       .mem_size_bytes = p->mem_size_bytes,
				       .executable = p->flags & PF_X };
	return 0;
}

static int program_headers_read(struct object *o, const struct elf_header *h, struct error *err)
{
	size_t entry = h->is_64bit ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	if (!h->program_header_count)
		return 0;
	if (h->program_header_size_bytes != entry || h->program_header_count > PROGRAM_HEADERS_MAX)
		return fail(err, -EBADMSG, "%u program headers of %u bytes are impossible",
			    h->program_header_count, h->program_header_size_bytes);
	size_t size = h->program_header_count * entry;
	_cleanup_free_ uint8_t *bytes = malloc(size);
	struct object_segment *segments = calloc(h->program_header_count, sizeof(*segments));
	o->segments = segments;
	if (!bytes || !segments)
		return fail(err, -ENOMEM, "out of memory");
	int rc = object_read(o, h->program_header_off, bytes, size, err);
	struct cursor c = cursor_of(bytes, size);
	for (uint32_t i = 0; rc == 0 && i < h->program_header_count; i++) {
		struct program_header p = program_header_parse(&c, h->is_64bit);
		if (p.type == PT_LOAD)
			rc = add_segment(&segments[o->segment_count++], &p, err);
		else if (p.type == PT_NOTE && !o->build_id_size)
			build_id_from_notes(o, p.file_off, p.file_size_bytes, p.align);
	}
	return rc;
}

static int object_parse(struct object *o, struct error *err)
{
	struct elf_header h = { 0 };
	int rc = elf_header_read(o, &h, err);
	if (rc < 0)
		return rc;
	o->is_pie_or_shared = h.type == ET_DYN;
	o->machine = h.machine;
	rc = program_headers_read(o, &h, err);
	if (rc == 0 && !o->build_id_size)
		build_id_from_sections(o);
	return rc;
}

static int object_finish(struct object *o, const char *path, struct object **out, struct error *err)
{
	o->references = 1;
	o->path = strdup(path ? path : "");
	int rc = o->path ? object_parse(o, err) : fail(err, -ENOMEM, "out of memory");
	if (rc < 0) {
		object_unref(o);
		return fail_in(err, rc, "in '%s'", path ? path : "");
	}
	*out = o;
	return 0;
}

int object_open_fd(int fd, const char *path, struct object **out, struct error *err)
{
	_cleanup_close_ int guarded = fd;
	struct stat st;
	if (fstat(fd, &st) < 0)
		return fail_errno(err, "cannot look at '%s'", path);
	if (!S_ISREG(st.st_mode))
		return fail(err, -ENOEXEC, "'%s' is no regular file", path);
	struct object *o = calloc(1, sizeof(*o));
	if (!o)
		return fail(err, -ENOMEM, "out of memory");
	o->fd = take_fd(&guarded);
	o->image_size_bytes = (uint64_t)st.st_size;
	o->inode = st.st_ino;
	o->device = ((uint64_t)major(st.st_dev) << 32) | minor(st.st_dev);
	return object_finish(o, path, out, err);
}

int object_adopt_image(void *image, size_t size_bytes, const char *path, struct object **out,
		       struct error *err)
{
	struct object *o = calloc(1, sizeof(*o));
	if (!o) {
		free(image);
		return fail(err, -ENOMEM, "out of memory");
	}
	o->fd = -1;
	o->image = image;
	o->image_size_bytes = size_bytes;
	return object_finish(o, path, out, err);
}

int object_open_image(const void *image, size_t size_bytes, const char *path, struct object **out,
		      struct error *err)
{
	uint8_t *copy = malloc(size_bytes ? size_bytes : 1);
	if (!copy)
		return fail(err, -ENOMEM, "out of memory");
	memcpy(copy, image, size_bytes);
	return object_adopt_image(copy, size_bytes, path, out, err);
}

void object_set_root(struct object *o, struct file_root *root)
{
	file_root_unref(o->root);
	o->root = root ? file_root_ref(root) : NULL;
}

struct object *object_ref(struct object *o)
{
	__atomic_add_fetch(&o->references, 1, __ATOMIC_RELAXED);
	return o;
}

void object_unref(struct object *o)
{
	if (!o || __atomic_sub_fetch(&o->references, 1, __ATOMIC_ACQ_REL))
		return;
	if (o->fd >= 0)
		close(o->fd);
	file_root_unref(o->root);
	free((void *)(uintptr_t)o->image);
	free((void *)(uintptr_t)o->segments);
	free((void *)(uintptr_t)o->path);
	free(o);
}

bool object_vaddr_of(const struct object *o, uint64_t file_off, uint64_t *out_vaddr)
{
	bool found = false;
	for (uint32_t i = 0; i < o->segment_count; i++) {
		const struct object_segment *s = &o->segments[i];
		if (file_off < s->file_off || file_off - s->file_off >= s->file_size_bytes)
			continue;
		if (found && !s->executable)
			continue;
		*out_vaddr = s->vaddr + (file_off - s->file_off);
		found = true;
		if (s->executable)
			return true;
	}
	return found;
}
