/* SPDX-License-Identifier: MIT */
#ifndef FORMAT_PERF_SCRIPT_H
#define FORMAT_PERF_SCRIPT_H

#include "profile/profile.h"

/*
 * What `perf script` prints: for each sample a line `comm pid/tid [cpu] time: period event:` and its
 * frames below, innermost first, `address symbol+0xoffset (file)`; without call chains the frame stands
 * behind the event. Any of the fields may be missing (perf script -F).
 */

/** @return true if the first lines look like it */
bool perf_script_is(const void *bytes, size_t size_bytes);

/**
 * Reads it. Each sample counts once. CPU time is known for the events that count it (cpu-clock,
 * task-clock) when their period is printed. Of several events only the first one's samples are taken
 * (their sum would mean nothing); a note says what was left out.
 *
 * @return 0; -EBADMSG (`err` names the line); -ENOMEM
 * Source: Linux, tools/perf/builtin-script.c and util/evsel_fprintf.c
 */
int perf_script_read(const void *bytes, size_t size_bytes, struct profile **out, struct error *err);

#endif
