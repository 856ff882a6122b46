// SPDX-License-Identifier: MIT
#include "space.h"

#include <elf.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

static int open_vdso(struct object **out, struct error *e)
{
	const Elf64_Ehdr *h = (const Elf64_Ehdr *)getauxval(AT_SYSINFO_EHDR);
	if (!h)
		return -ENOENT;
	return object_open_image(h, h->e_shoff + (size_t)h->e_shentsize * h->e_shnum, "[vdso]", out,
				 e);
}

static uint64_t find_eh_frame_hdr(const struct object *o)
{
	Elf64_Ehdr h;
	Elf64_Phdr p;
	if (object_read(o, 0, &h, sizeof(h), NULL) < 0)
		return 0;
	for (unsigned i = 0; i < h.e_phnum; i++) {
		if (object_read(o, h.e_phoff + i * sizeof(p), &p, sizeof(p), NULL) < 0)
			return 0;
		if (p.p_type == PT_GNU_EH_FRAME)
			return p.p_vaddr;
	}
	return 0;
}

static struct image *image_of(struct spaces *s, const char *path)
{
	for (size_t i = 0; i < s->images.count; i++) {
		if (!strcmp(s->images.at[i]->path, path))
			return s->images.at[i];
	}
	struct image *image = calloc(1, sizeof(*image));
	struct error e = { 0 };
	if (!image || !(image->path = strdup(path)) || !vec_push(&s->images, image))
		errx(1, "no memory");
	int r = !strcmp(path, "[vdso]") ? open_vdso(&image->object, &e)
					: object_open_fd(open(path, O_RDONLY | O_CLOEXEC), path,
							 &image->object, &e);
	if (r < 0) {
		warnx("%s: %s", path, e.text);
		image->object = NULL;
		return image;
	}
	r = unwind_table_create(image->object, &image->table, &e);
	if (r < 0) {
		warnx("%s: no table (%d) %s", path, r, e.text);
		image->table = NULL;
	}
	image->eh_frame_hdr_vaddr = find_eh_frame_hdr(image->object);
	image->bytes = image->object->image;
	if (image->object->fd >= 0)
		image->bytes = mmap(NULL, image->object->image_size_bytes, PROT_READ, MAP_PRIVATE,
				    image->object->fd, 0);
	if (image->bytes == MAP_FAILED)
		err(1, "mmap of %s", path);
	return image;
}

struct space *space_of(struct spaces *s, pid_t pid)
{
	for (size_t i = 0; i < s->all.count; i++) {
		if (s->all.at[i]->pid == pid)
			return s->all.at[i];
	}
	s->changed = true;
	struct space *space = calloc(1, sizeof(*space));
	if (!space || !vec_push(&s->all, space))
		errx(1, "no memory");
	space->pid = pid;
	return space;
}

/* The newest mapping hides what it covers. */
void space_map(struct spaces *s, pid_t pid, uint64_t start, uint64_t size_bytes, uint64_t file_off,
	       const char *path)
{
	struct space *space = space_of(s, pid);
	struct map map = { .start = start, .end = start + size_bytes };
	bool is_file = path[0] == '/' && path[1] != '/' && strncmp(path, "/memfd", 6) != 0;
	if (is_file || !strcmp(path, "[vdso]"))
		map.image = image_of(s, path);
	uint64_t vaddr;
	if (map.image && map.image->object && object_vaddr_of(map.image->object, file_off, &vaddr))
		map.bias = start - vaddr;
	s->changed = true;
	if (!vec_push(&space->maps, map))
		errx(1, "no memory");
}

void space_fork(struct spaces *s, pid_t parent, pid_t child)
{
	struct space *from = space_of(s, parent), *to = space_of(s, child);
	to->maps.count = 0;
	s->changed = true;
	for (size_t i = 0; i < from->maps.count; i++) {
		if (!vec_push(&to->maps, from->maps.at[i]))
			errx(1, "no memory");
	}
}

void space_exec(struct spaces *s, pid_t pid)
{
	space_of(s, pid)->maps.count = 0;
	s->changed = true;
}

const struct map *space_find(const struct space *s, uint64_t pc)
{
	for (size_t i = s->maps.count; i-- > 0;) {
		if (pc >= s->maps.at[i].start && pc < s->maps.at[i].end)
			return &s->maps.at[i];
	}
	return NULL;
}

static bool read_image(const struct map *map, uint64_t address, void *out, size_t size_bytes)
{
	const struct object *o = map->image ? map->image->object : NULL;
	uint64_t vaddr = address - map->bias;
	for (uint32_t i = 0; o && i < o->segment_count; i++) {
		const struct object_segment *g = &o->segments[i];
		if (vaddr >= g->vaddr && vaddr - g->vaddr < g->file_size_bytes &&
		    size_bytes <= g->file_size_bytes - (vaddr - g->vaddr)) {
			memcpy(out, map->image->bytes + g->file_off + (vaddr - g->vaddr),
			       size_bytes);
			return true;
		}
	}
	return false;
}

bool space_read(const struct space *s, uint64_t address, void *out, size_t size_bytes)
{
	for (size_t i = s->maps.count; i-- > 0;) {
		if (read_image(&s->maps.at[i], address, out, size_bytes))
			return true;
	}
	return false;
}
