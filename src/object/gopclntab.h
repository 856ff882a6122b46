/* SPDX-License-Identifier: MIT */
#ifndef OBJECT_GOPCLNTAB_H
#define OBJECT_GOPCLNTAB_H

#include "base/cursor.h"
#include "object/object.h"
#include "object/sections.h"

/*
 * Go's table of functions, which its runtime needs, so that every Go program has it: names, and for
 * each instruction how far the stack pointer has moved since the function was entered.
 * Source: Go, src/runtime/symtab.go (pcHeader, functab, _func) and "Go 1.2 Runtime Symbol Table
 * Information", of 1.2 and later.
 */
struct go_table {
	uint8_t *memory; /* malloc'd: the bytes below, with a NUL of our own behind them */
	const uint8_t *bytes;
	size_t size_bytes;
	uint64_t vaddr;
	uint32_t magic;
	uint64_t text, text_size_bytes; /* where function offsets count from */
	uint64_t count, names_off, values_off, functions_off;
};

struct go_function {
	const char *name; /* "" if the table does not say; lives as long as `memory` */
	uint64_t start_vaddr, size_bytes;
	uint32_t sp_off; /* of its stack pointer's table; 0: it has none */
	bool writes_sp;  /* in ways that the table does not follow (since 1.17) */
};

/**
 * Finds the table: in its own section, among other data of a position-independent program, or in the
 * segments of a file without section headers.
 *
 * @return 0; -ENOENT (a miss: also a table of which nothing says where its functions are); -EBADMSG;
 *         -ENOMEM
 */
int go_table_open(const struct object *o, const struct elf_sections *sections, struct go_table *out,
		  struct error *err);
void go_table_close(struct go_table *g);

/** Functions are in order of address. @return false behind the last one, or if the table is damaged */
bool go_table_function(const struct go_table *g, uint64_t i, struct go_function *out);

/** Is that its name? An ABI may stand behind it since 1.17. */
bool go_function_is(const struct go_function *f, const char *name);

/* A function's instructions by how far the stack pointer has moved: [start, end) of each range. */
struct go_sp {
	struct cursor values;
	uint64_t start_vaddr, end_vaddr;
	int32_t moved_bytes; /* below the return address */
};

void go_sp_begin(const struct go_table *g, const struct go_function *f, struct go_sp *out);
/** @return false when there are no more ranges */
bool go_sp_next(struct go_sp *s);

#endif
