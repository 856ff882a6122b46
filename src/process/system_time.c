// SPDX-License-Identifier: MIT
#include "process/system_time.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

enum { STAT_BYTES = 4096, FIELD_STATE = 3, FIELD_STIME = 15 };

static bool parse_stime_ticks(const char *stat, uint64_t *out)
{
	/* comm may hold blanks and parentheses: fields are counted from the last ')'. */
	const char *at = strrchr(stat, ')');
	if (!at || at[1] != ' ')
		return false;
	at += 2;
	for (int field = FIELD_STATE; field < FIELD_STIME; field++) {
		at = strchr(at, ' ');
		if (!at)
			return false;
		at++;
	}
	char *end;
	*out = strtoull(at, &end, 10);
	return end != at;
}

bool process_system_ns(pid_t pid, uint64_t *out_ns)
{
	char path[64], stat[STAT_BYTES];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, stat, sizeof(stat) - 1);
	if (n <= 0)
		return false;
	stat[n] = 0;
	uint64_t ticks;
	long ticks_per_s = sysconf(_SC_CLK_TCK);
	if (ticks_per_s <= 0 || !parse_stime_ticks(stat, &ticks))
		return false;
	*out_ns = ticks * (NSEC_PER_SEC / (uint64_t)ticks_per_s);
	return true;
}
