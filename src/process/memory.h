/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_MEMORY_H
#define PROCESS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * Reads a live address space without stopping it; the only place that does. What is read may change
 * in the same moment.
 *
 * @return true if all bytes were read
 * Source: process_vm_readv(2); it needs the right to ptrace the process
 */
bool process_read(pid_t pid, uint64_t address, void *out, size_t size_bytes);

/**
 * The same, up to the first page that cannot be read.
 * @return how many bytes were read
 * Source: mm/process_vm_access.c (process_vm_rw_single_vec), which goes page by page
 */
size_t process_read_some(pid_t pid, uint64_t address, void *out, size_t size_bytes);

#endif
