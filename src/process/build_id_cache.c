// SPDX-License-Identifier: MIT
#include "process/build_id_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* What stands there may be a FIFO or a device: only a regular file is opened in earnest. */
static int open_regular(const char *path)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;
	char self[64];
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -ENOENT;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return open(self, O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

int build_id_cache_open(const char *dir, const uint8_t *build_id, size_t size_bytes,
			struct object **out)
{
	static const char *const ends[] = { "/elf", "" };
	char hex[2 * OBJECT_BUILD_ID_MAX + 1] = "", path[PATH_MAX];
	if (!dir || size_bytes < 2 || size_bytes > OBJECT_BUILD_ID_MAX)
		return -ENOENT;
	for (size_t i = 0; i < size_bytes; i++)
		snprintf(hex + 2 * i, 3, "%02x", build_id[i]);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		int n = snprintf(path, sizeof(path), "%s/.build-id/%.2s/%s%s", dir, hex, hex + 2,
				 ends[i]);
		int fd = n < 0 || (size_t)n >= sizeof(path) ? -1 : open_regular(path);
		if (fd < 0 || object_open_fd(fd, path, out, NULL) < 0)
			continue;
		if ((*out)->build_id_size == size_bytes &&
		    !memcmp((*out)->build_id, build_id, size_bytes))
			return 0;
		object_unref(*out);
	}
	return -ENOENT;
}
