// SPDX-License-Identifier: MIT
/*
 * Records a program's stacks, then measures in CPU time: compiling the unwind tables of what it had
 * mapped, and unwinding. HOT repeats each dump while it is in the cache, STREAM goes through all in
 * turn. Usage: unwind [-n LIMIT] [-l] PROGRAM [ARG...]; -l also measures libunwind.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../tests/oracle/unwind/record.h"
#include "../../tests/oracle/unwind/remote.h"
#include "base/clock.h"
#include "unwind/unwind.h"

enum {
	FRAMES_MAX = 16384,
	HOT_TURNS = 50,
	STREAM_TURNS = 5,
	BUILD_TURNS = 7,
	LIBUNWIND_DUMPS = 200,
	LIBUNWIND_TURNS = 5
};

struct bench {
	struct spaces spaces;
	VEC(struct dump) dumps;
	struct unwind_cache *cache;
	uint64_t pcs[FRAMES_MAX];
};

static void code_at(void *context, uint64_t pc, struct unwind_code *out)
{
	const struct map *map = space_find(context, pc);
	if (!map)
		return;
	*out = (struct unwind_code){ LOOKUP_NO_CFI, NULL, map->bias, map->start, map->end };
	if (map->image && map->image->table) {
		out->table = map->image->table;
		out->lookup = LOOKUP_TABLE;
	}
}

static void keep(void *context, const struct dump *d)
{
	struct bench *b = context;
	struct dump copy = *d;
	uint8_t *stack = malloc(d->stack_size_bytes + 1);
	if (!stack)
		errx(1, "no memory");
	memcpy(stack, d->stack, d->stack_size_bytes);
	copy.stack = stack;
	if (d->stack_size_bytes && !vec_push(&b->dumps, copy))
		errx(1, "no memory");
}

static uint32_t unwind(struct bench *b, const struct dump *d, struct unwind_cache *cache)
{
	struct unwind_result r;
	struct unwind_env env = { .context = space_of(&b->spaces, d->pid),
				  .code_at = code_at,
				  .stack = d->stack,
				  .stack_start = d->registers[REGISTER_RSP],
				  .stack_size_bytes = d->stack_size_bytes,
				  .stack_copy_full = d->stack_copy_full };
	unwind_walk(&env, d->registers, cache, (uint32_t)d->pid, b->pcs, FRAMES_MAX, &r);
	return r.count;
}

static void measure_hot(struct bench *b, struct unwind_cache *cache, const char *name)
{
	uint64_t frames = 0, spent_ns = 0;
	for (size_t i = 0; i < b->dumps.count; i++) {
		unwind(b, &b->dumps.at[i], cache);
		uint64_t start_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		for (int turn = 0; turn < HOT_TURNS; turn++)
			frames += unwind(b, &b->dumps.at[i], cache);
		spent_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns;
	}
	printf("%-24s %8.1f ns/frame\n", name, (double)spent_ns / (double)frames);
}

static void measure_stream(struct bench *b)
{
	uint64_t frames = 0, best_ns = UINT64_MAX;
	for (int turn = 0; turn < STREAM_TURNS; turn++) {
		uint64_t start_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		frames = 0;
		for (size_t i = 0; i < b->dumps.count; i++)
			frames += unwind(b, &b->dumps.at[i], b->cache);
		uint64_t spent_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns;
		best_ns = spent_ns < best_ns ? spent_ns : best_ns;
	}
	printf("%-24s %8.1f ns/frame; %.1f frames a stack, %.2f us a stack\n", "stream",
	       (double)best_ns / (double)frames, (double)frames / (double)b->dumps.count,
	       (double)best_ns / 1e3 / (double)b->dumps.count);
}

/* As measure_hot(): the first turn of each dump fills libunwind's cache. */
static void measure_libunwind(struct bench *b)
{
	uint64_t frames = 0, spent_ns = 0;
	for (size_t i = 0; i < b->dumps.count && i < LIBUNWIND_DUMPS; i++) {
		const struct dump *d = &b->dumps.at[i];
		const struct space *space = space_of(&b->spaces, d->pid);
		remote_walk(d, space, b->pcs, FRAMES_MAX);
		uint64_t start_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		for (int turn = 0; turn < LIBUNWIND_TURNS; turn++)
			frames += remote_walk(d, space, b->pcs, FRAMES_MAX);
		spent_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns;
	}
	printf("%-24s %8.1f ns/frame\n", "libunwind, hot", (double)spent_ns / (double)frames);
}

static void measure_build(const struct image *image)
{
	struct object_section eh_frame;
	uint64_t best_ns = UINT64_MAX;
	size_t memory = 0;
	if (!image->table || object_section_load(image->object, ".eh_frame", &eh_frame, NULL) < 0)
		return;
	for (int turn = 0; turn < BUILD_TURNS; turn++) {
		struct unwind_table *t;
		uint64_t start_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		if (unwind_table_create(image->object, &t, NULL) < 0)
			return;
		uint64_t spent_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns;
		best_ns = spent_ns < best_ns ? spent_ns : best_ns;
		memory = unwind_table_memory_bytes(t);
		unwind_table_destroy(t);
	}
	double mb = (double)eh_frame.size_bytes / 1e6;
	printf("%8.3f MB .eh_frame %7.2f ms %6.0f MB/s  memory %.2f MB/MB  %s\n", mb,
	       (double)best_ns / 1e6, mb / ((double)best_ns / 1e9), (double)memory / 1e6 / mb,
	       image->path);
	object_section_deinit(&eh_frame);
}

int main(int argc, char **argv)
{
	static struct bench b;
	unsigned limit = 1000;
	bool libunwind = false;
	for (int c; (c = getopt(argc, argv, "+n:l")) != -1;) {
		if (c == 'n')
			limit = (unsigned)atoi(optarg);
		else if (c == 'l')
			libunwind = true;
		else
			errx(2, "usage: unwind [-n LIMIT] [-l] PROGRAM [ARG...]");
	}
	if (optind == argc)
		errx(2, "no program given");
	b.cache = unwind_cache_create();
	if (!b.cache)
		errx(1, "no memory");
	record_program(argv + optind, 997, 65528, limit, &b.spaces, keep, &b);
	for (size_t i = 0; i < b.spaces.images.count; i++)
		measure_build(b.spaces.images.at[i]);
	if (!b.dumps.count)
		errx(1, "no samples");
	measure_hot(&b, b.cache, "hot");
	measure_hot(&b, NULL, "hot, no cache");
	measure_stream(&b);
	if (libunwind)
		measure_libunwind(&b);
	return 0;
}
