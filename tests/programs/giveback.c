// SPDX-License-Identifier: MIT
/*
 * What a process costs after its last instruction. usage: giveback [MEGABYTES]
 * A child fills so much memory and exits, and the kernel takes it back. Prints the CPU time that the child used in
 * all, and how much of it behind its own last look at the clock.
 */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "meter.h"

static void fill(size_t size_bytes)
{
	char *at =
		mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		_exit(1);
	madvise(at, size_bytes, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < size_bytes; i += 4096)
		at[i] = 1;
}

int main(int argc, char **argv)
{
	size_t size_bytes = (size_t)meter_argument(argc, argv, 1, 300) << 20;
	int to_parent[2], status;
	uint64_t last_ns = 0;
	struct rusage used;
	if (pipe(to_parent))
		return 1;
	pid_t pid = fork();
	if (!pid) {
		fill(size_bytes);
		last_ns = meter_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
		_exit(write(to_parent[1], &last_ns, sizeof(last_ns)) != sizeof(last_ns));
	}
	if (pid < 0 || read(to_parent[0], &last_ns, sizeof(last_ns)) != sizeof(last_ns) ||
	    wait4(pid, &status, 0, &used) != pid || status)
		return 1;
	uint64_t used_ns = (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000000u +
			   (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000u;
	printf("{\"cpu_ns\": %llu, \"exit_ns\": %llu}\n", (unsigned long long)used_ns,
	       (unsigned long long)(used_ns - last_ns));
	return 0;
}
