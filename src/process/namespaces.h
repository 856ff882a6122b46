/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_NAMESPACES_H
#define PROCESS_NAMESPACES_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/**
 * What a process is called in the innermost pid namespace that it is in.
 * @return 0 if that is ours, or if it is not known
 * Source: proc(5), NSpid of /proc/PID/status
 */
pid_t process_inner_pid(pid_t pid);

/** The number that the text of /proc/PID/status names last under NSpid; 0 if it names only one. */
pid_t process_inner_pid_parse(const char *status);

/**
 * Whose files a process makes: the last number of "Uid" in /proc/PID/status.
 * @return false if it is not known
 */
bool process_file_user(pid_t pid, uid_t *out);
bool process_file_user_parse(const char *status, uid_t *out);

/**
 * Whether /proc speaks of the processes that we speak of. In a pid namespace with the /proc of another
 * one, each number means somebody else there.
 *
 * @return 0; -ENOENT with `err` saying what mends it
 */
int process_folder_is_ours(struct error *err);

#endif
