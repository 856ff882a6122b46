/* SPDX-License-Identifier: MIT */
#ifndef RUNTIME_JIT_FILES_H
#define RUNTIME_JIT_FILES_H

#include <sys/types.h>

#include "base/error.h"
#include "object/file_root.h"
#include "runtime/jit_code.h"

/*
 * The files in which a live process says what functions it made at run time: /tmp/perf-PID.map, in its
 * own mounts and under its own number, and a jitdump. Both grow while they are read, and are there when
 * the process has ended. They are believed only if they belong to the process's user, or to root.
 */

struct jit_files;

/**
 * @param roots of this thread
 * @return 0; -ESRCH if the process has gone; -ENOMEM; with `err`
 */
int jit_files_create(struct file_roots *roots, pid_t pid, struct jit_files **out,
		     struct error *err);
/** Takes NULL. */
void jit_files_destroy(struct jit_files *f);

/** Tells the path of a jitdump that the process has mapped, as the process sees it. */
void jit_files_set_dump(struct jit_files *f, const char *path);

/**
 * Reads what came since the last time.
 *
 * @param now_ns    CLOCK_MONOTONIC: lines of a perf map bear no time, and count from the last reading on
 * @param max_bytes of each file; what is more is for the next time
 * @return 1 if anything came, else 0; -ENOMEM
 */
int jit_files_read(struct jit_files *f, uint64_t now_ns, size_t max_bytes);

struct jit_codes *jit_files_codes(struct jit_files *f);

/** @return why a file was not read, or not to its end, as a sentence; NULL if nothing was left out */
const char *jit_files_refusal(const struct jit_files *f);

#endif
