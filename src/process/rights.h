/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_RIGHTS_H
#define PROCESS_RIGHTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * What this machine says of our rights and its limits, as it stands in /proc and /sys. Nothing is tried
 * here: what the kernel then really permits, its answers say.
 */

#define RIGHTS_UNKNOWN INT64_MIN /* there is no such file, or it may not be read */

enum { RIGHTS_WORD_BYTES = 96 };

struct rights {
	uid_t euid;
	uint64_t capabilities; /* effective: a bit for each CAP_... of linux/capability.h */
	bool under_seccomp;    /* a filter is in force */
	bool in_user_namespace, in_pid_namespace;
	int64_t perf_paranoid, max_sample_rate_hz, mlock_kib, cpu_time_max_percent;
	int64_t kptr_restrict, ptrace_scope, unprivileged_bpf_disabled;
	int64_t nr_open; /* what RLIMIT_NOFILE may be raised to by those who may raise it */
	bool has_btf, has_kernel_addresses;
	bool has_cgroup_v1, has_cgroup_v2;
	char tracefs[RIGHTS_WORD_BYTES];   /* where it is mounted and may be read; "" if nowhere */
	char container[RIGHTS_WORD_BYTES]; /* "docker (/.dockerenv)"; "" if none was found */
};

/** @param root put in front of all paths: "" but in tests */
void rights_read(const char *root, struct rights *out);

/** @param capability CAP_... */
static inline bool rights_have(const struct rights *r, int capability)
{
	return r->capabilities >> capability & 1;
}

/** Whether perf_event_open(2) heeds neither perf_event_paranoid nor owners: perfmon_capable(). */
bool rights_may_sample_all(const struct rights *r);

/* Whose a process is, as far as the right to look into it goes. Source: ptrace(2), "access mode". */
struct process_owner {
	bool known;      /* false: gone, or hidden by the mount option hidepid */
	bool same_user;  /* its real, effective and saved ids are all ours */
	bool undumpable; /* it has hidden its memory: prctl(2), PR_SET_DUMPABLE; ssh-agent */
	char name[64];   /* of its effective user: "www-data", "uid 4711" */
};

void process_owner_read(pid_t pid, struct process_owner *out);

#endif
