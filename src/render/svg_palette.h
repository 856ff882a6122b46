/* SPDX-License-Identifier: MIT */
#ifndef RENDER_SVG_PALETTE_H
#define RENDER_SVG_PALETTE_H

#include <stdint.h>

#include "analyze/calltree.h"
#include "base/strbuf.h"

enum {
	SVG_SHADES = 6, /* of each kind; a function always gets the same */
	SVG_KINDS = NODE_TRUNCATED + 1,
};

/** A colour as 0xRRGGBB. */
typedef uint32_t svg_color;

/* All palettes by name: SVG_PALETTES(X) gives X(kind) and so on. */
#define SVG_PALETTES(X) \
	X(kind)         \
	X(hot)          \
	X(mem)          \
	X(io)           \
	X(red)          \
	X(green)        \
	X(blue)         \
	X(aqua)         \
	X(yellow)       \
	X(purple)       \
	X(orange)       \
	X(wakeup)       \
	X(chain)        \
	X(java)         \
	X(js)           \
	X(perl)

struct svg_palette;

/** @return NULL for an unknown name; the palette "kind" for NULL */
const struct svg_palette *svg_palette_find(const char *name);

/** Appends the names of all palettes, separated by ", ". */
void svg_palette_names(struct strbuf *out);

/** The fill of a kind's frames; text on it is SVG_INK_LIGHT or SVG_INK_DARK. */
svg_color svg_palette_fill(const struct svg_palette *p, enum node_kind kind, unsigned shade,
			   bool dark);

/** The shade of a function by its name. */
unsigned svg_palette_shade(const char *name);

#define SVG_INK_LIGHT 0x14171a /* on light pages */
#define SVG_INK_DARK 0xf4f6f8  /* on dark pages */
#define SVG_PAGE_LIGHT 0xffffff
#define SVG_PAGE_DARK 0x16191d

/** Contrast of two colours, 1 to 21 (WCAG 2.1, 1.4.3). */
double svg_contrast(svg_color a, svg_color b);

#endif
