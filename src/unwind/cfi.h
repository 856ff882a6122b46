/* SPDX-License-Identifier: MIT */
#ifndef UNWIND_CFI_H
#define UNWIND_CFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"

/*
 * Call frame information as it stands in a file: entries (CIE, FDE) and the machine that runs their
 * instructions. Nothing here allocates; a failed read shows in the cursor or in a false.
 * Source: DWARF 5, 6.4; LSB 5.0 Core, 10.6 (.eh_frame); psABI x86-64, figure 3.36
 */

enum { CFI_REGISTERS = 17, CFI_RBP = 6, CFI_RSP = 7, CFI_RIP = 16 };

/* A section or a part of one. */
struct cfi_section {
	const uint8_t *bytes;
	size_t size_bytes;
	size_t offset;    /* of `bytes` in the section */
	uint64_t vaddr;   /* of the section's first byte */
	bool debug_frame; /* .debug_frame, not .eh_frame */
};

struct cfi_entry {
	bool is_cie;
	size_t offset;      /* in the section, of the length field */
	size_t cie_offset;  /* in the section; of an FDE's CIE */
	struct cursor body; /* behind the id field */
};

enum cfi_kind {
	CFI_UNSPECIFIED, /* no instruction named it: callee-saved registers keep their value */
	CFI_UNDEFINED,
	CFI_SAME,
	CFI_OFFSET,     /* saved at CFA + offset */
	CFI_VAL_OFFSET, /* is CFA + offset */
	CFI_REGISTER,   /* is in register `offset`; for the CFA: register `reg` + offset */
	CFI_EXPRESSION, /* saved where the expression says; for the CFA: is its value */
	CFI_VAL_EXPRESSION,
};

struct cfi_rule {
	uint8_t kind;
	uint8_t reg;
	uint32_t expression_size_bytes;
	union {
		int64_t offset;
		const uint8_t *expression;
	};
};

struct cfi_state {
	struct cfi_rule cfa;
	struct cfi_rule registers[CFI_REGISTERS];
};

struct cfi_cie {
	uint64_t code_align;
	int64_t data_align;
	uint64_t return_register;
	uint8_t version;
	uint8_t pointer_encoding;
	bool is_signal;             /* augmentation 'S' */
	bool has_augmentation_data; /* augmentation 'z' */
	struct cursor instructions;
	struct cfi_state initial; /* after `instructions`; see cfi_run_cie() */
};

struct cfi_fde {
	uint64_t start_vaddr, size_bytes;
	struct cursor instructions;
};

/**
 * Cuts out the next entry.
 *
 * @param c  inside section->bytes
 * @return 1; 0 at the end; -1 if the entry is cut off or points outside (c->bad is set)
 */
int cfi_next_entry(const struct cfi_section *section, struct cursor *c, struct cfi_entry *out);

/** Parses a CIE and runs its instructions. @return false if it is damaged or of an unknown kind */
bool cfi_parse_cie(const struct cfi_section *section, const struct cfi_entry *entry,
		   struct cfi_cie *out);

/** @return false if the entry is damaged */
bool cfi_parse_fde(const struct cfi_section *section, const struct cfi_entry *entry,
		   const struct cfi_cie *cie, struct cfi_fde *out);

/**
 * Reads a pointer by its DW_EH_PE encoding. Indirect ones yield the address of the pointer.
 * @return false (and c->bad) for encodings that need a base which files do not have
 */
bool cfi_pointer(const struct cfi_section *section, struct cursor *c, uint8_t encoding,
		 uint64_t *out);

enum { CFI_STATE_DEPTH = 16 }; /* of remember_state; compilers use 1 or 2 */

/* Runs instructions; `state` holds for [start, end) after each cfi_machine_next(). */
struct cfi_machine {
	const struct cfi_section *section;
	const struct cfi_cie *cie;
	struct cursor code;
	uint64_t start, end, fde_end;
	bool done, bad;
	bool lean;
	bool rules_changed; /* since the caller cleared it: more than the CFA's offset */
	unsigned depth;
	struct cfi_state state;
	struct cfi_state remembered[CFI_STATE_DEPTH];
};

void cfi_machine_init(struct cfi_machine *m, const struct cfi_section *section,
		      const struct cfi_cie *cie, const struct cfi_fde *fde);
/** For those who want the CFA, rbp and the return address alone: `state` has nothing else. */
void cfi_machine_init_lean(struct cfi_machine *m, const struct cfi_section *section,
			   const struct cfi_cie *cie, const struct cfi_fde *fde);

/**
 * @return true: the state for [start, end); false: no more. m->bad: instructions from m->start on
 *         could not be run
 */
bool cfi_machine_next(struct cfi_machine *m);

#endif
