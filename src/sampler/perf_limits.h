/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_PERF_LIMITS_H
#define SAMPLER_PERF_LIMITS_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "sampler/perf_attr.h"

/**
 * The numbers of the CPUs that are online.
 * @param out malloc'd, ascending
 * @return 0; negative errno
 */
int perf_online_cpus(int **out, uint32_t *out_count, struct error *err);

/** Parses the kernel's list form ("0-3,8"). @return how many were stored, or -EINVAL */
int perf_parse_cpu_list(const char *text, int *out, uint32_t limit);

/** @return a number from a file under /proc/sys, or `fallback` */
int64_t perf_read_number(const char *path, int64_t fallback);

/**
 * Object files, outputs and pidfds want descriptors too, and without them no stack could be walked:
 * a part is left to them. Threads beyond live by inherited copies.
 *
 * @param descriptors what RLIMIT_NOFILE allows
 * @return how many families may be open at once; at least one
 */
uint32_t perf_families_that_fit(uint64_t descriptors, uint32_t cpu_count);

/** @return the least RLIMIT_NOFILE with which that many families fit, a round number */
uint64_t perf_descriptors_for(uint32_t families, uint32_t cpu_count);

/**
 * Finds out by trying what may be sampled, on ourselves.
 *
 * @param want_kernel false leaves the kernel out even where it is permitted
 * @return 0; negative errno with `err` as refusal_of() words it
 */
int perf_probe_features(bool want_kernel, bool want_children, struct perf_features *out,
			struct error *err);

#endif
