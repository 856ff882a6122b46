// SPDX-License-Identifier: MIT
#include "process/rights.h"

#include <errno.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

enum { TEXT_MAX_BYTES = 1 << 20, PATH_BYTES = 512 };

/* Inodes of the first namespaces. Source: include/linux/proc_ns.h */
enum { FIRST_PID_NAMESPACE_LOW = 0xFC, FIRST_USER_NAMESPACE_LOW = 0xFD };

static bool read_text(const char *root, const char *path, struct strbuf *out)
{
	char full[PATH_BYTES];
	snprintf(full, sizeof(full), "%s%s", root, path);
	strbuf_clear(out);
	return read_file(full, TEXT_MAX_BYTES, out, NULL) == 0;
}

static int64_t read_number(const char *root, const char *path)
{
	struct strbuf text = { 0 };
	char *end = NULL;
	int64_t value = RIGHTS_UNKNOWN;
	if (read_text(root, path, &text)) {
		value = strtoll(strbuf_text(&text), &end, 10);
		if (end == strbuf_text(&text))
			value = RIGHTS_UNKNOWN;
	}
	strbuf_deinit(&text);
	return value;
}

static bool exists(const char *root, const char *path)
{
	char full[PATH_BYTES];
	snprintf(full, sizeof(full), "%s%s", root, path);
	return access(full, R_OK) == 0;
}

static bool is_first_namespace(const char *root, const char *name, unsigned low)
{
	char path[PATH_BYTES], text[64] = "";
	snprintf(path, sizeof(path), "%s/proc/self/ns/%s", root, name);
	ssize_t n = readlink(path, text, sizeof(text) - 1);
	const char *bracket = n > 0 ? strchr(text, '[') : NULL;
	return !bracket || strtoull(bracket + 1, NULL, 10) == (0xEFFFFF00u | low);
}

/* @return the number behind "NAME:" at the start of a line; `fallback` without one */
static uint64_t field(const char *text, const char *name, int base, uint64_t fallback)
{
	size_t length = strlen(name);
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, length) && line[length] == ':')
			return strtoull(line + length + 1, NULL, base);
		if (!*line)
			break;
	}
	return fallback;
}

static void read_status(const char *root, struct rights *out)
{
	struct strbuf text = { 0 };
	if (read_text(root, "/proc/self/status", &text)) {
		out->capabilities = field(strbuf_text(&text), "CapEff", 16, 0);
		out->under_seccomp = field(strbuf_text(&text), "Seccomp", 10, 0) == 2;
	}
	strbuf_deinit(&text);
}

/* Zeroes stand where we may not see them. Source: kernel/kallsyms.c, s_show */
static bool kernel_addresses_shown(const char *root)
{
	char path[PATH_BYTES];
	snprintf(path, sizeof(path), "%s/proc/kallsyms", root);
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	unsigned long long address;
	for (int lines = 0; f && lines < 64 && fscanf(f, "%llx%*[^\n]", &address) == 1; lines++)
		if (address)
			return true;
	return false;
}

static void read_mounts(const char *root, struct rights *out)
{
	struct strbuf text = { 0 };
	if (read_text(root, "/proc/self/mountinfo", &text)) {
		/* Source: proc(5): " - TYPE SOURCE OPTIONS" ends a line */
		out->has_cgroup_v1 = strstr(strbuf_text(&text), " - cgroup ") != NULL;
		out->has_cgroup_v2 = strstr(strbuf_text(&text), " - cgroup2 ") != NULL;
	}
	strbuf_deinit(&text);
	static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !out->tracefs[0]; i++) {
		char events[PATH_BYTES];
		snprintf(events, sizeof(events), "%s/events", places[i]);
		if (exists(root, events))
			snprintf(out->tracefs, sizeof(out->tracefs), "%s", places[i]);
	}
}

/* @return whether a line of init's environment says container=NAME (systemd's convention) */
static bool container_of_init(const char *root, char *name, size_t name_bytes)
{
	struct strbuf text = { 0 };
	static const char wanted[] = "container=";
	name[0] = 0;
	if (read_text(root, "/proc/1/environ", &text)) {
		const char *end = text.text + text.length;
		for (const char *at = text.text; at && at < end; at += strlen(at) + 1)
			if (!strncmp(at, wanted, sizeof(wanted) - 1))
				snprintf(name, name_bytes, "%s", at + sizeof(wanted) - 1);
	}
	strbuf_deinit(&text);
	return name[0] != 0;
}

static void find_container(const char *root, struct rights *out)
{
	static const struct {
		const char *path, *what;
	} marks[] = {
		{ "/.dockerenv", "docker" },
		{ "/run/.containerenv", "podman" },
		{ "/var/run/secrets/kubernetes.io", "kubernetes" },
	};
	char name[48];
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (!exists(root, marks[i].path))
			continue;
		snprintf(out->container, sizeof(out->container), "%s (%s)", marks[i].what,
			 marks[i].path);
		return;
	}
	if (container_of_init(root, name, sizeof(name)))
		snprintf(out->container, sizeof(out->container), "%s (container= of process 1)",
			 name);
}

void rights_read(const char *root, struct rights *out)
{
	*out = (struct rights){ .euid = geteuid() };
	read_status(root, out);
	out->in_user_namespace = !is_first_namespace(root, "user", FIRST_USER_NAMESPACE_LOW);
	out->in_pid_namespace = !is_first_namespace(root, "pid", FIRST_PID_NAMESPACE_LOW);
	out->perf_paranoid = read_number(root, "/proc/sys/kernel/perf_event_paranoid");
	out->max_sample_rate_hz = read_number(root, "/proc/sys/kernel/perf_event_max_sample_rate");
	out->mlock_kib = read_number(root, "/proc/sys/kernel/perf_event_mlock_kb");
	out->cpu_time_max_percent = read_number(root, "/proc/sys/kernel/perf_cpu_time_max_percent");
	out->kptr_restrict = read_number(root, "/proc/sys/kernel/kptr_restrict");
	out->ptrace_scope = read_number(root, "/proc/sys/kernel/yama/ptrace_scope");
	out->unprivileged_bpf_disabled =
		read_number(root, "/proc/sys/kernel/unprivileged_bpf_disabled");
	out->nr_open = read_number(root, "/proc/sys/fs/nr_open");
	out->has_btf = exists(root, "/sys/kernel/btf/vmlinux");
	out->has_kernel_addresses = kernel_addresses_shown(root);
	read_mounts(root, out);
	find_container(root, out);
}

bool rights_may_sample_all(const struct rights *r)
{
	return !r->in_user_namespace &&
	       (rights_have(r, CAP_PERFMON) || rights_have(r, CAP_SYS_ADMIN));
}

static bool ids_are_ours(const char *line, unsigned real_id)
{
	unsigned real, effective, saved;
	return sscanf(line, "%*[^:]: %u %u %u", &real, &effective, &saved) == 3 &&
	       real == real_id && effective == real_id && saved == real_id;
}

static void read_ids(const char *text, struct process_owner *out)
{
	const char *uids = strstr(text, "\nUid:"), *gids = strstr(text, "\nGid:");
	unsigned effective;
	if (!uids || !gids || sscanf(uids, "\nUid: %*u %u", &effective) != 1)
		return;
	out->known = true;
	out->same_user = ids_are_ours(uids + 1, getuid()) && ids_are_ours(gids + 1, getgid());
	const struct passwd *user = getpwuid(effective);
	if (user)
		snprintf(out->name, sizeof(out->name), "%s", user->pw_name);
	else
		snprintf(out->name, sizeof(out->name), "uid %u", effective);
}

void process_owner_read(pid_t pid, struct process_owner *out)
{
	char path[64];
	struct strbuf text = { 0 };
	struct stat folder, hidden;
	*out = (struct process_owner){ 0 };
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (read_text("", path, &text))
		read_ids(strbuf_text(&text), out);
	strbuf_deinit(&text);
	/* The folder belongs to the effective user, what is in it to root if memory is hidden: proc(5). */
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	bool seen = stat(path, &folder) == 0;
	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	out->undumpable = seen && stat(path, &hidden) == 0 && folder.st_uid != hidden.st_uid;
}
