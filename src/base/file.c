// SPDX-License-Identifier: MIT
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

int read_all(int fd, size_t limit_bytes, struct strbuf *out, struct error *err)
{
	size_t start = out->length;
	for (;;) {
		if (!strbuf_reserve(out, 64 * 1024))
			return fail(err, -ENOMEM, "out of memory after %zu bytes", out->length);
		ssize_t n = read(fd, out->text + out->length, out->capacity - out->length - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno(err, "cannot read");
		out->length += (size_t)n;
		out->text[out->length] = 0;
		if (!n)
			return 0;
		if (out->length - start > limit_bytes)
			return fail(err, -EFBIG, "is larger than %zu bytes, which is the limit",
				    limit_bytes);
	}
}

int read_file(const char *path, size_t limit_bytes, struct strbuf *out, struct error *err)
{
	bool is_stdin = !strcmp(path, "-");
	_cleanup_close_ int fd = is_stdin ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if (!is_stdin && fd < 0)
		return fail_errno(err, "cannot open '%s'", path);
	int r = read_all(is_stdin ? STDIN_FILENO : fd, limit_bytes, out, err);
	return r < 0 ? fail_in(err, r, "'%s'", path) : 0;
}

int write_all(int fd, const void *bytes, size_t size_bytes, struct error *err)
{
	const char *p = bytes;
	while (size_bytes) {
		ssize_t n = write(fd, p, size_bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno(err, "cannot write");
		p += n;
		size_bytes -= (size_t)n;
	}
	return 0;
}

static long id_from_environment(const char *name)
{
	const char *text = getenv(name);
	char *end;
	if (!text || *text < '0' || *text > '9')
		return -1;
	errno = 0;
	unsigned long v = strtoul(text, &end, 10);
	return errno || *end || v >= UINT32_MAX ? -1 : (long)v;
}

struct file_owner file_owner_from_environment(void)
{
	struct file_owner nobody = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	if (geteuid() != 0)
		return nobody;
	long uid = id_from_environment("SUDO_UID"), gid = id_from_environment("SUDO_GID");
	if (uid < 0 || gid < 0)
		return nobody;
	return (struct file_owner){ .uid = (uid_t)uid, .gid = (gid_t)gid };
}

/* A fresh file beside `path`. O_EXCL never follows a link that somebody laid there. */
static int open_aside(struct output_file *f, struct error *err)
{
	for (unsigned attempt = 0; attempt < 100; attempt++) {
		_cleanup_free_ char *aside = NULL;
		if (asprintf(&aside, "%s.%d-%u.tmp", f->path, (int)getpid(), attempt) < 0) {
			aside = NULL;
			return fail(err, -ENOMEM, "out of memory");
		}
		f->fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (f->fd >= 0) {
			f->aside = aside;
			aside = NULL;
			return 0;
		}
		if (errno != EEXIST)
			break;
	}
	return fail_errno(err, "cannot create '%s'", f->path);
}

int output_file_open(const char *path, struct output_file *out, struct error *err)
{
	*out = (struct output_file){ .fd = -1, .path = strdup(path) };
	if (!out->path)
		return fail(err, -ENOMEM, "out of memory");
	struct stat st;
	int r;
	if (!stat(path, &st) && !S_ISREG(st.st_mode)) {
		out->fd = open(path, O_WRONLY | O_CLOEXEC);
		r = out->fd < 0 ? fail_errno(err, "cannot open '%s' for writing", path) : 0;
	} else {
		r = open_aside(out, err);
	}
	if (r < 0)
		output_file_abandon(out);
	return r;
}

static int output_file_settle(struct output_file *f, struct file_owner owner, struct error *err)
{
	if (!f->aside)
		return 0;
	if (owner.uid != (uid_t)-1 && fchown(f->fd, owner.uid, owner.gid) < 0)
		return fail_errno(err, "cannot give '%s' to uid %u", f->path, (unsigned)owner.uid);
	if (fsync(f->fd) < 0 && errno != EINVAL && errno != EROFS)
		return fail_errno(err, "cannot write '%s'", f->path);
	if (rename(f->aside, f->path) < 0)
		return fail_errno(err, "cannot rename to '%s'", f->path);
	free(f->aside);
	f->aside = NULL;
	return 0;
}

int output_file_commit(struct output_file *f, struct file_owner owner, struct error *err)
{
	int r = output_file_settle(f, owner, err);
	int fd = take_fd(&f->fd);
	if (close(fd) < 0 && r == 0)
		r = fail_errno(err, "cannot write '%s'", f->path);
	output_file_abandon(f);
	return r;
}

void output_file_abandon(struct output_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->aside)
		unlink(f->aside);
	free(f->aside);
	free(f->path);
	*f = (struct output_file){ .fd = -1 };
}

int write_file(const char *path, const void *bytes, size_t size_bytes, struct file_owner owner,
	       struct error *err)
{
	struct output_file f;
	int r = output_file_open(path, &f, err);
	if (r < 0)
		return r;
	r = write_all(f.fd, bytes, size_bytes, err);
	if (r < 0) {
		r = fail_in(err, r, "'%s'", path);
		output_file_abandon(&f);
		return r;
	}
	return output_file_commit(&f, owner, err);
}
