/* SPDX-License-Identifier: MIT */
#ifndef LIB_LIB_H
#define LIB_LIB_H

#include "base/error.h"
#include "perfprof.h"
#include "profile/profile.h"

/* What is behind the handles of perfprof.h; shared by the files of this room only. */

struct perfprof_profile {
	struct profile *model;
};

/**
 * Hands a failure to the library's caller.
 *
 * @param code negative errno, or 0: then nothing is done
 * @param out  may be NULL
 * @return `code`
 */
int lib_failed(int code, const struct error *err, struct perfprof_error **out);

/** Puts a model behind a handle; owns it in any case. @param code as in lib_failed() */
int lib_wrap(int code, struct profile *model, struct error *err, struct perfprof_profile **out,
	     struct perfprof_error **out_err);

/* The facts of a profile by perfprof.h's enumerators; NULL for one that there is not. */
string_id *lib_text_fact(struct profile_meta *m, enum perfprof_text_fact fact);
uint64_t *lib_wide_fact(struct profile_meta *m, enum perfprof_number_fact fact);
uint32_t *lib_narrow_fact(struct profile_meta *m, enum perfprof_number_fact fact);
bool *lib_flag_fact(struct profile_meta *m, enum perfprof_number_fact fact);

#endif
