// SPDX-License-Identifier: MIT
#include "process/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/map.h"
#include "process/cgroup_mounts.h"

enum {
	PROCS_FILE_MAX = 64 * 1024 * 1024,
	DEPTH_MAX = 64,
};

/* @return a descriptor of the folder if it is a control group's; -ENOENT if it is none */
static int open_group(const char *folder)
{
	_cleanup_close_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;
	if (fd < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	if (fstatfs(fd, &fs) < 0 ||
	    (fs.f_type != CGROUP_SUPER_MAGIC && fs.f_type != CGROUP2_SUPER_MAGIC))
		return -ENOENT;
	return take_fd(&fd);
}

static int keep(struct cgroup *out, const char *folder, int fd, struct error *err)
{
	out->folder = strdup(folder);
	if (!out->folder) {
		close(fd);
		return fail(err, -ENOMEM, "out of memory");
	}
	out->fd = fd;
	return 0;
}

static int not_found(const struct cgroup_mounts *mounts, const char *path, struct error *err)
{
	struct strbuf near = { 0 };
	if (!mounts->count)
		fail(err, -ENOENT, "no control group '%s': no cgroup hierarchy is mounted", path);
	else if (cgroup_mounts_nearest(mounts, path, &near))
		fail(err, -ENOENT, "no control group '%s'; did you mean '%s'?", path,
		     strbuf_text(&near));
	else
		fail(err, -ENOENT,
		     "no control group '%s'; name a folder below %s, or a group as "
		     "/proc/PID/cgroup shows it",
		     path, mounts->at[0].point);
	strbuf_deinit(&near);
	return -ENOENT;
}

static int look_below_mounts(const char *path, struct cgroup *out, struct error *err)
{
	struct cgroup_mounts mounts = { 0 };
	struct strbuf folder = { 0 };
	int r = cgroup_mounts_read(&mounts, err), fd = -ENOENT;
	for (size_t i = 0; r == 0 && fd == -ENOENT && i < mounts.count; i++) {
		cgroup_mounts_folder(&mounts.at[i], path, &folder);
		fd = folder.failed ? -ENOMEM : open_group(strbuf_text(&folder));
	}
	if (r == 0 && fd >= 0)
		r = keep(out, strbuf_text(&folder), fd, err);
	else if (r == 0 && fd == -ENOENT)
		r = not_found(&mounts, path, err);
	else if (r == 0)
		r = fail(err, fd, "cannot open the control group '%s': %s", path, strerror(-fd));
	strbuf_deinit(&folder);
	cgroup_mounts_deinit(&mounts);
	return r;
}

int cgroup_open(const char *path, struct cgroup *out, struct error *err)
{
	*out = (struct cgroup){ .fd = -1 };
	if (!*path)
		return fail(err, -EINVAL, "--cgroup wants a path like /system.slice/x.service");
	int fd = open_group(path);
	if (fd >= 0)
		return keep(out, path, fd, err);
	if (fd != -ENOENT)
		return fail(err, fd, "cannot open the control group '%s': %s", path, strerror(-fd));
	return look_below_mounts(path, out, err);
}

void cgroup_close(struct cgroup *g)
{
	cleanup_close(&g->fd);
	free(g->folder);
	*g = (struct cgroup){ .fd = -1 };
}

static int add_pids(int folder_fd, struct map64 *known, pid_list *out)
{
	_cleanup_close_ int fd = openat(folder_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	struct strbuf text = { 0 };
	int r = 0;
	if (fd >= 0 && read_all(fd, PROCS_FILE_MAX, &text, NULL) == 0) {
		char *at = text.text, *end;
		for (long pid; at && r == 0 && (pid = strtol(at, &end, 10), end != at); at = end) {
			if (pid <= 0 || pid > INT32_MAX || map64_get(known, (uint64_t)pid))
				continue;
			if (!map64_put(known, (uint64_t)pid, 1) || !vec_push(out, (pid_t)pid))
				r = -ENOMEM;
		}
	}
	strbuf_deinit(&text);
	return r;
}

/* @param folder_fd is closed */
static int add_below(int folder_fd, unsigned depth, struct map64 *known, pid_list *out)
{
	int r = add_pids(folder_fd, known, out);
	DIR *folder = fdopendir(folder_fd);
	if (!folder)
		close(folder_fd);
	for (const struct dirent *e; folder && r == 0 && depth && (e = readdir(folder));) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		int fd = openat(folder_fd, e->d_name,
				O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0)
			r = add_below(fd, depth - 1, known, out);
	}
	if (folder)
		closedir(folder);
	return r;
}

int cgroup_members(const struct cgroup *g, pid_list *out)
{
	struct map64 known = { 0 };
	int fd = openat(g->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? -ENOENT : add_below(fd, DEPTH_MAX, &known, out);
	map64_deinit(&known);
	return r;
}
