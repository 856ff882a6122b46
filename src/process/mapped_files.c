// SPDX-License-Identifier: MIT
#include "process/mapped_files.h"

#include <string.h>

bool mapped_files_init(struct mapped_files *f)
{
	return vec_push(&f->rows, (struct mapped_file){ 0 });
}

void mapped_files_deinit(struct mapped_files *f)
{
	vec_free(&f->rows);
	index_deinit(&f->index);
}

static bool begins(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

/* As the kernel names what has no file behind it: kernel/events/core.c, perf_event_mmap_event. */
static enum mapped_kind kind_of(const char *path, bool is_elf)
{
	if (!strcmp(path, "[vdso]"))
		return MAPPED_VDSO;
	if (!strcmp(path, "[vsyscall]") || !strcmp(path, "[uprobes]"))
		return MAPPED_SPECIAL;
	if (path[0] != '/' || begins(path, "//anon") || begins(path, "/dev/zero") ||
	    begins(path, "/anon_hugepage") || begins(path, "/SYSV") ||
	    (begins(path, "/memfd:") && !is_elf))
		return MAPPED_ANON;
	return MAPPED_FILE;
}

static uint64_t key_of(const struct mapped_file *f)
{
	if (f->build_id_size)
		return hash_bytes(f->build_id, f->build_id_size);
	return hash_u64(f->device ^ hash_u64(f->inode ^ hash_u64(f->path.v)));
}

static bool same(const struct mapped_file *a, const struct mapped_file *b)
{
	if (a->kind != b->kind || a->build_id_size != b->build_id_size)
		return false;
	if (a->build_id_size)
		return !memcmp(a->build_id, b->build_id, a->build_id_size);
	return a->device == b->device && a->inode == b->inode && a->path.v == b->path.v;
}

static string_id path_of(struct strings *strings, const char *path, bool *deleted)
{
	static const char suffix[] = " (deleted)";
	size_t length = strlen(path), n = sizeof(suffix) - 1;
	*deleted = length > n && !strcmp(path + length - n, suffix);
	return strings_intern_bytes(strings, path, *deleted ? length - n : length);
}

mapped_id mapped_files_intern(struct mapped_files *f, struct strings *strings, pid_t pid,
			      const struct record_mmap *mmap)
{
	struct mapped_file file = { .kind = kind_of(mmap->path, mmap->has_build_id || mmap->is_elf),
				    .seen_pid = pid };
	/* What a JIT maps may have a name of its own each time: it is not kept. */
	file.path =
		path_of(strings, file.kind == MAPPED_ANON ? "//anon" : mmap->path, &file.deleted);
	if (file.kind == MAPPED_FILE && mmap->has_build_id && mmap->build_id_size <= BUILD_ID_MAX) {
		file.build_id_size = mmap->build_id_size;
		memcpy(file.build_id, mmap->build_id, mmap->build_id_size);
	} else if (file.kind == MAPPED_FILE) {
		file.device = mmap->device;
		file.inode = mmap->inode;
	}
	file.seen_start = mmap->start;
	file.seen_end = mmap->end;
	uint64_t key = key_of(&file);
	uint32_t row;
	for (struct index_probe p = index_find(&f->index, key); (row = index_next(&f->index, &p));)
		if (same(&f->rows.at[row], &file))
			return (mapped_id){ row };
	row = (uint32_t)f->rows.count;
	if (!vec_push(&f->rows, file))
		return (mapped_id){ 0 };
	if (!index_add(&f->index, key, row)) {
		f->rows.count--;
		return (mapped_id){ 0 };
	}
	return (mapped_id){ row };
}
