// SPDX-License-Identifier: MIT
/*
 * Works until SIGTERM in `run` of a library that cannot be opened any more. usage: library PLUGIN.so
 * delete|memfd|keep  `delete` removes PLUGIN.so once it is loaded; `memfd` loads a copy in memory.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "meter.h"

typedef void (*run_function)(uint64_t);

static volatile sig_atomic_t stop;

static void on_term(int number)
{
	(void)number;
	stop = 1;
}

static void *load_copy(const char *path)
{
	char bytes[65536], name[64];
	int from = open(path, O_RDONLY), to = memfd_create("plugin", MFD_CLOEXEC);
	ssize_t n;
	while ((n = read(from, bytes, sizeof(bytes))) > 0)
		if (write(to, bytes, (size_t)n) != n)
			return NULL;
	close(from);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", to);
	void *handle = dlopen(name, RTLD_NOW);
	close(to);
	return handle;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	int in_memory = !strcmp(argv[2], "memfd"), deletes = !strcmp(argv[2], "delete");
	void *handle = in_memory ? load_copy(argv[1]) : dlopen(argv[1], RTLD_NOW);
	run_function run = handle ? (run_function)dlsym(handle, "run") : NULL;
	if (!run || (deletes && unlink(argv[1]) < 0))
		return 1;
	run(1); /* what it needs of the file is in memory now */
	signal(SIGTERM, on_term);
	puts("ready");
	fflush(stdout);
	while (!stop)
		run(3000000);
	return 0;
}
