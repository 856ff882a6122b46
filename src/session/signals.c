// SPDX-License-Identifier: MIT
#include "session/signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

int signals_init(struct signals *s, struct error *err)
{
	static const int handled[] = {
		SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD
	};
	*s = (struct signals){ .fd = -1 };
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
		sigaddset(&set, handled[i]);
	struct sigaction plain = { .sa_handler = SIG_DFL }, ignore = { .sa_handler = SIG_IGN };
	/* An ignored SIGCHLD, inherited, would make the kernel throw CMD's status away (wait(2)); a
	 * reader of our output that goes away, and a limit on the size of files, must not keep us from
	 * passing that status on. */
	if (sigaction(SIGCHLD, &plain, NULL) < 0 || sigaction(SIGPIPE, &ignore, NULL) < 0 ||
	    sigaction(SIGXFSZ, &ignore, NULL) < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return fail_errno(err, "cannot set up signals");
	s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->fd < 0)
		return fail_errno(err, "cannot make a signalfd");
	return 0;
}

void signals_deinit(struct signals *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* The kernel's own signals (a terminal's ^C, ^\, hang-up) reach the whole foreground group: CMD too. */
static bool from_terminal(const struct signalfd_siginfo *info)
{
	return info->ssi_code == SI_KERNEL;
}

static enum signal_action run_action(struct signals *s, const struct signalfd_siginfo *info,
				     pid_t child)
{
	if (info->ssi_pid != (uint32_t)child && info->ssi_signo != SIGUSR1 &&
	    info->ssi_signo != SIGUSR2)
		s->end_asked = true;
	if (!from_terminal(info)) {
		if (info->ssi_pid != (uint32_t)child)
			kill(child, (int)info->ssi_signo);
		return SIGNAL_NONE;
	}
	if (info->ssi_signo == SIGINT && ++s->interrupts >= 2)
		return SIGNAL_GIVE_UP;
	return SIGNAL_NONE;
}

bool signals_take(struct signals *s, pid_t child, enum signal_action *out)
{
	struct signalfd_siginfo info;
	if (read(s->fd, &info, sizeof(info)) != sizeof(info))
		return false;
	*out = SIGNAL_NONE;
	if (info.ssi_signo == SIGCHLD)
		*out = SIGNAL_CHILD;
	else if (child)
		*out = run_action(s, &info, child);
	else if (info.ssi_signo != SIGUSR1 && info.ssi_signo != SIGUSR2)
		*out = SIGNAL_STOP;
	return true;
}
