/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_PPROF_VALUES_H
#define PROFILE_PPROF_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which of a file's sample types become our count and CPU time: files have any number of them, of
 * any name ("samples/count", "wall/nanoseconds", "inuse_space/bytes").
 */

struct pprof_value_type {
	const char *type, *unit;
};

struct pprof_choice {
	size_t count_index, time_index;
	bool has_count, has_time; /* at least one is true if there is a type at all */
	uint64_t time_unit_ns;
	uint64_t period_ns; /* makes counts from times; 0 if unknown */
};

/** @param default_type may be "" */
struct pprof_choice pprof_choose(const struct pprof_value_type *types, size_t count,
				 const char *default_type, struct pprof_value_type period_type,
				 uint64_t period);

/** @return false if a value is negative, as in a difference of two profiles */
bool pprof_choice_apply(const struct pprof_choice *c, const int64_t *values, uint64_t *out_count,
			uint64_t *out_cpu_ns);

/** @return nanoseconds in one "milliseconds", ...; 0 if it is no unit of time */
uint64_t pprof_time_unit_ns(const char *unit);

#endif
