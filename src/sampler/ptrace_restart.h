/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_PTRACE_RESTART_H
#define SAMPLER_PTRACE_RESTART_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A thread that was seen running may have gone to sleep in a system call before PTRACE_INTERRUPT reached it.
 * Most calls are then begun again by the kernel, unseen. Some return EINTR instead, since they say
 * that no handler restarts them (signal(7)): that the program would see.
 */

/** @return whether this call, which has returned -EINTR, has done nothing yet and can be begun again */
bool ptrace_restart_is_possible(bool is_32bit, uint64_t call);

/**
 * What to put in place of -EINTR: the kernel then begins the call again, but returns EINTR after all if
 * a handler of the program's own runs first (kernel: ERESTARTNOHAND; arch/x86/kernel/signal.c).
 */
enum { PTRACE_RESTART_RESULT = -514 };

#endif
