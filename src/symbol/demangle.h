/* SPDX-License-Identifier: MIT */
#ifndef SYMBOL_DEMANGLE_H
#define SYMBOL_DEMANGLE_H

#include <stdbool.h>

#include "base/strbuf.h"

/**
 * Appends the name as its author would write it: C++ (Itanium ABI) in full with parameters, Rust
 * (both schemes) without the hash; "@plt" stays behind. Bounded in time, stack and output: names
 * come from the target.
 *
 * @return false if it is no mangled name, or too long a one; `out` is then as it was
 */
bool demangle(const char *name, struct strbuf *out);

#endif
