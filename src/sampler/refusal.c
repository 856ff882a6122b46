// SPDX-License-Identifier: MIT
#include "sampler/refusal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "process/remedies.h"

/* The causes in the order in which kernel/events/core.c, perf_event_open, looks at them. */
enum cause {
	CAUSE_DESCRIPTORS, /* then nothing else can be found out either */
	CAUSE_NO_CALL,
	CAUSE_NO_PROCESS,
	CAUSE_OTHER,
	CAUSE_PARANOID, /* 3 and 4 of Debian's and Ubuntu's kernels */
	CAUSE_OWNER,
	CAUSE_HIDDEN,
	CAUSE_SECCOMP,
	CAUSE_USER_NAMESPACE,
	CAUSE_CHANGED,
	CAUSE_RIGHT,
};

enum { PARANOID_USERS_MOST = 2 };

static enum cause cause_of(const struct refusal *r)
{
	const struct rights *rights = r->rights;
	bool all = rights_may_sample_all(rights);
	if (r->code == -EMFILE || r->code == -ENFILE)
		return CAUSE_DESCRIPTORS;
	if (r->code == -ENOSYS || rights->perf_paranoid == RIGHTS_UNKNOWN)
		return CAUSE_NO_CALL;
	if (r->code == -ESRCH)
		return CAUSE_NO_PROCESS;
	if (r->code != -EPERM && r->code != -EACCES)
		return CAUSE_OTHER;
	if (!all && rights->perf_paranoid > PARANOID_USERS_MOST)
		return CAUSE_PARANOID;
	if (r->pid && !all && r->owner->known && !r->owner->same_user)
		return CAUSE_OWNER;
	if (r->pid && !all && r->owner->undumpable)
		return CAUSE_HIDDEN;
	if (rights->under_seccomp)
		return CAUSE_SECCOMP;
	if (rights->in_user_namespace)
		return CAUSE_USER_NAMESPACE;
	return r->pid && !all ? CAUSE_CHANGED : CAUSE_RIGHT;
}

static void add(struct error *err, const char *text)
{
	size_t length = strlen(err->text);
	snprintf(err->text + length, sizeof(err->text) - length, "%s", text);
}

static void add_remedy(struct error *err, const char *before, enum remedy_id id)
{
	const struct remedy *r = remedy(id);
	add(err, before);
	add(err, "'");
	add(err, r->command);
	add(err, "' (it opens ");
	add(err, r->opens);
	add(err, ")");
}

static void say_cause(const struct refusal *r, enum cause cause, struct error *err)
{
	int pid = (int)r->pid;
	switch (cause) {
	case CAUSE_DESCRIPTORS:
		fail(err, 0,
		     "cannot sample: perfprof may open no more files: raise the limit ('ulimit "
		     "-Hn'; "
		     "1024 are enough for most)");
		break;
	case CAUSE_NO_CALL:
		fail(err, 0,
		     "cannot sample: this kernel has no perf_event_open, or hides it from this "
		     "container");
		break;
	case CAUSE_NO_PROCESS: fail(err, 0, "no process %d", pid); break;
	case CAUSE_OTHER:
		fail(err, 0, "cannot sample: perf_event_open: %s", strerror(-r->code));
		break;
	case CAUSE_PARANOID:
		fail(err, 0,
		     "cannot sample: kernel.perf_event_paranoid is %d, which permits it to nobody "
		     "without CAP_PERFMON",
		     (int)r->rights->perf_paranoid);
		break;
	case CAUSE_OWNER:
		fail(err, 0, "cannot sample process %d: it belongs to %s", pid, r->owner->name);
		break;
	case CAUSE_HIDDEN:
		fail(err, 0,
		     "cannot sample process %d: it is yours, but has hidden its memory, also from "
		     "you "
		     "(PR_SET_DUMPABLE, or a program that you may not read)",
		     pid);
		break;
	case CAUSE_SECCOMP:
		fail(err, 0, "cannot sample: a seccomp filter forbids perf_event_open");
		break;
	case CAUSE_USER_NAMESPACE:
		fail(err, 0,
		     "cannot sample: not permitted; what we may do counts only in our user "
		     "namespace");
		break;
	case CAUSE_CHANGED:
		fail(err, 0,
		     "cannot sample process %d: not permitted (it may have changed its user, or a "
		     "security module forbids it)",
		     pid);
		break;
	case CAUSE_RIGHT:
		fail(err, 0,
		     "cannot sample: not permitted: CAP_PERFMON is missing, or a security module "
		     "forbids perf_event_open");
		break;
	}
}

static void say_remedies(const struct refusal *r, enum cause cause, struct error *err)
{
	switch (cause) {
	case CAUSE_DESCRIPTORS:
	case CAUSE_NO_CALL:
	case CAUSE_NO_PROCESS:
	case CAUSE_OTHER: return;
	case CAUSE_PARANOID:
		add_remedy(err, "; run ", REMEDY_SUDO);
		add_remedy(err, ", or ", REMEDY_PARANOID_2);
		break;
	case CAUSE_OWNER:
	case CAUSE_HIDDEN:
	case CAUSE_CHANGED: add_remedy(err, "; run ", REMEDY_SUDO); break;
	case CAUSE_SECCOMP:
		add_remedy(err, "; start the container with ", REMEDY_CONTAINER);
		add_remedy(err, ", or with ", REMEDY_SECCOMP);
		break;
	case CAUSE_USER_NAMESPACE:
		add(err, "; run perfprof outside of the container, as root");
		break;
	case CAUSE_RIGHT:
		if (r->rights->euid)
			add_remedy(err, "; run ", REMEDY_SUDO);
		else
			add(err, "; run it with all of root's capabilities");
		break;
	}
	add(err, "; 'perfprof check' says more");
}

int refusal_explain(const struct refusal *r, struct error *err)
{
	enum cause cause = cause_of(r);
	struct error ignored = { 0 };
	err = err ? err : &ignored;
	say_cause(r, cause, err);
	say_remedies(r, cause, err);
	return cause == CAUSE_NO_CALL ? -ENOSYS : r->code;
}

int refusal_of(pid_t pid, int code, struct error *err)
{
	struct rights rights;
	struct process_owner owner = { 0 };
	rights_read("", &rights);
	if (pid)
		process_owner_read(pid, &owner);
	struct refusal r = { .rights = &rights, .owner = &owner, .pid = pid, .code = code };
	return refusal_explain(&r, err);
}
