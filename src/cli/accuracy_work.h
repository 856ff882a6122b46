/* SPDX-License-Identifier: MIT */
#ifndef CLI_ACCURACY_WORK_H
#define CLI_ACCURACY_WORK_H

#include <stdint.h>

/*
 * The program of `check --accuracy`: functions that know what they cost. Work is done in units of a fixed
 * number of steps inside one function; the thread's CPU clock, which is a system call, is read between
 * them.
 */

enum { ACCURACY_FUNCTIONS = 5 };

/* `perfprof check WORD FD` is that program; nobody else says so. */
#define ACCURACY_WORK_WORD "--accuracy-work"

struct accuracy_truth {
	uint64_t function_ns[ACCURACY_FUNCTIONS];
	uint64_t process_ns; /* all that the process used */
};

/** Works for some two seconds of CPU time and writes a struct accuracy_truth to `fd`. @return status */
int accuracy_work(int fd);

/** @return "alpha" and so on, as the symbol table has it */
const char *accuracy_function_name(unsigned i);
/** @return the ELF's own virtual address, for a binary without symbols */
uint64_t accuracy_function_vaddr(unsigned i);

#endif
