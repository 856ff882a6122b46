/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_LIVE_H
#define PROCESS_LIVE_H

#include "base/error.h"
#include "record/record.h"

struct live_process {
	char comm[64];
	pid_t parent_pid;
	uint64_t start_ticks; /* after boot; field 22 of /proc/PID/stat */
};

/**
 * Reads a live process from /proc: each executable mapping, each thread.
 *
 * @param out zeroed parts are not known
 * @return 0; -ESRCH; -EACCES (`err` names the file)
 */
int live_read(pid_t pid, void (*on_mapping)(void *context, const struct record_mmap *mmap),
	      void (*on_thread)(void *context, pid_t tid, const char *comm), void *context,
	      struct live_process *out, struct error *err);

#endif
