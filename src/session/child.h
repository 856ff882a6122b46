/* SPDX-License-Identifier: MIT */
#ifndef SESSION_CHILD_H
#define SESSION_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/error.h"

/* Another user than ours for CMD: looked up before fork(2), since name services are not for afterwards. */
struct child_user {
	const char *name;
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* supplementary ones */
	size_t group_count;
	char **environment; /* what CMD shall find, whole; NULL-terminated */
};

/* What CMD must find as if we were not there; taken before we change anything of our own. */
struct caller_state {
	sigset_t mask;
	struct sigaction sigchld, sigpipe, sigxfsz;
	struct rlimit nofile, memlock;
	int nice;                      /* getpriority(2) */
	const struct child_user *user; /* NULL: ours; borrowed, the caller sets it */
};

int caller_state_capture(struct caller_state *out, struct error *err);

struct child {
	pid_t pid;    /* 0: none */
	int go_fd;    /* closing it without a byte makes the child vanish; -1: released */
	int errno_fd; /* closes at exec, or delivers what failed; -1: read */
	const struct child_user *user;
	int exec_errno; /* not 0: execve(2) failed */
	bool exited;
	int wait_status;
};

/** Forks a process that waits before its exec. @return 0 or negative errno */
int child_spawn(char **command, const struct caller_state *state, struct child *out,
		struct error *err);

/**
 * Lets it exec and waits until it has.
 * @return 0; the negative errno of execve, or of what comes before it; `err` is set
 */
int child_release(struct child *c, struct error *err);

/** @return whether its status can be collected, or somebody else has done so */
bool child_has_ended(const struct child *c);

/** Collects its status if it has ended. @return true if it has (now or before) */
bool child_reap(struct child *c);

/** Closes descriptors. A child that was never released ends and is reaped; one that runs goes on. */
void child_deinit(struct child *c);

#endif
