// SPDX-License-Identifier: MIT
#include "process/live.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "process/loaded_image.h"
#include "process/maps_file.h"
#include "process/remedies.h"
#include "process/rights.h"
#include "process/stat_file.h"

enum { PROC_FILE_MAX = 256 * 1024 * 1024, PATH_BYTES = 8192 };

static int read_proc(const char *path, struct strbuf *out, struct error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ESRCH
			       ? -ESRCH
			       : fail_errno(err, "cannot read '%s'", path);
	int r = read_all(fd, PROC_FILE_MAX, out, err);
	return r < 0 && r != -ESRCH ? fail_in(err, r, "'%s'", path) : r;
}

/* A library in a memfd has a name like a JIT's memory: what it holds tells which it is. */
static void look_into_memfd(pid_t pid, struct record_mmap *mmap)
{
	static const char prefix[] = "/memfd:";
	struct loaded_identity loaded;
	if (strncmp(mmap->path, prefix, sizeof(prefix) - 1) != 0)
		return;
	loaded_identity_read(pid, mmap->start, &loaded);
	mmap->is_elf = loaded.is_elf;
	mmap->has_build_id = loaded.build_id_size > 0;
	mmap->build_id_size = loaded.build_id_size;
	memcpy(mmap->build_id, loaded.build_id, sizeof(mmap->build_id));
}

static int read_mappings(pid_t pid, void (*on_mapping)(void *, const struct record_mmap *),
			 void *context, struct error *err)
{
	char file[64], path[PATH_BYTES];
	snprintf(file, sizeof(file), "/proc/%d/maps", (int)pid);
	struct strbuf text = { 0 };
	int r = read_proc(file, &text, err);
	struct cursor c = cursor_of(text.text, text.length);
	struct record_mmap mmap;
	while (r == 0 && maps_file_next(&c, &mmap, path, sizeof(path))) {
		look_into_memfd(pid, &mmap);
		on_mapping(context, &mmap);
	}
	strbuf_deinit(&text);
	return r;
}

static void read_comm(const char *path, char *out, size_t size)
{
	struct strbuf text = { 0 };
	out[0] = 0;
	if (read_proc(path, &text, NULL) == 0)
		snprintf(out, size, "%.*s", (int)strcspn(strbuf_text(&text), "\n"),
			 strbuf_text(&text));
	strbuf_deinit(&text);
}

static void read_threads(pid_t pid, void (*on_thread)(void *, pid_t, const char *), void *context)
{
	char path[64], comm[64];
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *dir = opendir(path);
	for (struct dirent *e; dir && (e = readdir(dir));) {
		pid_t tid = (pid_t)strtol(e->d_name, NULL, 10);
		if (tid <= 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", (int)pid, (int)tid);
		read_comm(path, comm, sizeof(comm));
		if (comm[0])
			on_thread(context, tid, comm);
	}
	if (dir)
		closedir(dir);
}

static int refused(pid_t pid, int code, struct error *err)
{
	struct process_owner owner;
	process_owner_read(pid, &owner);
	const char *what = owner.undumpable ? "it has hidden its memory"
			   : owner.known    ? "it belongs to "
					    : "not permitted";
	return fail(err, code,
		    "cannot see what process %d has mapped: %s%s; run '%s', or grant "
		    "CAP_SYS_PTRACE",
		    (int)pid, what, owner.known && !owner.undumpable ? owner.name : "",
		    remedy(REMEDY_SUDO)->command);
}

int live_read(pid_t pid, void (*on_mapping)(void *context, const struct record_mmap *mmap),
	      void (*on_thread)(void *context, pid_t tid, const char *comm), void *context,
	      struct live_process *out, struct error *err)
{
	char path[64];
	*out = (struct live_process){ 0 };
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	read_comm(path, out->comm, sizeof(out->comm));
	struct stat_file stat;
	if (stat_file_read(pid, &stat)) {
		out->parent_pid = stat.parent_pid;
		out->start_ticks = stat.start_ticks;
	}
	read_threads(pid, on_thread, context);
	int r = read_mappings(pid, on_mapping, context, err);
	if (r == -EACCES || r == -EPERM)
		return refused(pid, r, err);
	return r == -ESRCH ? fail(err, -ESRCH, "no process %d", (int)pid) : r;
}
