/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_PATTERN_H
#define PROFILE_PATTERN_H

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "profile/profile.h"

enum { PATTERN_MAX_BYTES = 1024 };

/** A regular expression that a user gave, and what it says about each string of a profile. */
struct pattern {
	regex_t compiled;
	const struct profile *profile;
	uint8_t *known; /* by string: 0 not asked yet, 1 no, 2 yes */
	bool is_set;    /* false: zeroed, nothing to free */
	bool matched;   /* something */
};

/**
 * @param option as in "--focus", for the sentence
 * @param text   POSIX extended (regex(7)), found anywhere, upper and lower case differ
 * @return 0; -EINVAL (too long, or regerror(3)'s words); -ENOMEM
 */
int pattern_init(struct pattern *r, const struct profile *p, const char *option, const char *text,
		 struct error *err);
void pattern_deinit(struct pattern *r);

/** Both are remembered in `matched`. */
bool pattern_matches(struct pattern *r, string_id text);
bool pattern_matches_text(struct pattern *r, const char *text);

/** By its name, its source file or its module, as pprof has it. @param line row of profile.lines */
bool pattern_matches_line(struct pattern *r, const struct profile_frame *frame, uint32_t line);

#endif
