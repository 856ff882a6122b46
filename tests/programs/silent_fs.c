// SPDX-License-Identifier: MIT
/*
 * A file system that stops answering. usage: silent_fs FOLDER FILE  Mounts itself on FOLDER, in which
 * the one file `plugin.so` has the content of FILE; prints "ready". From SIGUSR1 on it takes each
 * request and answers none. Needs root. Source of the protocol: linux/fuse.h
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { REQUEST_BYTES = 1 << 18, NODE_FILE = 2 };

static volatile sig_atomic_t silent;
static char *content;
static size_t content_bytes;

static void on_usr1(int number)
{
	(void)number;
	silent = 1;
}

static void answer(int fd, const struct fuse_in_header *to, int error, const void *body,
		   size_t bytes)
{
	struct fuse_out_header head = { (uint32_t)(sizeof(head) + bytes), -error, to->unique };
	struct iovec parts[] = { { &head, sizeof(head) }, { (void *)body, bytes } };
	if (writev(fd, parts, bytes ? 2 : 1) < 0)
		perror("silent_fs: answer");
}

static struct fuse_attr attributes(uint64_t node)
{
	struct fuse_attr a = { .ino = node, .nlink = 1, .blksize = 4096 };
	a.mode = node == NODE_FILE ? S_IFREG | 0755 : S_IFDIR | 0755;
	a.size = node == NODE_FILE ? content_bytes : 0;
	return a;
}

static void read_file(int fd, const struct fuse_in_header *h, const struct fuse_read_in *in)
{
	size_t at = in->offset < content_bytes ? in->offset : content_bytes;
	size_t left = content_bytes - at;
	answer(fd, h, 0, content + at, in->size < left ? in->size : left);
}

/* Nothing may be remembered: timeouts are 0. */
static void serve(int fd, const struct fuse_in_header *h, const void *body)
{
	struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION,
				      .minor = FUSE_KERNEL_MINOR_VERSION,
				      .max_readahead = 1 << 17,
				      .max_write = 4096 };
	struct fuse_attr_out attr = { .attr = attributes(h->nodeid) };
	struct fuse_entry_out entry = { .nodeid = NODE_FILE, .attr = attributes(NODE_FILE) };
	struct fuse_open_out open = { .fh = 1, .open_flags = FOPEN_KEEP_CACHE };
	switch (h->opcode) {
	case FUSE_INIT: answer(fd, h, 0, &init, sizeof(init)); return;
	case FUSE_GETATTR: answer(fd, h, 0, &attr, sizeof(attr)); return;
	case FUSE_LOOKUP:
		if (!strcmp(body, "plugin.so"))
			answer(fd, h, 0, &entry, sizeof(entry));
		else
			answer(fd, h, ENOENT, NULL, 0);
		return;
	case FUSE_OPEN: answer(fd, h, 0, &open, sizeof(open)); return;
	case FUSE_READ: read_file(fd, h, body); return;
	case FUSE_FLUSH:
	case FUSE_RELEASE: answer(fd, h, 0, NULL, 0); return;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT: return;
	default: answer(fd, h, ENOSYS, NULL, 0);
	}
}

static int load(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	content_bytes = (size_t)st.st_size;
	content = malloc(content_bytes);
	return read(fd, content, content_bytes) == st.st_size ? close(fd) : -1;
}

int main(int argc, char **argv)
{
	static char request[REQUEST_BYTES];
	char options[96];
	if (argc < 3 || load(argv[2]) < 0)
		return 2;
	struct sigaction action = { .sa_handler = on_usr1 };
	sigaction(SIGUSR1, &action, NULL);
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other",
		 fd);
	if (fd < 0 || mount("silent", argv[1], "fuse.silent", 0, options) < 0) {
		perror("silent_fs");
		return 77;
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		ssize_t n = read(fd, request, sizeof(request));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < (ssize_t)sizeof(struct fuse_in_header))
			return 0;
		if (!silent)
			serve(fd, (void *)request, request + sizeof(struct fuse_in_header));
	}
}
