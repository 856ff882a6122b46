/* SPDX-License-Identifier: MIT */
#ifndef SYMBOL_KERNEL_H
#define SYMBOL_KERNEL_H

#include "base/error.h"
#include "base/strbuf.h"
#include "base/vec.h"

/* The kernel's symbols, as /proc/kallsyms lists them. */
struct kernel_symbol {
	uint64_t start;
	uint32_t name_off, module_off; /* in `text`; module 0: the kernel itself */
};

struct kernel_symbols {
	VEC(struct kernel_symbol) symbols; /* functions, by start */
	struct strbuf text;
};

/**
 * @param text contents of /proc/kallsyms; taken over and changed
 * @return 0; -EPERM if all addresses are zero (kptr_restrict); -ENODATA if there are none; -ENOMEM
 */
int kernel_symbols_parse(struct kernel_symbols *k, struct strbuf *text, struct error *err);
/** From /proc/kallsyms. @return as above, or negative errno */
int kernel_symbols_load(struct kernel_symbols *k, struct error *err);

/** @return the symbol that holds the address: names reach to the next one; NULL if none */
const struct kernel_symbol *kernel_symbols_find(const struct kernel_symbols *k, uint64_t pc);
void kernel_symbols_deinit(struct kernel_symbols *k);

#endif
