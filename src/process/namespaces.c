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

static bool read_status(pid_t pid, struct strbuf *out)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	return read_file(path, STATUS_MAX_BYTES, out, NULL) == 0;
}

pid_t process_inner_pid(pid_t pid)
{
	struct strbuf text = { 0 };
	pid_t inner = read_status(pid, &text) ? process_inner_pid_parse(strbuf_text(&text)) : 0;
	strbuf_deinit(&text);
	return inner;
}

bool process_file_user_parse(const char *status, uid_t *out)
{
	unsigned real, effective, saved, files;
	const char *line = strstr(status, "\nUid:");
	if (!line || sscanf(line, "\nUid: %u %u %u %u", &real, &effective, &saved, &files) != 4)
		return false;
	*out = files;
	return true;
}

bool process_file_user(pid_t pid, uid_t *out)
{
	struct strbuf text = { 0 };
	bool known = read_status(pid, &text) && process_file_user_parse(strbuf_text(&text), out);
	strbuf_deinit(&text);
	return known;
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
