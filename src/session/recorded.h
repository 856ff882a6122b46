/* SPDX-License-Identifier: MIT */
#ifndef SESSION_RECORDED_H
#define SESSION_RECORDED_H

#include "profile/builder.h"
#include "sampler/sampler.h"
#include "session/modules.h"
#include "session/names.h"

/* What a session does differently when its records come from a file (sampler/replay.h). */

struct recorded {
	const struct sampler *sampler;
	struct builder *builder;
	struct modules *modules;
	const char *build_id_dir;
	pid_t main_pid; /* of the program that was run; 0: not seen yet, or there is none */
	bool clock_has_begun, vdso_is_known;
};

/** Looks at each record before it is applied. */
void recorded_look(struct recorded *r, const struct record *record);

/**
 * Behind the last record: the facts of the capture, and the kernel's names if that kernel runs here.
 * @return 0 or -ENOMEM
 */
int recorded_finish(struct recorded *r, struct names *names);

#endif
