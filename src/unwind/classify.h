/* SPDX-License-Identifier: MIT */
#ifndef UNWIND_CLASSIFY_H
#define UNWIND_CLASSIFY_H

#include "unwind/cfi.h"
#include "unwind/rows.h"

/** Turns a state of the CFI machine into a compact rule; CFA_SLOW where it does not fit one. */
struct unwind_rule classify_state(const struct cfi_cie *cie, const struct cfi_state *state);

#endif
