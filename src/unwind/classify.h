/* SPDX-License-Identifier: MIT */
#ifndef UNWIND_CLASSIFY_H
#define UNWIND_CLASSIFY_H

#include "unwind/cfi.h"
#include "unwind/rows.h"

/** Was this written by Go's linker? It has a mark of its own: data aligned by 4. */
bool cie_is_of_go(const struct cfi_cie *cie);

/** Turns a state of the CFI machine into a compact rule; CFA_SLOW where it does not fit one. */
struct unwind_rule classify_state(const struct cfi_cie *cie, const struct cfi_state *state);

#endif
