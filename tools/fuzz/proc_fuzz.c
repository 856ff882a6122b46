// SPDX-License-Identifier: MIT
/*
 * The small texts of /proc and /sys: /proc/PID/stat, the pids of /proc/PID/status, lists of CPUs, and where
 * mountinfo has cgroups. (Maps, kallsyms and what tells of rights have targets of their own.)
 */
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "process/cgroup_mounts.h"
#include "process/namespaces.h"
#include "process/stat_file.h"
#include "sampler/perf_limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes);

enum { CPUS = 64 };

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_cpus(const char *text)
{
	int cpus[CPUS];
	int count = perf_parse_cpu_list(text, cpus, CPUS);
	require(count <= CPUS);
	for (int i = 0; i < count; i++)
		require(cpus[i] >= 0);
}

/* Last, since it cuts the text. */
static void check_mounts(char *text)
{
	struct cgroup_mount mount;
	while (text) {
		if (!cgroup_mount_parse(strsep(&text, "\n"), &mount))
			continue;
		struct strbuf folder = { 0 };
		require(mount.root && mount.point);
		cgroup_mounts_folder(&mount, "/a/b", &folder);
		require(folder.length >= strlen(mount.point));
		strbuf_deinit(&folder);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct strbuf text = { 0 };
	struct stat_file stat;
	strbuf_add(&text, bytes, size_bytes);
	if (stat_file_parse(strbuf_text(&text), &stat)) {
		require(strchr(strbuf_text(&text), ')') != NULL);
		stat_file_system_ns(&stat, true);
	}
	process_inner_pid_parse(strbuf_text(&text));
	check_cpus(strbuf_text(&text));
	check_mounts(text.text);
	strbuf_deinit(&text);
	return 0;
}
