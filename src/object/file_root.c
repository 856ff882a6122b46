// SPDX-License-Identifier: MIT
#include "object/file_root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/vec.h"
#include "object/open_apart.h"

enum {
	MOUNTS_MAX_BYTES = 16 << 20,
	PLACE_BYTES = 512,
	SILENCES_MAX = 3, /* then a root's slow file systems are not asked again */
	NEVER_APART = -2, /* as the root of a request */
};

struct file_root {
	int fd;
	uint64_t inode, mount_id, namespace_inode;
	char place[PLACE_BYTES];    /* of a changed root (chroot) in its mount namespace, else "" */
	VEC(uint64_t) local_mounts; /* ids of those whose file system answers by itself */
	bool has_slow_mounts, is_local;
	uint32_t references; /* atomic */
	int silences;        /* atomic */
};

static bool is_one_of(const char *word, size_t length, const char *list)
{
	for (const char *at = list; *at; at += strcspn(at, " ") + (at[strcspn(at, " ")] == ' '))
		if (strcspn(at, " ") == length && !memcmp(at, word, length))
			return true;
	return false;
}

/* Lines are "ID PARENT MAJOR:MINOR ROOT PLACE OPTIONS [TAGS] - TYPE SOURCE OPTIONS": proc(5). */
static bool add_mounts(struct file_root *r, const char *text)
{
	/* They ask no server and no daemon: filesystems(5). */
	static const char local[] = "ext2 ext3 ext4 xfs btrfs tmpfs overlay zfs bcachefs f2fs vfat "
				    "squashfs erofs iso9660 ramfs jfs rootfs exfat ntfs3 devtmpfs "
				    "nilfs2 hugetlbfs cramfs";
	/* The kernel's own: nothing that is mapped lies there. */
	static const char own[] =
		"proc sysfs cgroup cgroup2 devpts mqueue securityfs debugfs tracefs "
		"pstore bpf configfs fusectl binfmt_misc nsfs selinuxfs efivarfs";
	for (const char *line = text; *line;) {
		size_t length = strcspn(line, "\n");
		const char *type = memmem(line, length, " - ", 3);
		size_t type_bytes = type ? strcspn(type + 3, " \n") : 0;
		uint64_t id = strtoull(line, NULL, 10);
		if (!type || !is_one_of(type + 3, type_bytes, local))
			r->has_slow_mounts |= !type || !is_one_of(type + 3, type_bytes, own);
		else if (!vec_push(&r->local_mounts, id))
			return false;
		else
			r->is_local |= id == r->mount_id;
		line += length + (line[length] == '\n');
	}
	return true;
}

static uint64_t inode_of_link(const char *path)
{
	struct stat st;
	return stat(path, &st) < 0 ? 0 : st.st_ino;
}

/* Asks no server: what the kernel remembers will do. */
static int look(int fd, struct statx *out)
{
	return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
		     STATX_TYPE | STATX_INO | STATX_MNT_ID, out) < 0
		       ? -errno
		       : 0;
}

static int identify(struct file_root *r, const char *process, struct error *err)
{
	char path[64];
	struct statx st;
	snprintf(path, sizeof(path), "%s/root", process);
	r->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r->fd < 0 || look(r->fd, &st) < 0)
		return fail_errno(err, "cannot open '%s'", path);
	ssize_t n = readlink(path, r->place, sizeof(r->place) - 1);
	r->place[n > 1 && n < PLACE_BYTES - 1 ? n : 0] = 0;
	r->inode = st.stx_ino;
	r->mount_id = st.stx_mnt_id;
	snprintf(path, sizeof(path), "%s/ns/mnt", process);
	r->namespace_inode = inode_of_link(path);
	return 0;
}

static bool read_mounts_of(struct file_root *r, const char *process)
{
	char path[64];
	struct strbuf text = { 0 };
	snprintf(path, sizeof(path), "%s/mountinfo", process);
	bool ok = true;
	if (read_file(path, MOUNTS_MAX_BYTES, &text, NULL) < 0)
		r->has_slow_mounts = true;
	else
		ok = add_mounts(r, strbuf_text(&text));
	strbuf_deinit(&text);
	return ok;
}

/* Memory files lie on a mount of the kernel's own, which no list shows. */
static bool add_memory_mount(struct file_root *r)
{
	struct statx st;
	_cleanup_close_ int fd = memfd_create("perfprof-mount", MFD_CLOEXEC);
	return fd < 0 || look(fd, &st) < 0 || vec_push(&r->local_mounts, st.stx_mnt_id);
}

/* A process that has changed its root is not shown the mount that its root lies on. We may be: ids of
 * mounts are those of the machine. */
static int read_mounts(struct file_root *r, const char *process, struct error *err)
{
	bool ok = read_mounts_of(r, process) && read_mounts_of(r, "/proc/self") &&
		  add_memory_mount(r);
	return ok ? 0 : fail(err, -ENOMEM, "out of memory");
}

/* One root folder in one mount namespace: both see the same files. */
static bool same(const struct file_root *a, const struct file_root *b)
{
	return a->inode == b->inode && a->mount_id == b->mount_id && a->namespace_inode &&
	       a->namespace_inode == b->namespace_inode;
}

static struct file_root *find(const struct file_roots *roots, const struct file_root *wanted)
{
	for (size_t i = 0; i < roots->count; i++)
		if (same(roots->at[i], wanted))
			return roots->at[i];
	return NULL;
}

static void keep(struct file_roots *roots, struct file_root *r)
{
	if (roots->count < FILE_ROOTS_MAX)
		roots->at[roots->count++] = file_root_ref(r);
}

int file_roots_get(struct file_roots *roots, pid_t pid, struct file_root **out, struct error *err)
{
	char process[32] = "/proc/self";
	struct file_root *r = calloc(1, sizeof(*r));
	if (!r)
		return fail(err, -ENOMEM, "out of memory");
	r->references = 1;
	if (pid)
		snprintf(process, sizeof(process), "/proc/%d", (int)pid);
	int status = identify(r, process, err);
	struct file_root *known = status < 0 ? NULL : find(roots, r);
	if (status == 0 && !known)
		status = read_mounts(r, process, err);
	if (status < 0 || known) {
		file_root_unref(r);
		*out = known ? file_root_ref(known) : NULL;
		return status;
	}
	keep(roots, r);
	*out = r;
	return 0;
}

void file_roots_deinit(struct file_roots *roots)
{
	for (size_t i = 0; i < roots->count; i++)
		file_root_unref(roots->at[i]);
	roots->count = 0;
}

struct file_root *file_root_ref(struct file_root *r)
{
	__atomic_add_fetch(&r->references, 1, __ATOMIC_RELAXED);
	return r;
}

void file_root_unref(struct file_root *r)
{
	if (!r || __atomic_sub_fetch(&r->references, 1, __ATOMIC_ACQ_REL))
		return;
	if (r->fd >= 0)
		close(r->fd);
	vec_free(&r->local_mounts);
	free(r);
}

static bool answers_by_itself(const struct file_root *r, const struct statx *st)
{
	if (!(st->stx_mask & STATX_MNT_ID))
		return false;
	for (size_t i = 0; i < r->local_mounts.count; i++)
		if (r->local_mounts.at[i] == st->stx_mnt_id)
			return true;
	return false;
}

static int ask_apart(struct file_root *r, const struct apart_request *request,
		     struct opened_file *out, struct error *err)
{
	if (__atomic_load_n(&r->silences, __ATOMIC_RELAXED) >= SILENCES_MAX)
		return fail(err, -ETIMEDOUT, "'%s': its file system does not answer",
			    request->path);
	out->fd = open_apart(request, &out->inode);
	if (out->fd == -ETIMEDOUT)
		__atomic_add_fetch(&r->silences, 1, __ATOMIC_RELAXED);
	return out->fd < 0 ? fail(err, out->fd, "cannot open '%s': %s", request->path,
				  strerror(-out->fd))
			   : 0;
}

/* O_PATH first: opening a FIFO or a device may hang or act; only a regular file is opened in earnest. */
static int reopen(struct file_root *r, int path_fd, const struct apart_request *request,
		  struct opened_file *out, struct error *err)
{
	struct statx st;
	char self[64];
	if (look(path_fd, &st) < 0)
		return fail_errno(err, "cannot stat '%s'", request->path);
	if ((st.stx_mask & STATX_TYPE) && S_ISLNK(st.stx_mode))
		return fail(err, -ELOOP, "'%s' is a symbolic link", request->path);
	if ((st.stx_mask & STATX_TYPE) && !S_ISREG(st.stx_mode))
		return fail(err, -EINVAL, "'%s' is no regular file", request->path);
	if (!answers_by_itself(r, &st) && request->root_fd == NEVER_APART)
		return fail(err, -EOPNOTSUPP, "'%s' lies on a file system that may not answer",
			    request->path);
	if (!answers_by_itself(r, &st))
		return ask_apart(r, request, out, err);
	snprintf(self, sizeof(self), "/proc/self/fd/%d", path_fd);
	out->inode = st.stx_ino;
	out->fd = open(self, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return out->fd < 0 ? fail_errno(err, "cannot open '%s'", request->path) : 0;
}

/* Looks a path up without asking who may not answer. @return descriptor (O_PATH); -EAGAIN if it must be
 * asked */
static int look_up(const struct file_root *r, const char *path, uint64_t flags)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC | flags, .resolve = RESOLVE_IN_ROOT };
	if (r->has_slow_mounts)
		how.resolve |= r->is_local ? RESOLVE_NO_XDEV : RESOLVE_CACHED;
	int fd = (int)syscall(SYS_openat2, r->fd, path, &how, sizeof(how));
	if (fd < 0 && errno == EXDEV && r->has_slow_mounts) {
		/* What is mapped was looked up lately: the kernel remembers the way. */
		how.resolve = RESOLVE_IN_ROOT | RESOLVE_CACHED;
		fd = (int)syscall(SYS_openat2, r->fd, path, &how, sizeof(how));
	}
	if (fd < 0 && errno == EINVAL && r->has_slow_mounts)
		return -EAGAIN; /* before 5.12 there is no RESOLVE_CACHED */
	return fd < 0 ? -errno : fd;
}

/* We are shown paths of a process that has changed its root as its mount namespace has them. */
static const char *inside(const struct file_root *r, const char *path)
{
	size_t length = strlen(r->place);
	return length && !strncmp(path, r->place, length) && path[length] == '/' ? path + length
										 : path;
}

int file_root_open_file(struct file_root *r, const char *path, struct opened_file *out,
			struct error *err)
{
	path = inside(r, path);
	struct apart_request request = { .root_fd = r->fd, .path = path };
	_cleanup_close_ int path_fd = look_up(r, path, 0);
	if (path_fd >= 0)
		return reopen(r, path_fd, &request, out, err);
	if (path_fd == -EAGAIN)
		return ask_apart(r, &request, out, err);
	return fail(err, path_fd, "cannot open '%s': %s", path, strerror(-path_fd));
}

int file_root_open_growing(struct file_root *r, const char *path, struct opened_file *out,
			   struct error *err)
{
	path = inside(r, path);
	struct apart_request request = { .root_fd = NEVER_APART, .path = path };
	_cleanup_close_ int path_fd = look_up(r, path, O_NOFOLLOW);
	if (path_fd >= 0)
		return reopen(r, path_fd, &request, out, err);
	return fail(err, path_fd, "cannot open '%s': %s", path, strerror(-path_fd));
}

int file_root_open_link(struct file_root *r, const char *link, struct opened_file *out,
			struct error *err)
{
	struct apart_request request = { .root_fd = -1, .path = link };
	_cleanup_close_ int path_fd = open(link, O_PATH | O_CLOEXEC);
	if (path_fd < 0)
		return fail_errno(err, "cannot open '%s'", link);
	return reopen(r, path_fd, &request, out, err);
}
