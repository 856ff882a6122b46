// SPDX-License-Identifier: MIT
/*
 * Names addresses for tests/oracle/symbol_oracle.py, in the format of llvm-symbolizer: for each
 * address (hexadecimal, a line each on standard input) its frames, innermost first, as a line with
 * the function and one with FILE:LINE, then an empty line. `--mangled` prints names as they are in
 * the file, a tab and the demangled one; `--start` appends the start of the function; `--time` only
 * prints how long it took.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/vec.h"
#include "symbol/symbol.h"

static void print_result(const struct symbol_result *result, bool mangled, bool with_start)
{
	for (uint32_t i = 0; i < result->line_count; i++) {
		const struct symbol_line *l = &result->lines[i];
		if (mangled && l->function[0])
			printf("%s\t", l->system_name);
		printf("%s\n%s:%u\n", l->function[0] ? l->function : "??",
		       l->file[0] ? l->file : "??", l->line);
	}
	if (!result->line_count)
		printf("??\n??:0\n");
	if (with_start)
		printf("start 0x%" PRIx64 "\n", result->start_vaddr);
	printf("\n");
}

static void measure(struct symbol_resolver *r, struct object *o, const uint64_t *at, size_t count)
{
	struct symbol_result result;
	uint64_t begin = monotonic_ns(), named = 0;
	for (size_t i = 0; i < count; i++) {
		symbol_resolve(r, o, at[i], &result);
		named += result.line_count != 0;
		if (i == 0)
			printf("first address %.1f ms\n", (double)(monotonic_ns() - begin) / 1e6);
	}
	printf("%zu addresses %.1f ms, %" PRIu64 " named\n", count,
	       (double)(monotonic_ns() - begin) / 1e6, named);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[2] : "";
	struct symbol_config config = { .inlines = true, .debug_dir = getenv("DEBUG_DIR") };
	const struct log log = { .domains = LOG_ALL, .fd = 2 };
	struct symbol_resolver *r = NULL;
	struct object *o = NULL;
	struct error err = { 0 };
	config.log = &log;
	int fd = argc > 1 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0 || object_open_fd(fd, argv[1], &o, &err) < 0 ||
	    symbol_resolver_create(&config, &r, &err) < 0) {
		fprintf(stderr, "symbolize: cannot open: %s\n", err.text);
		return 1;
	}
	VEC(uint64_t) at = { 0 };
	char line[64];
	while (fgets(line, sizeof(line), stdin))
		if (!vec_push(&at, strtoull(line, NULL, 16)))
			return 1;
	if (!strcmp(mode, "--time"))
		measure(r, o, at.at, at.count);
	for (size_t i = 0; i < at.count && strcmp(mode, "--time") != 0; i++) {
		struct symbol_result result;
		symbol_resolve(r, o, at.at[i], &result);
		print_result(&result, !strcmp(mode, "--mangled"), !strcmp(mode, "--start"));
	}
	vec_free(&at);
	symbol_resolver_destroy(r);
	object_unref(o);
	return 0;
}
