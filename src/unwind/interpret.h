/* SPDX-License-Identifier: MIT */
#ifndef UNWIND_INTERPRET_H
#define UNWIND_INTERPRET_H

#include <stdbool.h>
#include <stdint.h>

#include "unwind/cfi.h"
#include "unwind/registers.h"
#include "unwind/table.h"

/*
 * The slow path: one step by the whole of DWARF CFI, with all registers, from the raw FDE. For the
 * few rows that do not fit struct unwind_rule.
 */

struct interpret_memory {
	void *context;
	bool (*read)(void *context, uint64_t address, void *out, size_t size_bytes);
};

struct interpret_registers {
	uint64_t value[CFI_REGISTERS]; /* DWARF order */
	uint32_t known; /* bits: callee-saved registers get lost behind frames without CFI */
};

/**
 * @param pc  in the code; for a caller one less than its return address
 * @param r   changed only for STEP_CALLER and STEP_INTERRUPTED
 * @return as unwind_step(), but never STEP_SLOW
 */
int interpret_step(const struct unwind_table *t, uint64_t bias, uint64_t pc,
		   const struct interpret_memory *memory, struct interpret_registers *r);

/** Evaluates a DWARF expression. @return false if it cannot be evaluated; *failed_read then says
 * why */
bool interpret_expression(struct cursor code, const struct interpret_registers *r,
			  const struct interpret_memory *memory, uint64_t bias,
			  const uint64_t *initial, uint64_t *out, bool *failed_read);

#endif
