/* SPDX-License-Identifier: MIT */
#ifndef RENDER_SVG_H
#define RENDER_SVG_H

#include "base/strbuf.h"
#include "profile/profile.h"

struct svg_options {
	const char *title;  /* NULL: the command */
	uint32_t width_px;  /* 0: scales with the window (viewBox 1200 wide) */
	bool inverted;      /* icicle: root at the top */
	bool reverse;       /* merge from the leaf */
	bool threads;       /* comm-TID at level 1 */
	const char *colors; /* palette name; NULL: by kind */
};

/** @return 0; -EINVAL for an unknown palette (`err` lists them); -ENOMEM */
int svg_render(const struct profile *p, const struct svg_options *options, struct strbuf *out,
	       struct error *err);

#endif
