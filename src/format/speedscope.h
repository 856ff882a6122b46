/* SPDX-License-Identifier: MIT */
#ifndef FORMAT_SPEEDSCOPE_H
#define FORMAT_SPEEDSCOPE_H

#include "base/strbuf.h"
#include "profile/profile.h"

enum speedscope_weight {
	SPEEDSCOPE_AUTO, /* CPU time, or samples where it is not known */
	SPEEDSCOPE_SAMPLES,
	SPEEDSCOPE_CPU_NS,
};

/**
 * Writes a file for speedscope.app: one sampled profile a thread, that with the most samples first,
 * its stacks in order of time where that is known.
 * Equal profiles give equal bytes.
 *
 * @return 0 or -ENOMEM
 * Source: speedscope.app/file-format-schema.json
 */
int speedscope_write(const struct profile *p, enum speedscope_weight weight, struct strbuf *out,
		     struct error *err);

#endif
