/* SPDX-License-Identifier: MIT */
#ifndef RENDER_SVG_LAYOUT_H
#define RENDER_SVG_LAYOUT_H

#include "analyze/calltree.h"
#include "base/vec.h"

/** A rectangle of the picture. Its place is in samples from the left, so that nothing is rounded.
 */
struct svg_frame {
	uint32_t node; /* of the call tree; for a remainder, its parent's */
	uint32_t depth;
	uint32_t hidden; /* a remainder: children that are not drawn, summed; else 0 */
	bool deep;       /* they are not drawn since they lie too deep, not since they are thin */
	uint64_t x, width;
};

enum {
	SVG_MAX_DEPTH = 1700, /* higher pictures than 32,767 px are refused by image viewers */
};

/** Which nodes are drawn: those of `least` samples or more, above `depth`. */
struct svg_limits {
	uint64_t least;
	uint32_t depth;
};

/** Parents before children, depth first; frame 0 is the root, "all". */
struct svg_layout {
	VEC(struct svg_frame) frames;
	uint32_t max_depth;
	uint64_t total;
	bool has_remainder; /* of thin frames */
};

/**
 * Keeps the nodes within the limits and sums the other children of each parent into a remainder, so
 * that each level adds up.
 * @return false without memory
 */
bool svg_layout_build(const struct calltree *t, struct svg_limits limits, struct svg_layout *out);
void svg_layout_deinit(struct svg_layout *l);

/** Limits that no more than `most` nodes keep (but the root): wide ones first, then low ones. */
struct svg_limits svg_layout_limits(const struct calltree *t, size_t most);

#endif
