// SPDX-License-Identifier: MIT
/*
 * Reads the text of /proc/PID/maps and puts every line into one address space, whose mappings must
 * stay sorted and apart; the last one must be found at both of its ends.
 */
#include <stdlib.h>

#include "process/mapped_files.h"
#include "process/mappings.h"
#include "process/maps_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check(const struct mappings *m, const struct mapping *last)
{
	for (size_t i = 0; i < m->list.count; i++) {
		require(m->list.at[i].start < m->list.at[i].end);
		require(!i || m->list.at[i - 1].end <= m->list.at[i].start);
	}
	const struct mapping *first = mappings_find(m, last->start),
			     *end = mappings_find(m, last->end - 1);
	require(first && end && first == end && first->mapped.v == last->mapped.v);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct cursor c = cursor_of(bytes, size_bytes);
	struct mapped_files files = { 0 };
	struct strings strings;
	struct record_mmap mmap;
	char path[256];
	struct mappings *m = mappings_create();
	require(m && mapped_files_init(&files) && strings_init(&strings) == 0);
	for (int line = 0; line < 1000 && maps_file_next(&c, &mmap, path, sizeof(path)); line++) {
		struct mapping mapping = { .start = mmap.start,
					   .end = mmap.end,
					   .file_off = mmap.file_off,
					   .mapped = mapped_files_intern(&files, &strings, 1,
									 &mmap) };
		require(mapping.mapped.v && mappings_add(&m, &mapping));
		check(m, &mapping);
	}
	mappings_unref(m);
	mapped_files_deinit(&files);
	strings_deinit(&strings);
	return 0;
}
