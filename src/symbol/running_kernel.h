/* SPDX-License-Identifier: MIT */
#ifndef SYMBOL_RUNNING_KERNEL_H
#define SYMBOL_RUNNING_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "object/object.h"

/* Which kernel runs here, for those who have addresses of one that may be another. */

/** @return the size of its build-id, 0 if it does not tell */
size_t running_kernel_build_id(uint8_t out[OBJECT_BUILD_ID_MAX]);

/** @return the address of one of its symbols by /proc/kallsyms; 0 if there is none, or it is hidden */
uint64_t running_kernel_address(const char *symbol);

#endif
