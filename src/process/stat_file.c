// SPDX-License-Identifier: MIT
#include "process/stat_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

enum {
	STAT_BYTES = 4096,
	FIELD_STATE = 3,
	FIELD_PARENT = 4,
	FIELD_STIME = 15,
	FIELD_CSTIME = 17,
	FIELD_START = 22
};

bool stat_file_parse(const char *text, struct stat_file *out)
{
	/* comm may hold blanks and parentheses: fields are counted from the last ')'. */
	const char *at = strrchr(text, ')');
	*out = (struct stat_file){ 0 };
	for (int field = FIELD_STATE; at && field <= FIELD_START; field++) {
		at = strchr(at + 1, ' ');
		if (at && field == FIELD_PARENT)
			out->parent_pid = (pid_t)strtol(at, NULL, 10);
		if (at && field == FIELD_STIME)
			out->system_ticks = strtoull(at, NULL, 10);
		if (at && field == FIELD_CSTIME)
			out->children_system_ticks = strtoull(at, NULL, 10);
		if (at && field == FIELD_START)
			out->start_ticks = strtoull(at, NULL, 10);
	}
	return at != NULL;
}

bool stat_file_read(pid_t pid, struct stat_file *out)
{
	char path[64], text[STAT_BYTES];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = 0;
	return stat_file_parse(text, out);
}

uint64_t stat_file_thread_cpu_ns(pid_t pid, pid_t tid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", (int)pid, (int)tid);
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	unsigned long long run_ns;
	return f && fscanf(f, "%llu", &run_ns) == 1 ? run_ns : 0;
}

uint64_t stat_file_system_ns(const struct stat_file *s, bool with_children)
{
	long ticks_per_s = sysconf(_SC_CLK_TCK);
	uint64_t ticks = s->system_ticks + (with_children ? s->children_system_ticks : 0);
	return ticks_per_s > 0 ? ticks * (NSEC_PER_SEC / (uint64_t)ticks_per_s) : 0;
}
