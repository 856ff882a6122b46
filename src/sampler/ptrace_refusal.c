// SPDX-License-Identifier: MIT
#include "sampler/ptrace_refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "process/remedies.h"

enum { SCOPE_CHILDREN = 1, SCOPE_ADMIN = 2, SCOPE_NOBODY = 3, STATUS_BYTES = 4096 };

static int say(const struct ptrace_refusal *r, struct error *err, enum remedy_id id,
	       const char *why)
{
	const struct remedy *m = remedy(id);
	return fail(
		err, r->code,
		"cannot trace process %d: %s; run '%s' (it opens %s); 'perfprof check' says more",
		(int)r->pid, why, m->command, m->opens);
}

static int say_plain(const struct ptrace_refusal *r, struct error *err, const char *why)
{
	return fail(err, r->code, "cannot trace process %d: %s", (int)r->pid, why);
}

/* In the order in which kernel/ptrace.c (__ptrace_may_access) and Yama look at them. */
int ptrace_refusal_explain(const struct ptrace_refusal *r, struct error *err)
{
	char why[160];
	bool all = rights_have(r->rights, CAP_SYS_PTRACE);
	int64_t scope = r->rights->ptrace_scope;
	if (r->code == -ESRCH)
		return fail(err, r->code, "no process %d", (int)r->pid);
	if (r->code != -EPERM && r->code != -EACCES)
		return say_plain(r, err, strerror(-r->code));
	if (r->tracer_pid) {
		snprintf(why, sizeof(why), "process %d traces it already (a debugger, strace)",
			 (int)r->tracer_pid);
		return say_plain(r, err, why);
	}
	if (r->owner->known && !r->owner->same_user && !all) {
		snprintf(why, sizeof(why), "it belongs to %s", r->owner->name);
		return say(r, err, REMEDY_SUDO, why);
	}
	if (r->owner->undumpable && !all)
		return say(r, err, REMEDY_SUDO, "it has hidden its memory (PR_SET_DUMPABLE)");
	if (scope == SCOPE_NOBODY)
		return say_plain(r, err,
				 "kernel.yama.ptrace_scope is 3: nobody may, until the next boot");
	if (scope >= SCOPE_CHILDREN && !all) {
		snprintf(why, sizeof(why),
			 "kernel.yama.ptrace_scope is %d: %s, or CAP_SYS_PTRACE is needed",
			 (int)scope,
			 scope == SCOPE_ADMIN ? "only root may"
					      : "only what 'run' starts may be traced");
		return say(r, err, REMEDY_YAMA_0, why);
	}
	return say_plain(r, err,
			 r->rights->under_seccomp
				 ? "a seccomp filter forbids ptrace"
				 : "not permitted (a security module may forbid it)");
}

static pid_t tracer_of(pid_t pid)
{
	char path[64], text[STATUS_BYTES];
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	const char *at = strstr(text, "\nTracerPid:");
	return at ? (pid_t)strtol(at + strlen("\nTracerPid:"), NULL, 10) : 0;
}

int ptrace_refusal_of(pid_t pid, int code, struct error *err)
{
	struct rights rights;
	struct process_owner owner = { 0 };
	rights_read("", &rights);
	if (pid)
		process_owner_read(pid, &owner);
	pid_t tracer_pid = pid ? tracer_of(pid) : 0;
	struct ptrace_refusal r = { .rights = &rights,
				    .owner = &owner,
				    .pid = pid,
				    .tracer_pid = tracer_pid == getpid() ? 0 : tracer_pid,
				    .code = code };
	return ptrace_refusal_explain(&r, err);
}
