// SPDX-License-Identifier: MIT
#include "base/part_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { ATTEMPTS = 10, LEFTOVERS_MAX = 1000 };

static bool is_file_at(int fd, const char *path, struct stat *out)
{
	struct stat at;
	return fstat(fd, out) == 0 && lstat(path, &at) == 0 && at.st_ino == out->st_ino &&
	       at.st_dev == out->st_dev;
}

/* @return 0; -EEXIST (the name is taken); other negative errno */
static int create(struct part_file *f, struct file_owner owner)
{
	f->fd = open(f->path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		     0600);
	if (f->fd < 0)
		return -errno;
	int r = flock(f->fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
	if (r == 0 && owner.uid != (uid_t)-1 && fchown(f->fd, owner.uid, owner.gid) < 0)
		r = -errno;
	if (r < 0) {
		unlink(f->path);
		close(take_fd(&f->fd));
	}
	return r;
}

/* Not all file systems know RENAME_NOREPLACE; whoever fights over the name there may lose a leftover. */
static int rename_to_free_name(const char *path, const char *name)
{
	if (renameat2(AT_FDCWD, path, AT_FDCWD, name, RENAME_NOREPLACE) == 0)
		return 0;
	struct stat st;
	if (errno != EINVAL)
		return -errno;
	if (lstat(name, &st) == 0)
		return -EEXIST;
	return rename(path, name) < 0 ? -errno : 0;
}

static int rename_leftover(struct part_file *f)
{
	for (unsigned i = 1; i <= LEFTOVERS_MAX; i++) {
		char *name;
		if (asprintf(&name, "%s.%u", f->path, i) < 0)
			return -ENOMEM;
		int r = rename_to_free_name(f->path, name);
		if (r == 0) {
			free(f->kept_aside);
			f->kept_aside = name;
			return 0;
		}
		free(name);
		if (r != -EEXIST)
			return r;
	}
	return -EEXIST;
}

/*
 * Somebody's file stands where ours shall be. @return 0 when it is out of the way; -EBUSY when it must
 * stay: it is locked, or no regular file; other negative errno
 */
static int clear_leftover(struct part_file *f)
{
	_cleanup_close_ int fd =
		open(f->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno == ENOENT ? 0 : -EBUSY; /* ELOOP: a link */
	struct stat st;
	if (!is_file_at(fd, f->path, &st))
		return 0; /* it changes just now: look again */
	if (!S_ISREG(st.st_mode) || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -EBUSY;
	if (!st.st_size)
		return unlink(f->path) < 0 ? -errno : 0;
	return rename_leftover(f);
}

static int open_named(struct part_file *f, struct file_owner owner)
{
	for (int i = 0; i < ATTEMPTS; i++) {
		int r = create(f, owner);
		if (r != -EEXIST)
			return r;
		r = clear_leftover(f);
		if (r < 0)
			return r;
	}
	return -EBUSY;
}

int part_file_open(const char *path, struct file_owner owner, struct part_file *out,
		   struct error *err)
{
	*out = (struct part_file){ .fd = -1, .owner = owner };
	if (asprintf(&out->path, "%s.part", path) < 0) {
		out->path = NULL;
		return fail(err, -ENOMEM, "out of memory");
	}
	int r = open_named(out, owner);
	if (r == -EBUSY) {
		out->in_use = true;
		free(out->path);
		if (asprintf(&out->path, "%s.%d.part", path, (int)getpid()) < 0)
			out->path = NULL;
		r = out->path ? open_named(out, owner) : -ENOMEM;
	}
	if (r == 0)
		return 0;
	fail(err, r, "cannot create '%s': %s", out->path ? out->path : path, strerror(-r));
	part_file_keep(out);
	return r;
}

int part_file_append(struct part_file *f, const void *bytes, size_t size_bytes, struct error *err)
{
	ssize_t n;
	do {
		n = write(f->fd, bytes, size_bytes);
	} while (n < 0 && errno == EINTR);
	if (n == (ssize_t)size_bytes) {
		f->size_bytes += size_bytes;
		return 0;
	}
	int r = n < 0 ? -errno : -ENOSPC;
	if (n > 0 && ftruncate(f->fd, (off_t)f->size_bytes) < 0)
		return fail(err, r, "cannot write '%s', nor cut off what was written: %s", f->path,
			    strerror(-r));
	return fail(err, r, "cannot write '%s': %s", f->path, strerror(-r));
}

int part_file_begin_anew(struct part_file *f, const void *bytes, size_t size_bytes,
			 struct error *err)
{
	struct part_file aside = { .fd = -1, .owner = f->owner };
	if (asprintf(&aside.path, "%s.new", f->path) < 0)
		return fail(err, -ENOMEM, "out of memory");
	unlink(aside.path); /* of one that was killed between here and the end */
	int r = create(&aside, f->owner);
	if (r < 0) {
		fail(err, r, "cannot create '%s': %s", aside.path, strerror(-r));
		part_file_keep(&aside);
		return r;
	}
	r = part_file_append(&aside, bytes, size_bytes, err);
	if (r == 0 && rename(aside.path, f->path) < 0)
		r = fail_errno(err, "cannot rename '%s'", aside.path);
	if (r < 0) {
		part_file_remove(&aside);
		return r;
	}
	close(f->fd);
	f->fd = take_fd(&aside.fd);
	f->size_bytes = aside.size_bytes;
	part_file_keep(&aside);
	return 0;
}

void part_file_remove(struct part_file *f)
{
	struct stat st;
	if (f->fd >= 0 && is_file_at(f->fd, f->path, &st))
		unlink(f->path);
	part_file_keep(f);
}

void part_file_keep(struct part_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
	free(f->kept_aside);
	*f = (struct part_file){ .fd = -1 };
}
