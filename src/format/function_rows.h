/* SPDX-License-Identifier: MIT */
#ifndef FORMAT_FUNCTION_ROWS_H
#define FORMAT_FUNCTION_ROWS_H

#include "base/vec.h"
#include "profile/profile.h"

/*
 * Functions as people tell them apart: by name, file and the module that they lie in. The model keeps
 * the module with the frame, other formats with the function.
 */

struct function_row {
	function_id function;
	module_id module;
};

struct function_rows {
	VEC(struct function_row) rows;
	uint32_t *row_of_line; /* by row of profile.lines */
};

/** @return 0 or -ENOMEM; call function_rows_deinit() in either case */
int function_rows_init(const struct profile *p, struct function_rows *out, struct error *err);
void function_rows_deinit(struct function_rows *f);

/** @return "libc.so.6" of "/lib/libc.so.6"; "[vdso]" of itself */
const char *module_basename(const struct profile *p, module_id m);

#endif
