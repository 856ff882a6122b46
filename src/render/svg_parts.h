/* SPDX-License-Identifier: MIT */
#ifndef RENDER_SVG_PARTS_H
#define RENDER_SVG_PARTS_H

#include "analyze/hotspots.h"
#include "render/facts.h"
#include "render/svg.h"
#include "render/svg_layout.h"
#include "render/svg_palette.h"

/* Pixels of the picture, as it stands in a viewer without script. */
enum {
	SVG_DEFAULT_WIDTH = 1200,
	SVG_MARGIN = 12,
	SVG_ROW = 18,   /* from frame to frame */
	SVG_FRAME = 17, /* a frame's height */
	SVG_FONT = 12,
	SVG_BASELINE = 12,   /* below a frame's top: underscores stay above the marks */
	SVG_FEW_SAMPLES = 5, /* frames that rest on fewer are hatched */
};

/* A character's width in the fixed-width fonts that we name, in px at SVG_FONT, and a bit more. */
#define SVG_CHARACTER 7.3
/* Of a proportional font, in parts of its size: no common text is wider on average. */
#define SVG_PROPORTIONAL 0.56

struct svg {
	const struct profile *profile;
	const struct svg_options *options;
	const struct svg_palette *palette;
	struct facts facts;
	struct hotspots hotspots;
	const struct calltree *tree;
	struct svg_layout layout;
	uint32_t width;                                      /* px */
	uint32_t flame_top, flame_height, table_top, height; /* px */
	struct strbuf *out;
};

/** Lays out what stands above the frames and sets flame_top; writes it if `write`. */
void svg_head(struct svg *s, bool write);
/** Style, patterns, and the classes of the palette. */
void svg_style(struct svg *s);
/** All frames as groups. */
void svg_frames(struct svg *s);
/** What the script shows of each frame: modules, files, functions, and numbers. */
void svg_data(struct svg *s);
/** Sets table_top and height; the ten hottest functions below the frames if `write`. */
void svg_table(struct svg *s, bool write);

/** The letter that names a kind in classes: "o" own, "l" library, "k" kernel ... */
char svg_kind_letter(enum node_kind kind);
/** The words of the legend. */
const char *svg_kind_words(enum node_kind kind);

/**
 * Appends text escaped for XML; if it has more than `columns` characters, its end becomes an
 * ellipsis. Wide characters (CJK and beyond) count twice.
 */
void svg_clipped(struct strbuf *out, const char *text, size_t columns);
/** Appends `part` in `whole` as a percentage with up to four decimals and a percent sign. */
void svg_percent(struct strbuf *out, uint64_t part, uint64_t whole);

#endif
