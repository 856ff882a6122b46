// SPDX-License-Identifier: MIT
#include "runtime/jit_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "process/namespaces.h"
#include "runtime/jitdump.h"
#include "runtime/perf_map.h"

enum {
	PIECE_BYTES = 1 << 20,
	FILE_MAX_BYTES = 512 << 20, /* what is read of one file, however often it is written anew */
	TAIL_BYTES = 64,
	PATH_BYTES = 4096,
};

struct growing {
	int fd; /* -1: none yet */
	uint64_t inode, offset, read_bytes;
	uint8_t tail
		[TAIL_BYTES]; /* the last bytes that were read, which tell whether it was written anew */
	size_t tail_bytes;
	uint64_t read_ns; /* when it was read last */
};

struct jit_files {
	struct file_root *roots[2]; /* the process's, ours */
	pid_t pids[2];              /* as it is called in each */
	uid_t user;
	struct growing map, dump;
	char *dump_path;
	struct jitdump jitdump;
	struct jit_codes codes;
	uint8_t *piece;
	struct error refusal;
};

int jit_files_create(struct file_roots *roots, pid_t pid, struct jit_files **out, struct error *err)
{
	struct jit_files *f = calloc(1, sizeof(*f));
	if (!f || jit_codes_init(&f->codes) < 0) {
		free(f);
		return fail(err, -ENOMEM, "out of memory");
	}
	f->map.fd = f->dump.fd = -1;
	pid_t inner = process_inner_pid(pid);
	f->pids[0] = inner ? inner : pid;
	f->pids[1] = pid;
	int r = process_file_user(pid, &f->user) ? 0 : fail(err, -ESRCH, "no process %d", (int)pid);
	if (r == 0)
		r = file_roots_get(roots, 0, &f->roots[1], err);
	if (r == 0 && file_roots_get(roots, pid, &f->roots[0], NULL) < 0)
		f->roots[0] = NULL; /* no right to look: where it shares our mounts, ours will do */
	if (r == 0) {
		f->piece = malloc(PIECE_BYTES);
		r = f->piece ? 0 : fail(err, -ENOMEM, "out of memory");
	}
	if (r < 0) {
		jit_files_destroy(f);
		return r;
	}
	*out = f;
	return 0;
}

void jit_files_destroy(struct jit_files *f)
{
	if (!f)
		return;
	for (int i = 0; i < 2; i++)
		if (f->roots[i])
			file_root_unref(f->roots[i]);
	cleanup_close(&f->map.fd);
	cleanup_close(&f->dump.fd);
	jitdump_deinit(&f->jitdump);
	jit_codes_deinit(&f->codes);
	free(f->dump_path);
	free(f->piece);
	free(f);
}

void jit_files_set_dump(struct jit_files *f, const char *path)
{
	if (!f->dump_path)
		f->dump_path = strdup(path);
}

struct jit_codes *jit_files_codes(struct jit_files *f)
{
	return &f->codes;
}

const char *jit_files_refusal(const struct jit_files *f)
{
	return f->refusal.text[0] ? f->refusal.text : NULL;
}

static void refuse(struct jit_files *f, const char *why)
{
	if (!f->refusal.text[0])
		fail(&f->refusal, 0, "%s", why);
}

static bool is_trusted(struct jit_files *f, const char *path, const struct stat *st)
{
	char why[PATH_BYTES];
	if (st->st_uid == f->user || st->st_uid == 0)
		return true;
	snprintf(why, sizeof(why), "'%s' belongs to user %u, not to the process's user %u", path,
		 (unsigned)st->st_uid, (unsigned)f->user);
	refuse(f, why);
	return false;
}

/* The path may lead to another file now; one that is open already stays if it was removed. */
static void look_again(struct jit_files *f, struct growing *g, struct file_root *root,
		       const char *path)
{
	struct opened_file file;
	struct error why = { 0 };
	struct stat st;
	int r = file_root_open_growing(root, path, &file, &why);
	if (r < 0) {
		if (r != -ENOENT && r != -ENOTDIR && r != -EAGAIN && g->fd < 0)
			refuse(f, why.text);
		return;
	}
	if (fstat(file.fd, &st) < 0 || file.inode == g->inode || !is_trusted(f, path, &st)) {
		close(file.fd);
		return;
	}
	cleanup_close(&g->fd);
	g->fd = file.fd;
	g->inode = file.inode;
	g->offset = g->tail_bytes = 0;
}

/* A perf map may be written anew into the same file: then what was read last stands there no more. */
static bool was_written_anew(const struct growing *g)
{
	uint8_t now[TAIL_BYTES];
	uint64_t at = g->offset - g->tail_bytes;
	return pread(g->fd, now, g->tail_bytes, (off_t)at) != (ssize_t)g->tail_bytes ||
	       memcmp(now, g->tail, g->tail_bytes) != 0;
}

static void remember_tail(struct growing *g, const uint8_t *bytes, size_t count)
{
	size_t n = count < TAIL_BYTES ? count : TAIL_BYTES;
	if (!n)
		return;
	memcpy(g->tail, bytes + count - n, n);
	g->tail_bytes = n;
}

/* @return how many bytes there are to work on; 0 at the end */
static size_t next_piece(struct jit_files *f, struct growing *g)
{
	if (g->read_bytes >= FILE_MAX_BYTES) {
		refuse(f, "what it says of code made at run time has more than 512 MiB; the rest "
			  "was not read");
		return 0;
	}
	ssize_t n = pread(g->fd, f->piece, PIECE_BYTES, (off_t)g->offset);
	return n > 0 ? (size_t)n : 0;
}

static int read_map(struct jit_files *f, uint64_t now_ns, size_t max_bytes)
{
	struct growing *g = &f->map;
	uint64_t done = 0;
	size_t count;
	if (g->tail_bytes && was_written_anew(g))
		g->offset = g->tail_bytes = 0;
	while (done < max_bytes && (count = next_piece(f, g)) > 0) {
		struct cursor c = cursor_of(f->piece, count);
		if (perf_map_read(&c, g->read_ns, &f->codes) < 0)
			return -ENOMEM;
		size_t used = cursor_offset(&c);
		if (!used && count == PIECE_BYTES)
			used = count; /* a line without an end */
		if (!used)
			break;
		remember_tail(g, f->piece, used);
		g->offset += used;
		g->read_bytes += used;
		done += used;
	}
	if (done < max_bytes)
		g->read_ns = now_ns;
	return done > 0;
}

static int read_dump(struct jit_files *f, size_t max_bytes)
{
	struct growing *g = &f->dump;
	struct error why = { 0 };
	uint64_t begin = g->offset;
	size_t count;
	while (g->offset - begin < max_bytes && (count = next_piece(f, g)) > 0) {
		uint64_t before = g->offset;
		int r = jitdump_read(&f->jitdump, cursor_of(f->piece, count), &g->offset, &f->codes,
				     &why);
		if (r == -ENOMEM)
			return r;
		if (r < 0 && why.text[0]) {
			fail_in(&why, 0, "'%s'", f->dump_path);
			refuse(f, why.text);
		}
		if (g->offset == before)
			break;
		g->read_bytes += count;
	}
	return g->offset > begin;
}

static void find_map(struct jit_files *f)
{
	char path[64];
	for (int i = 0; i < 2; i++) {
		if (!f->roots[i] || (i && f->map.fd >= 0))
			continue;
		snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)f->pids[i]);
		look_again(f, &f->map, f->roots[i], path);
	}
}

static void find_dump(struct jit_files *f)
{
	for (int i = 0; f->dump_path && i < 2 && f->dump.fd < 0; i++)
		if (f->roots[i])
			look_again(f, &f->dump, f->roots[i], f->dump_path);
}

int jit_files_read(struct jit_files *f, uint64_t now_ns, size_t max_bytes)
{
	find_map(f);
	find_dump(f);
	int map = f->map.fd < 0 ? 0 : read_map(f, now_ns, max_bytes);
	int dump = f->dump.fd < 0 || map < 0 ? 0 : read_dump(f, max_bytes);
	if (f->codes.full)
		refuse(f, "it made more functions at run time than the limit");
	return map < 0 || dump < 0 ? -ENOMEM : map || dump;
}
