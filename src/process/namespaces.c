// SPDX-License-Identifier: MIT
#include "process/namespaces.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum { STATUS_MAX_BYTES = 1 << 16 };

pid_t process_inner_pid_parse(const char *status)
{
	const char *line = strstr(status, "\nNSpid:");
	long last = 0;
	int count = 0;
	for (const char *at = line ? line + 7 : ""; *at == '\t' || *at == ' '; count++) {
		char *end;
		last = strtol(at, &end, 10);
		if (end == at)
			break;
		at = end;
	}
	return count > 1 ? (pid_t)last : 0;
}

pid_t process_inner_pid(pid_t pid)
{
	char path[64];
	struct strbuf text = { 0 };
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	pid_t inner = read_file(path, STATUS_MAX_BYTES, &text, NULL) == 0
			      ? process_inner_pid_parse(strbuf_text(&text))
			      : 0;
	strbuf_deinit(&text);
	return inner;
}

int process_folder_is_ours(struct error *err)
{
	char text[32] = "";
	ssize_t n = readlink("/proc/self", text, sizeof(text) - 1);
	if (n > 0 && strtol(text, NULL, 10) == getpid())
		return 0;
	return fail(err, -ENOENT,
		    n < 0 ? "/proc is not mounted; run 'mount -t proc proc /proc'"
			  : "/proc belongs to another pid namespace, where pids mean other "
			    "processes; run 'mount -t proc proc /proc' in a mount namespace of "
			    "your own (unshare --mount-proc does it)");
}
