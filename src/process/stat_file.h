/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_STAT_FILE_H
#define PROCESS_STAT_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct stat_file { /* what we use of /proc/PID/stat */
	pid_t parent_pid;
	uint64_t system_ticks;          /* in kernel mode, all threads, living and dead */
	uint64_t children_system_ticks; /* of children that have ended and were waited for */
	uint64_t start_ticks;           /* after boot */
};

/**
 * Parses the text of /proc/PID/stat.
 *
 * @return false if it is not as proc(5) says
 */
bool stat_file_parse(const char *text, struct stat_file *out);

/** @return false if the process is gone */
bool stat_file_read(pid_t pid, struct stat_file *out);

/** @return kernel time in ns (the kernel counts in ticks of 1/100 s) */
uint64_t stat_file_system_ns(const struct stat_file *s, bool with_children);

/** @return a thread's CPU time since it began, in ns by the scheduler's clock (proc(5): schedstat); 0 if it is gone
 */
uint64_t stat_file_thread_cpu_ns(pid_t pid, pid_t tid);

#endif
