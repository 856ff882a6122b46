// SPDX-License-Identifier: MIT
#include "session/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

int caller_state_capture(struct caller_state *out, struct error *err)
{
	if (sigprocmask(SIG_SETMASK, NULL, &out->mask) < 0 ||
	    sigaction(SIGCHLD, NULL, &out->sigchld) < 0 ||
	    sigaction(SIGPIPE, NULL, &out->sigpipe) < 0 ||
	    sigaction(SIGXFSZ, NULL, &out->sigxfsz) < 0 ||
	    getrlimit(RLIMIT_NOFILE, &out->nofile) < 0 ||
	    getrlimit(RLIMIT_MEMLOCK, &out->memlock) < 0)
		return fail_errno(err, "cannot read our own limits and signals");
	out->user = NULL;
	out->nice = getpriority(PRIO_PROCESS, 0); /* -1 is one, too: it cannot fail for oneself */
	return 0;
}

/* What the child reports when it gets no further. */
struct failure {
	bool user; /* it could not become another user; else it could not execute */
	int code;  /* errno */
};

/* The uid goes last: what comes before it needs root's rights. */
static bool become(const struct child_user *user)
{
	return setgroups(user->group_count, user->groups) == 0 &&
	       setresgid(user->gid, user->gid, user->gid) == 0 &&
	       setresuid(user->uid, user->uid, user->uid) == 0;
}

static _Noreturn void give_up(int fd, struct failure why, int status)
{
	ssize_t n = write(fd, &why, sizeof(why));
	_exit(n == sizeof(why) ? status : 125);
}

/* Only async-signal-safe calls: we may have threads, the child has one. */
static _Noreturn void child_main(char **command, const struct caller_state *state, int go_fd,
				 int errno_fd)
{
	char byte;
	ssize_t n;
	do {
		n = read(go_fd, &byte, 1);
	} while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(125); /* perfprof died before it let us go */
	setrlimit(RLIMIT_NOFILE, &state->nofile);
	setrlimit(RLIMIT_MEMLOCK, &state->memlock);
	setpriority(PRIO_PROCESS, 0,
		    state->nice); /* ours is another when it is not the first CMD */
	sigaction(SIGCHLD, &state->sigchld, NULL);
	sigaction(SIGPIPE, &state->sigpipe, NULL);
	sigaction(SIGXFSZ, &state->sigxfsz, NULL);
	sigprocmask(SIG_SETMASK, &state->mask, NULL);
	/* Samples inside exec bear the name of before: CMD's, not ours. exec sets it anyway. */
	const char *slash = strrchr(command[0], '/');
	prctl(PR_SET_NAME, slash ? slash + 1 : command[0]);
	if (state->user && !become(state->user))
		give_up(errno_fd, (struct failure){ true, errno }, 125);
	execvpe(command[0], command, state->user ? state->user->environment : environ);
	give_up(errno_fd, (struct failure){ false, errno },
		errno == ENOENT || errno == ENOTDIR ? 127 : 126);
}

int child_spawn(char **command, const struct caller_state *state, struct child *out,
		struct error *err)
{
	*out = (struct child){ .go_fd = -1, .errno_fd = -1 };
	int go[2], report[2];
	if (pipe2(go, O_CLOEXEC) < 0)
		return fail_errno(err, "cannot make a pipe");
	if (pipe2(report, O_CLOEXEC) < 0) {
		int r = fail_errno(err, "cannot make a pipe");
		close(go[0]);
		close(go[1]);
		return r;
	}
	pid_t pid = fork();
	if (pid == 0) {
		close(go[1]);
		child_main(command, state, go[0], report[1]);
	}
	int r = pid < 0 ? fail_errno(err, "cannot fork") : 0;
	close(go[0]);
	close(report[1]);
	*out = (struct child){
		.pid = pid < 0 ? 0 : pid, .go_fd = go[1], .errno_fd = report[0], .user = state->user
	};
	if (r < 0)
		child_deinit(out);
	return r;
}

int child_release(struct child *c, struct error *err)
{
	if (write(c->go_fd, "", 1) != 1)
		return fail_errno(err, "cannot start the command");
	close(take_fd(&c->go_fd));
	struct failure why;
	ssize_t n;
	do {
		n = read(c->errno_fd, &why, sizeof(why));
	} while (n < 0 && errno == EINTR);
	close(take_fd(&c->errno_fd));
	if (n != sizeof(why))
		return 0;
	errno = why.code;
	if (why.user)
		return fail_errno(err, "cannot become user '%s'", c->user->name);
	c->exec_errno = why.code;
	return c->user ? fail_errno(err, "cannot execute as user '%s'", c->user->name)
		       : fail_errno(err, "cannot execute");
}

/* A sampler that traces it has its stops reported to all our threads: they are not ours to take. */
bool child_has_ended(const struct child *c)
{
	siginfo_t info = { 0 };
	if (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		return errno != EINTR;
	return info.si_pid == c->pid && (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED ||
					 info.si_code == CLD_DUMPED);
}

bool child_reap(struct child *c)
{
	if (!c->exited && c->pid > 0) {
		int status;
		pid_t pid = child_has_ended(c) ? waitpid(c->pid, &status, WNOHANG) : 0;
		if (pid == c->pid) {
			c->exited = true;
			c->wait_status = status;
		} else if (pid < 0 && errno != EINTR) {
			c->exited = true; /* somebody else took the status */
			c->wait_status = 0;
		}
	}
	return c->exited;
}

void child_deinit(struct child *c)
{
	bool vanishes = c->go_fd >= 0 && !c->exited;
	if (c->go_fd >= 0)
		close(c->go_fd);
	if (c->errno_fd >= 0)
		close(c->errno_fd);
	c->go_fd = c->errno_fd = -1;
	int status;
	while (vanishes && c->pid > 0 && waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	c->exited |= vanishes;
}
