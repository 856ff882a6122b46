/* SPDX-License-Identifier: MIT */
#ifndef SYMBOL_SYMBOL_H
#define SYMBOL_SYMBOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"
#include "object/object.h"

/*
 * (object, address) -> functions, inlined calls, lines, as plain results.
 */

struct symbol_line {             /* strings live as long as the resolver */
	const char *function;    /* demangled; "" if unknown */
	const char *system_name; /* as in the file */
	const char *file;        /* "" if unknown */
	uint32_t line;           /* 0 if unknown */
	uint32_t start_line;     /* where the function is declared; 0 if unknown */
	bool inlined;            /* into the next one */
};

struct symbol_result {
	const struct symbol_line *lines; /* innermost first; the last one is not inlined */
	uint32_t line_count;             /* 0: no name is known */
	uint64_t start_vaddr;            /* of the function, 0 if unknown */
	const char *kernel_module; /* "[ext4]"; NULL: the kernel itself, or no kernel address */
};

struct symbol_config {
	bool inlines;
	const char *debug_dir; /* NULL: /usr/lib/debug */
	const struct log *log; /* may be NULL */
};

struct symbol_resolver; /* not thread-safe: belongs to one thread */

int symbol_resolver_create(const struct symbol_config *config, struct symbol_resolver **out,
			   struct error *err);
void symbol_resolver_destroy(struct symbol_resolver *r);

/**
 * Names an address of an object.
 *
 * @param vaddr the ELF's own; for return addresses already minus one
 * @param out   valid until the resolver is destroyed; line_count 0 when nothing is known
 */
void symbol_resolve(struct symbol_resolver *r, struct object *obj, uint64_t vaddr,
		    struct symbol_result *out);

/** Names a kernel address by /proc/kallsyms (read once, at the first call). */
void symbol_resolve_kernel(struct symbol_resolver *r, uint64_t pc, struct symbol_result *out);

/** The vdso of this kernel, made from our own memory. @return 0 or negative errno */
int symbol_vdso_object(struct object **out, struct error *err);

#endif
