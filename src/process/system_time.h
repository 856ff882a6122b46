/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_SYSTEM_TIME_H
#define PROCESS_SYSTEM_TIME_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * Reads how long a process (all its threads, living and dead) has run in kernel mode. The kernel
 * counts in ticks of 1/100 s (proc(5), /proc/PID/stat, field 15).
 *
 * @return false if the process is gone or the file is not as expected
 */
bool process_system_ns(pid_t pid, uint64_t *out_ns);

#endif
