/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_FACTS_H
#define PROFILE_FACTS_H

#include "profile/profile.h"

/** The texts among the facts, for those who copy or check them all. */
enum { FACT_TEXTS = 7 };

static inline string_id *profile_fact_text(struct profile_meta *m, unsigned which)
{
	switch (which) {
	case 0: return &m->command;
	case 1: return &m->backend;
	case 2: return &m->unwind;
	case 3: return &m->event;
	case 4: return &m->host;
	case 5: return &m->kernel;
	default: return &m->selection;
	}
}

#endif
