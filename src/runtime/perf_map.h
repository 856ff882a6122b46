/* SPDX-License-Identifier: MIT */
#ifndef RUNTIME_PERF_MAP_H
#define RUNTIME_PERF_MAP_H

#include "base/cursor.h"
#include "runtime/jit_code.h"

/**
 * Reads the whole lines of a piece of /tmp/perf-PID.map: "START SIZE NAME", numbers in hex; others are
 * left out.
 *
 * @param bytes    left behind the last whole line
 * @param since_ns when these lines came
 * @return 0 or -ENOMEM
 * Source: tools/perf/Documentation/jit-interface.txt (Linux)
 */
int perf_map_read(struct cursor *bytes, uint64_t since_ns, struct jit_codes *out);

#endif
