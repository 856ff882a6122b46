/* SPDX-License-Identifier: MIT */
#ifndef UNWIND_GO_ROWS_H
#define UNWIND_GO_ROWS_H

#include "object/gopclntab.h"
#include "unwind/row_builder.h"

/*
 * Rows from Go's own table. It says how far the stack pointer has moved; the machine code says where rbp
 * is saved, and in the runtime's few functions that change stacks, where the callers are.
 */
struct go_rows {
	struct go_table table;
	uint8_t *code; /* of the table's functions: malloc'd */
	/* Where the runtime keeps what CFA_SWITCH_SAVED needs; taken from its own instructions. */
	bool knows_saved;
	int32_t thread_g_off, m_curg_off;
	int16_t g_rbp_off;
	uint64_t gives_up_vaddr[3]; /* functions that newstack calls, and that do not return */
};

/** @return 0; -ENOENT if this is no Go program, or nothing can be read; -EBADMSG; -ENOMEM */
int go_rows_open(const struct object *o, struct go_rows *out, struct error *err);
void go_rows_close(struct go_rows *g);

/** Is it where signal handlers return to? No call is before its first byte. */
bool go_rows_is_signal_return(const struct go_function *f);

/**
 * Adds a function's rows. Addresses are counted from `base_vaddr`; those below `from` are left out.
 * @return false without memory
 */
bool go_rows_add(const struct go_rows *g, const struct go_function *f, uint64_t base_vaddr,
		 uint32_t from, struct row_builder *out);

#endif
