// SPDX-License-Identifier: MIT
#include "process/memory.h"

#include <sys/uio.h>

size_t process_read_some(pid_t pid, uint64_t address, void *out, size_t size_bytes)
{
	struct iovec local = { .iov_base = out, .iov_len = size_bytes };
	struct iovec remote = { .iov_base = (void *)(uintptr_t)address, .iov_len = size_bytes };
	ssize_t n = process_vm_readv(pid, &local, 1, &remote, 1, 0);
	return n > 0 ? (size_t)n : 0;
}

bool process_read(pid_t pid, uint64_t address, void *out, size_t size_bytes)
{
	return process_read_some(pid, address, out, size_bytes) == size_bytes;
}
