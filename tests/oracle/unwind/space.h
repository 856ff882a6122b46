/* SPDX-License-Identifier: MIT */
#ifndef ORACLE_SPACE_H
#define ORACLE_SPACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/vec.h"
#include "object/object.h"
#include "unwind/unwind.h"

/* What processes have mapped. Exits on any failure: this is a test program. */

struct image { /* a file, once for all processes */
	char *path;
	struct object *object;       /* NULL: could not be opened */
	struct unwind_table *table;  /* NULL: no CFI */
	uint64_t eh_frame_hdr_vaddr; /* 0: none */
	const uint8_t *bytes;        /* the whole file; mapped, which only a test may */
};

struct map {
	uint64_t start, end, bias;
	struct image *image; /* NULL: anonymous */
};

struct space {
	pid_t pid;
	VEC(struct map) maps;
};

struct spaces {
	VEC(struct space *) all;
	VEC(struct image *) images;
	bool changed; /* for whoever caches; he clears it */
};

struct space *space_of(struct spaces *s, pid_t pid);
void space_map(struct spaces *s, pid_t pid, uint64_t start, uint64_t size_bytes, uint64_t file_off,
	       const char *path);
void space_fork(struct spaces *s, pid_t parent, pid_t child);
void space_exec(struct spaces *s, pid_t pid);
/** @return NULL if nothing is mapped there */
const struct map *space_find(const struct space *s, uint64_t pc);
/** Reads what the files hold at an address. */
bool space_read(const struct space *s, uint64_t address, void *out, size_t size_bytes);

#endif
