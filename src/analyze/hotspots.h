/* SPDX-License-Identifier: MIT */
#ifndef ANALYZE_HOTSPOTS_H
#define ANALYZE_HOTSPOTS_H

#include "analyze/interval.h"
#include "profile/profile.h"

struct hotspot {
	string_id function, module, file; /* in the profile's strings; module is a path */
	uint32_t line;                    /* the hottest line of the function */
	enum frame_kind kind;
	bool unnamed;
	uint64_t self, total; /* samples; a recursive function counts once in total */
	uint64_t self_ns, total_ns;
	struct interval self_share, total_share;
};

struct hotspots {
	struct hotspot *at; /* sorted by self, then total, then name */
	size_t count;
	uint64_t samples; /* the whole that shares refer to */
};

int hotspots_build(const struct profile *p, struct hotspots *out, struct error *err);
void hotspots_deinit(struct hotspots *h);

struct module_quality {
	string_id path, build_id;
	uint64_t self, samples;     /* leaf in it; anywhere on the stack (once a sample) */
	uint64_t truncated;         /* stacks that broke in it */
	string_id truncated_reason; /* the most frequent; "" for none */
	uint64_t unnamed;           /* samples with an unnamed leaf in it */
	bool deleted;
};

struct quality {
	struct module_quality *at; /* sorted by self */
	size_t count;
	uint64_t samples, truncated;
};

int quality_build(const struct profile *p, struct quality *out, struct error *err);
void quality_deinit(struct quality *q);

#endif
