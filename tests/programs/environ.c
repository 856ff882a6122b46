// SPDX-License-Identifier: MIT
/*
 * Prints all that a process inherits, a line each, so that it can be compared with and without a
 * profiler around it: arguments, environment, limits, signal mask and dispositions, niceness and
 * scheduler, descriptors with what they are, session, group, parent, umask, folder, cgroup,
 * capabilities.
 */
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "meter.h"

extern char **environ;

static void print_signals(void)
{
	sigset_t mask;
	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int i = 1; i < NSIG; i++) {
		struct sigaction action;
		if (sigaction(i, NULL, &action))
			continue;
		printf("signal %d %s%s\n", i, action.sa_handler == SIG_IGN ? "ignored" : "default",
		       sigismember(&mask, i) == 1 ? " blocked" : "");
	}
}

static void print_limits(void)
{
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		struct rlimit limit;
		if (!getrlimit((__rlimit_resource_t)i, &limit))
			printf("limit %d %llu %llu\n", i, (unsigned long long)limit.rlim_cur,
			       (unsigned long long)limit.rlim_max);
	}
}

static void print_descriptors(void)
{
	for (int fd = 0; fd < 1024; fd++) {
		char link[64], target[4096];
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		ssize_t n = readlink(link, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = 0;
		printf("descriptor %d %s\n", fd, target);
	}
}

static void print_file(const char *path, const char *const *prefixes)
{
	FILE *f = fopen(path, "r");
	char line[4096];
	while (f && fgets(line, sizeof(line), f)) {
		int wanted = !prefixes;
		for (const char *const *p = prefixes; p && *p; p++)
			wanted |= !strncmp(line, *p, strlen(*p));
		if (wanted)
			printf("%s: %s", path, line);
	}
	if (f)
		fclose(f);
}

int main(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		printf("argument %s\n", argv[i]);
	for (char **e = environ; *e; e++)
		printf("environment %s\n", *e);
	print_signals();
	print_limits();
	print_descriptors();
	char folder[4096] = "";
	mode_t mask = umask(0);
	printf("nice %d scheduler %d\n", getpriority(PRIO_PROCESS, 0), sched_getscheduler(0));
	printf("session %d group %d foreground %d\n", (int)getsid(0), (int)getpgrp(),
	       (int)tcgetpgrp(0));
	printf("umask %o folder %s\n", mask, getcwd(folder, sizeof(folder)) ? folder : "?");
	int death_signal = 0, subreaper = 0;
	prctl(PR_GET_PDEATHSIG, &death_signal);
	prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
	printf("dumpable %d no_new_privs %d death_signal %d subreaper %d\n", prctl(PR_GET_DUMPABLE),
	       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), death_signal, subreaper);
	static const char *const status[] = { "Uid",   "Gid",       "Groups", "Cap",    "Seccomp",
					      "NoNew", "TracerPid", "Cpus_a", "Mems_a", NULL };
	print_file("/proc/self/status", status);
	print_file("/proc/self/cgroup", NULL);
	print_file("/proc/self/personality", NULL);
	print_file("/proc/self/oom_score_adj", NULL);
	print_file("/proc/self/timerslack_ns", NULL);
	return 0;
}
