// SPDX-License-Identifier: MIT
#include "profile/pattern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NOT_ASKED, NO, YES };

int pattern_init(struct pattern *r, const struct profile *p, const char *option, const char *text,
		 struct error *err)
{
	*r = (struct pattern){ .profile = p };
	if (strlen(text) > PATTERN_MAX_BYTES)
		return fail(err, -EINVAL, "%s: the pattern has more than %d bytes", option,
			    PATTERN_MAX_BYTES);
	int wrong = regcomp(&r->compiled, text, REG_EXTENDED | REG_NOSUB);
	if (wrong) {
		char words[256];
		regerror(wrong, &r->compiled, words, sizeof(words));
		return fail(err, -EINVAL, "%s '%s' is no regular expression: %s", option, text,
			    words);
	}
	r->is_set = true;
	r->known = calloc(p->strings.count + 1, sizeof(*r->known));
	return r->known ? 0 : fail(err, -ENOMEM, "out of memory");
}

void pattern_deinit(struct pattern *r)
{
	if (r->is_set)
		regfree(&r->compiled);
	free(r->known);
	*r = (struct pattern){ 0 };
}

bool pattern_matches_text(struct pattern *r, const char *text)
{
	bool yes = regexec(&r->compiled, text, 0, NULL, 0) == 0;
	r->matched |= yes;
	return yes;
}

bool pattern_matches(struct pattern *r, string_id text)
{
	uint8_t *known = &r->known[text.v];
	if (!text.v)
		return false; /* what is not known has no name */
	if (*known == NOT_ASKED)
		*known = pattern_matches_text(r, profile_string(r->profile, text)) ? YES : NO;
	return *known == YES;
}

bool pattern_matches_line(struct pattern *r, const struct profile_frame *frame, uint32_t line)
{
	const struct profile *p = r->profile;
	const struct profile_function *f = &p->functions[p->lines[line].function.v];
	return pattern_matches(r, f->name) || pattern_matches(r, f->file) ||
	       pattern_matches(r, p->modules[frame->module.v].path);
}
