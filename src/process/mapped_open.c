// SPDX-License-Identifier: MIT
#include "process/mapped_open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "process/build_id_cache.h"
#include "process/loaded_image.h"

/* O_PATH first: opening a FIFO or a device may hang or act; only a regular file is opened in earnest. */
static int reopen_regular(int path_fd, struct error *err)
{
	struct stat st;
	char self[64];
	if (fstat(path_fd, &st) < 0)
		return fail_errno(err, "cannot stat");
	if (!S_ISREG(st.st_mode))
		return fail(err, -EINVAL, "is no regular file");
	snprintf(self, sizeof(self), "/proc/self/fd/%d", path_fd);
	int fd = open(self, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? fail_errno(err, "cannot open") : fd;
}

static int open_plain(const char *path, struct error *err)
{
	_cleanup_close_ int path_fd = open(path, O_PATH | O_CLOEXEC);
	return path_fd < 0 ? fail_errno(err, "cannot open '%s'", path)
			   : reopen_regular(path_fd, err);
}

/* Links below a target's root are resolved inside it, whatever they say. */
static int open_below_root(pid_t pid, const char *path, struct error *err)
{
	char root[64];
	snprintf(root, sizeof(root), "/proc/%d/root", (int)pid);
	_cleanup_close_ int root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return fail_errno(err, "cannot open '%s'", root);
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	_cleanup_close_ int path_fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	return path_fd < 0 ? fail_errno(err, "cannot open '%s%s'", root, path)
			   : reopen_regular(path_fd, err);
}

static bool is_what_was_mapped(const struct mapped_open *what, const struct object *o)
{
	if (what->build_id_size)
		return o->build_id_size == what->build_id_size &&
		       !memcmp(o->build_id, what->build_id, o->build_id_size);
	/* Device numbers differ on overlayfs and btrfs and prove nothing. */
	return !what->inode || o->inode == what->inode;
}

static int take(int fd, const struct mapped_open *what, struct object **out, struct error *err)
{
	struct object *o;
	int r = object_open_fd(fd, what->path, &o, err);
	if (r < 0)
		return r;
	if (!is_what_was_mapped(what, o)) {
		object_unref(o);
		return fail(err, -ESTALE, "'%s' is not the file that was mapped: it was replaced",
			    what->path);
	}
	*out = o;
	return 0;
}

/*
 * An inode may be used again, or its content be overwritten: where the mapping does not tell the
 * build-id, the process's memory does.
 */
static void learn_build_id(struct mapped_open *what)
{
	struct loaded_identity loaded;
	if (what->build_id_size)
		return;
	loaded_identity_read(what->pid, what->start, &loaded);
	what->build_id_size = loaded.build_id_size;
	memcpy(what->build_id, loaded.build_id, sizeof(what->build_id));
}

/* The mapping itself: right also for deleted and replaced files and memfds. The process may have gone
 * on to map something else there, so identity is checked where it is known. */
static int open_mapping(const struct mapped_open *what, struct object **out)
{
	char link[128];
	snprintf(link, sizeof(link), "/proc/%d/map_files/%llx-%llx", (int)what->pid,
		 (unsigned long long)what->start, (unsigned long long)what->end);
	int fd = open_plain(link, NULL);
	return fd < 0 ? fd : take(fd, what, out, NULL);
}

static int open_program(const struct mapped_open *what, struct object **out)
{
	char link[64];
	snprintf(link, sizeof(link), "/proc/%d/exe", (int)what->pid);
	bool is_known = what->build_id_size || what->inode;
	int fd = is_known ? open_plain(link, NULL) : -ENOENT;
	return fd < 0 ? fd : take(fd, what, out, NULL);
}

/* Of a process in a file only the path is left, and what perf has put by. */
static int open_recorded(const struct mapped_open *what, struct object **out, struct error *err)
{
	int fd = open_plain(what->path, err);
	int r = fd < 0 ? fd : take(fd, what, out, err);
	if (r < 0 &&
	    build_id_cache_open(what->build_id_dir, what->build_id, what->build_id_size, out) == 0)
		return 0;
	return r;
}

int mapped_open(const struct mapped_open *wanted, struct object **out, struct error *err)
{
	if (!wanted->pid)
		return open_recorded(wanted, out, err);
	if (open_mapping(wanted, out) == 0)
		return 0;
	struct mapped_open what = *wanted;
	learn_build_id(&what);
	int fd = open_below_root(what.pid, what.path, NULL);
	if (fd >= 0 && take(fd, &what, out, NULL) == 0)
		return 0;
	if (open_program(&what, out) == 0)
		return 0;
	/* The process may have ended: the same path as we see it, if it is the same file. */
	fd = open_plain(what.path, err);
	int r = fd < 0 ? fd : take(fd, &what, out, err);
	if (r < 0 && loaded_image_open(&what, out, NULL) == 0)
		return 0;
	return r;
}
