// SPDX-License-Identifier: MIT
/*
 * What /proc and /sys say of rights: the parts of the input, which a zero byte divides, become the
 * files of a folder that is read in place of the root.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "process/rights.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes);

static const char *const folders[] = { "/proc", "/proc/self", "/proc/1", "/proc/sys",
				       "/proc/sys/kernel" };
static const char *const files[] = {
	"/proc/self/status", "/proc/self/mountinfo",
	"/proc/kallsyms",    "/proc/sys/kernel/perf_event_paranoid",
	"/proc/self/cgroup", "/proc/1/cgroup",
	"/proc/1/environ",   "/proc/sys/kernel/perf_event_mlock_kb",
};
enum { FILES = sizeof(files) / sizeof(files[0]), FOLDERS = sizeof(folders) / sizeof(folders[0]) };

static char root[] = "/dev/shm/perfprof-fuzz-XXXXXX";

static void remove_root(void)
{
	char path[256];
	for (size_t i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "%s%s", root, files[i]);
		unlink(path);
	}
	for (size_t i = FOLDERS; i-- > 0;) {
		snprintf(path, sizeof(path), "%s%s", root, folders[i]);
		rmdir(path);
	}
	rmdir(root);
}

static void make_root(void)
{
	char path[256];
	if (!mkdtemp(root))
		abort();
	for (size_t i = 0; i < FOLDERS; i++) {
		snprintf(path, sizeof(path), "%s%s", root, folders[i]);
		if (mkdir(path, 0700) < 0)
			abort();
	}
	atexit(remove_root);
}

static void put(const char *file, const uint8_t *bytes, size_t size_bytes)
{
	char path[256];
	snprintf(path, sizeof(path), "%s%s", root, file);
	FILE *f = fopen(path, "w");
	if (!f || fwrite(bytes, 1, size_bytes, f) != size_bytes || fclose(f) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	static bool is_made;
	struct rights rights;
	if (!is_made)
		make_root();
	is_made = true;
	for (size_t i = 0; i < FILES; i++) {
		const uint8_t *zero = size_bytes ? memchr(bytes, 0, size_bytes) : NULL;
		size_t length = zero ? (size_t)(zero - bytes) : size_bytes;
		put(files[i], bytes, length);
		bytes += length + (zero != NULL);
		size_bytes -= length + (zero != NULL);
	}
	rights_read(root, &rights);
	if (strnlen(rights.tracefs, sizeof(rights.tracefs)) == sizeof(rights.tracefs) ||
	    strnlen(rights.container, sizeof(rights.container)) == sizeof(rights.container))
		abort();
	return 0;
}
