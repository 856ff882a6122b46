// SPDX-License-Identifier: MIT
#include "object/open_apart.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	PATIENCE_MS = 2000, /* without a byte */
	PATIENCE_MOST_S = 30,
	CHUNK_BYTES = 1 << 16,
	KEPT = 3,
};
static const uint64_t COPY_MAX_BYTES = UINT64_C(1) << 30;

struct answer {
	int status;
	uint64_t inode;
};

/* All of the following runs in a child of a process with threads: system calls only. */

static void close_others(const int *kept)
{
	unsigned from = 0;
	for (;;) {
		int next = -1;
		for (int i = 0; i < KEPT; i++)
			if (kept[i] >= (int)from && (next < 0 || kept[i] < next))
				next = kept[i];
		if (next < 0)
			break;
		if ((unsigned)next > from)
			close_range(from, (unsigned)next - 1, 0);
		from = (unsigned)next + 1;
	}
	close_range(from, ~0u, 0);
}

static int open_path(const struct apart_request *q)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	int fd = q->root_fd < 0 ? open(q->path, O_PATH | O_CLOEXEC)
				: (int)syscall(SYS_openat2, q->root_fd, q->path, &how, sizeof(how));
	return fd < 0 ? -errno : fd;
}

static int copy(int from, int to)
{
	char bytes[CHUNK_BYTES];
	uint64_t total = 0;
	ssize_t n;
	while ((n = read(from, bytes, sizeof(bytes))) > 0) {
		total += (uint64_t)n;
		if (total > COPY_MAX_BYTES)
			return -EFBIG;
		if (write(to, bytes, (size_t)n) != n)
			return -EIO;
	}
	return n < 0 ? -errno : 0;
}

static int open_and_copy(const struct apart_request *q, int to, uint64_t *out_inode)
{
	struct stat st;
	char self[64];
	int path_fd = open_path(q);
	if (path_fd < 0)
		return path_fd;
	if (fstat(path_fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*out_inode = st.st_ino;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", path_fd);
	int from = open(self, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return from < 0 ? -errno : copy(from, to);
}

/* It is nobody's child, so that what it costs is not counted with CMD's time (RUSAGE_CHILDREN). */
static void be_apart(const struct apart_request *q, int to, int pipe_fd)
{
	struct answer answer = { 0 };
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGALRM, SIG_DFL);
	if (fork())
		_exit(0);
	alarm(PATIENCE_MOST_S);
	close_others((const int[KEPT]){ q->root_fd, to, pipe_fd });
	answer.status = open_and_copy(q, to, &answer.inode);
	if (write(pipe_fd, &answer, sizeof(answer)) < 0)
		_exit(1);
	_exit(0);
}

static uint64_t size_of(int fd)
{
	struct stat st;
	return fstat(fd, &st) < 0 ? 0 : (uint64_t)st.st_size;
}

static int await(int pipe_fd, int copy_fd, struct answer *out)
{
	struct pollfd p = { .fd = pipe_fd, .events = POLLIN };
	uint64_t before = 0;
	for (int waited_ms = 0; waited_ms < PATIENCE_MOST_S * 1000; waited_ms += PATIENCE_MS) {
		int r = poll(&p, 1, PATIENCE_MS);
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r > 0)
			return read(pipe_fd, out, sizeof(*out)) == sizeof(*out) ? 0 : -EIO;
		uint64_t now = size_of(copy_fd);
		if (now == before)
			return -ETIMEDOUT;
		before = now;
	}
	return -ETIMEDOUT;
}

int open_apart(const struct apart_request *request, uint64_t *out_inode)
{
	int fds[2];
	_cleanup_close_ int to = memfd_create("perfprof-copy", MFD_CLOEXEC);
	if (to < 0 || pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	_cleanup_close_ int from_child = fds[0], to_parent = fds[1];
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid)
		be_apart(request, to, to_parent);
	cleanup_close(&to_parent);
	to_parent = -1;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	struct answer answer = { 0 };
	int r = await(from_child, to, &answer);
	if (r == 0)
		r = answer.status;
	*out_inode = answer.inode;
	return r < 0 ? r : take_fd(&to);
}
