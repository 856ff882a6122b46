/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_REMEDIES_H
#define PROCESS_REMEDIES_H

/*
 * The one list of commands that grant a right, each with what it gives away and to whom. Messages that
 * refuse something and `perfprof check` use these same words. X(ID, command, what it opens)
 */
#define REMEDIES(X)                                                                               \
	X(SUDO, "sudo perfprof ...", "nothing that lasts: this one run is root's")                \
	X(SETCAP, "sudo setcap cap_perfmon,cap_sys_ptrace,cap_syslog,cap_checkpoint_restore=ep",  \
	  "to everybody who may run that file: all processes and the kernel, with what they "     \
	  "execute and where they have it in memory (chgrp and chmod o-x narrow it)")             \
	X(PARANOID_2, "sudo sysctl kernel.perf_event_paranoid=2",                                 \
	  "to every user of this machine, until it boots: sampling of his own processes in user " \
	  "mode, through a system call that has had holes")                                       \
	X(PARANOID_1, "sudo sysctl kernel.perf_event_paranoid=1",                                 \
	  "to every user of this machine, until it boots: where the kernel spends time for his "  \
	  "own processes, and its addresses")                                                     \
	X(CONTAINER, "docker run --cap-add PERFMON ...",                                          \
	  "to whoever runs in that container: what every CPU of the machine executes, also for "  \
	  "others")                                                                               \
	X(SECCOMP, "docker run --security-opt seccomp=FILE ...",                                  \
	  "to that container: the system calls that FILE adds; perf_event_open alone is enough")  \
	X(KPTR_1, "sudo sysctl kernel.kptr_restrict=1",                                           \
	  "to programs with CAP_SYSLOG, until it boots: addresses in the kernel, of use to "      \
	  "whoever attacks it")                                                                   \
	X(KPTR_0, "sudo sysctl kernel.kptr_restrict=0",                                           \
	  "to everybody who may sample the kernel, until it boots: its addresses, of use to "     \
	  "whoever attacks it")                                                                   \
	X(YAMA_0, "sudo sysctl kernel.yama.ptrace_scope=0",                                       \
	  "to every program, until it boots: memory of all programs of the same user, to read "   \
	  "and to change")                                                                        \
	X(MLOCK, "sudo sysctl kernel.perf_event_mlock_kb=16388",                                  \
	  "to every user, until it boots: 16 MiB of memory for each CPU, never swapped out")      \
	X(SAMPLE_RATE, "sudo sysctl kernel.perf_event_max_sample_rate=100000",                    \
	  "to every user who may sample, until it boots: that many interrupts a second")          \
	X(NOFILE, "sudo prlimit --pid $$ --nofile=1048576", "to this shell: more open files")     \
	X(TRACEFS, "sudo mount -t tracefs tracefs /sys/kernel/tracing",                           \
	  "to root only: the kernel's tracing folder")

enum remedy_id {
#define X(id, command, opens) REMEDY_##id,
	REMEDIES(X)
#undef X
		REMEDY_COUNT
};

struct remedy {
	const char *command, *opens;
};

const struct remedy *remedy(enum remedy_id id);

#endif
