// SPDX-License-Identifier: MIT
#include "process/loaded_image.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/cursor.h"
#include "base/file.h"
#include "object/loaded.h"
#include "process/maps_file.h"
#include "process/memory.h"

enum {
	MAPS_MAX_BYTES = 64 << 20,
	PATH_BYTES = 8192,
	SEGMENTS_MAX = 128,
	HEADERS_MAX_BYTES = 64 << 10,
	IMAGE_MAX_BYTES = 256 << 20,
	CHUNK_BYTES = 1 << 20,
	NOTES_MAX_BYTES = 1 << 16,
};

/* A file as it is loaded: where its first byte is, and its program headers. */
struct loaded_file {
	pid_t pid;
	uint64_t base, bias, inode;
	Elf64_Phdr segments[SEGMENTS_MAX];
	uint32_t segment_count;
};

/* A mapping of a file's first bytes. */
struct first_bytes {
	uint64_t start, device, inode;
	char path[PATH_BYTES];
};

static bool same_file(const struct first_bytes *first, const struct record_mmap *mmap)
{
	return first->start && first->inode == mmap->inode && first->device == mmap->device &&
	       !strcmp(first->path, mmap->path);
}

/* Parts of a file are mapped in the order of their addresses, its header first. */
static int find_base(struct cursor c, uint64_t start, struct loaded_file *out)
{
	_cleanup_free_ struct first_bytes *first = calloc(1, sizeof(*first));
	char path[PATH_BYTES];
	struct record_mmap mmap;
	while (first && maps_file_next_any(&c, &mmap, path, sizeof(path)) && mmap.start <= start) {
		if (!mmap.file_off) {
			*first = (struct first_bytes){ .start = mmap.start,
						       .device = mmap.device,
						       .inode = mmap.inode };
			snprintf(first->path, sizeof(first->path), "%s", path);
		}
		if (mmap.end <= start)
			continue;
		out->base = first->start;
		out->inode = mmap.inode;
		return same_file(first, &mmap) ? 0 : -ESTALE;
	}
	return first ? -ESTALE : -ENOMEM;
}

static int read_base(pid_t pid, uint64_t start, struct loaded_file *out)
{
	char path[64];
	struct strbuf text = { 0 };
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	int r = read_file(path, MAPS_MAX_BYTES, &text, NULL);
	if (r == 0)
		r = find_base(cursor_of(text.text, text.length), start, out);
	strbuf_deinit(&text);
	return r;
}

static int read_headers(struct loaded_file *f)
{
	Elf64_Ehdr h;
	if (!process_read(f->pid, f->base, &h, sizeof(h)))
		return -EPERM;
	if (memcmp(h.e_ident, ELFMAG, SELFMAG) != 0 || h.e_ident[EI_CLASS] != ELFCLASS64 ||
	    h.e_machine != EM_X86_64 || h.e_phentsize != sizeof(Elf64_Phdr) ||
	    h.e_phnum > SEGMENTS_MAX || h.e_phoff > HEADERS_MAX_BYTES)
		return -ENOEXEC;
	if (!process_read(f->pid, f->base + h.e_phoff, f->segments, h.e_phnum * sizeof(Elf64_Phdr)))
		return -EPERM;
	f->segment_count = h.e_phnum;
	for (uint32_t i = 0; i < f->segment_count; i++) {
		const Elf64_Phdr *p = &f->segments[i];
		/* The page of the file's first byte; offset and vaddr agree within a page. */
		if (p->p_type == PT_LOAD && p->p_offset < HEADERS_MAX_BYTES) {
			f->bias = f->base - (p->p_vaddr - p->p_offset);
			return 0;
		}
	}
	return -ENOEXEC;
}

static int loaded_file_find(pid_t pid, uint64_t start, struct loaded_file *out)
{
	*out = (struct loaded_file){ .pid = pid };
	int r = read_base(pid, start, out);
	return r < 0 ? r : read_headers(out);
}

static int image_bytes(const struct loaded_file *f, uint64_t *out)
{
	uint64_t size = 0;
	for (uint32_t i = 0; i < f->segment_count; i++) {
		const Elf64_Phdr *p = &f->segments[i];
		uint64_t end = p->p_offset + p->p_filesz;
		if (p->p_type != PT_LOAD)
			continue;
		if (end < p->p_offset || end > IMAGE_MAX_BYTES)
			return -EFBIG;
		size = end > size ? end : size;
	}
	*out = size;
	return size < sizeof(Elf64_Ehdr) ? -ENOEXEC : 0;
}

/* What cannot be read stays zero: readers of the image then find it damaged, or do without. */
static void read_segments(const struct loaded_file *f, uint8_t *image)
{
	for (uint32_t i = 0; i < f->segment_count; i++) {
		const Elf64_Phdr *p = &f->segments[i];
		if (p->p_type != PT_LOAD)
			continue;
		for (uint64_t done = 0; done < p->p_filesz; done += CHUNK_BYTES) {
			uint64_t left = p->p_filesz - done;
			process_read(f->pid, f->bias + p->p_vaddr + done,
				     image + p->p_offset + done,
				     left < CHUNK_BYTES ? left : CHUNK_BYTES);
		}
	}
}

static int read_image(const struct loaded_file *f, const char *path, struct object **out,
		      struct error *err)
{
	uint64_t size;
	int r = image_bytes(f, &size);
	if (r < 0)
		return fail(err, r, "'%s' is too large to be read from memory", path);
	uint8_t *image = calloc(1, size);
	if (!image)
		return fail(err, -ENOMEM, "out of memory");
	read_segments(f, image);
	return object_open_loaded(image, size, f->bias, path, out, err);
}

static bool is_stale(const struct mapped_open *what, const struct loaded_file *f,
		     const struct object *o)
{
	if (what->build_id_size)
		return o->build_id_size != what->build_id_size ||
		       memcmp(o->build_id, what->build_id, o->build_id_size) != 0;
	return what->inode && f->inode != what->inode;
}

int loaded_image_open(const struct mapped_open *what, struct object **out, struct error *err)
{
	struct loaded_file file;
	struct object *o;
	int r = loaded_file_find(what->pid, what->start, &file);
	if (r < 0)
		return fail(err, r, "'%s' cannot be read from the memory of process %d: %s",
			    what->path, (int)what->pid, strerror(-r));
	r = read_image(&file, what->path, &o, err);
	if (r < 0)
		return r;
	if (is_stale(what, &file, o)) {
		object_unref(o);
		return fail(err, -ESTALE, "'%s' is no longer mapped in process %d", what->path,
			    (int)what->pid);
	}
	*out = o;
	return 0;
}

static bool take_build_id(struct cursor *c, struct loaded_identity *out)
{
	size_t name_bytes = cursor_u32(c), bytes = cursor_u32(c);
	uint32_t type = cursor_u32(c);
	const char *name = cursor_take(c, (name_bytes + 3) & ~(size_t)3);
	const uint8_t *id = cursor_take(c, (bytes + 3) & ~(size_t)3);
	if (c->bad || type != NT_GNU_BUILD_ID || name_bytes != 4 || memcmp(name, "GNU", 4) != 0 ||
	    !bytes || bytes > BUILD_ID_MAX)
		return false;
	memcpy(out->build_id, id, bytes);
	out->build_id_size = (uint8_t)bytes;
	return true;
}

void loaded_identity_read(pid_t pid, uint64_t start, struct loaded_identity *out)
{
	struct loaded_file f;
	*out = (struct loaded_identity){ 0 };
	out->is_elf = loaded_file_find(pid, start, &f) == 0;
	for (uint32_t i = 0; out->is_elf && i < f.segment_count && !out->build_id_size; i++) {
		const Elf64_Phdr *p = &f.segments[i];
		if (p->p_type != PT_NOTE || !p->p_filesz || p->p_filesz > NOTES_MAX_BYTES)
			continue;
		_cleanup_free_ uint8_t *notes = malloc(p->p_filesz);
		if (!notes || !process_read(pid, f.bias + p->p_vaddr, notes, p->p_filesz))
			continue;
		struct cursor c = cursor_of(notes, p->p_filesz);
		while (cursor_left(&c) && !take_build_id(&c, out))
			;
	}
}
