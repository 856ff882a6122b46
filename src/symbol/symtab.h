/* SPDX-License-Identifier: MIT */
#ifndef SYMBOL_SYMTAB_H
#define SYMBOL_SYMTAB_H

#include "object/object.h"
#include "object/sections.h"
#include "symbol/ranges.h"

/*
 * Functions of ELF symbol tables by range: `.symtab`, `.dynsym`, the one in `.gnu_debugdata`,
 * Go's own table, and the entries of the procedure linkage table. A zeroed struct is empty.
 */
struct symtab_entry {
	const char *name; /* as in the table, without `@VERSION`; lives as long as the symtab */
	uint64_t start, size_bytes;
	bool is_label;    /* no type, local, no size: a branch target in assembly */
	bool is_sizeless; /* size_bytes was found out by symtab_finish() */
	bool is_alias;    /* a less good name for the start of the entry before it */
	uint16_t rank;    /* lower is better */
};

struct code_range { /* an executable section */
	uint64_t start, end;
};

struct symtab {
	VEC(struct symtab_entry) entries; /* by start; row 0 is unused */
	VEC(struct code_range) code;      /* by start */
	VEC(void *) memory;               /* string tables and names made here */
	struct ranges ranges;
};

/**
 * Notes the executable sections: symbols outside them are no functions, and one without a size
 * ends with its section. Sections without bytes count too (in a file of debug information).
 */
bool symtab_add_code(struct symtab *t, const struct elf_sections *sections);

/** Adds a table of symbols. @return 0; -ENOENT (a miss); -EBADMSG; -ENOMEM */
int symtab_add(struct symtab *t, const struct object *o, const struct elf_sections *sections,
	       const char *name, struct error *err);

/** Adds the symbols of the xz-compressed ELF file in `.gnu_debugdata`. @return as symtab_add() */
int symtab_add_minidebug(struct symtab *t, const struct object *o,
			 const struct elf_sections *sections, struct error *err);

/**
 * Adds the functions that Go's runtime knows: a stripped Go program still has them.
 * @return as symtab_add()
 */
int symtab_add_gopclntab(struct symtab *t, const struct object *o,
			 const struct elf_sections *sections, struct error *err);

/** Adds NAME@plt for the entries of .plt, .plt.sec and .plt.got. x86-64 only. @return as
 * symtab_add() */
int symtab_add_plt(struct symtab *t, const struct object *o, const struct elf_sections *sections,
		   struct error *err);

/** Adds one function. `name` is borrowed. @return false without memory */
bool symtab_add_function(struct symtab *t, const char *name, uint64_t start, uint64_t size_bytes);

/** Chooses among aliases and builds the ranges; once, after all was added. @return 0 or -ENOMEM */
int symtab_finish(struct symtab *t, struct error *err);

/** @return the function whose range holds the address, or NULL */
const struct symtab_entry *symtab_find(const struct symtab *t, uint64_t vaddr);

/**
 * Whether symtab_find()'s choice is better than another name: the symbol table has that one for the
 * same address, but there it is local, weak, or has more underscores.
 */
bool symtab_is_better(const struct symtab *t, const struct symtab_entry *entry, const char *name);

void symtab_deinit(struct symtab *t);

#endif
