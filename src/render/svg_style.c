// SPDX-License-Identifier: MIT
#include "render/assets.h"
#include "render/svg_parts.h"

static const enum node_kind shaded_kinds[] = { NODE_USER, NODE_LIBRARY, NODE_KERNEL, NODE_JIT,
					       NODE_UNNAMED };

enum { SHADED = sizeof(shaded_kinds) / sizeof(shaded_kinds[0]) };

/* Marks in a tile as high as a row: kinds are told apart without their hue. */
static const char *mark_of(enum node_kind kind)
{
	switch (kind) {
	case NODE_LIBRARY: return "M0 16.2h12";
	case NODE_KERNEL: return "M-1 3L3 -1M-1 9L9 -1M-1 15L13 1M1 19L13 7M7 19L13 13";
	case NODE_JIT: return "M1 16h2M7 16h2M1 1h2M7 1h2";
	case NODE_UNNAMED: return "M0 16.2h7";
	case NODE_TRUNCATED: return "M-1 -1L13 17.67M-7 -1L7 17.67M5 -1L19 17.67";
	case NODE_ROOT:
	case NODE_THREAD:
	case NODE_USER: break;
	}
	return NULL;
}

static void put_pattern(struct svg *s, enum node_kind kind, unsigned shade)
{
	const char *mark = mark_of(kind);
	char letter = svg_kind_letter(kind);
	if (!mark)
		return;
	strbuf_printf(s->out,
		      "<pattern id=\"%c%u\" width=\"12\" height=\"%d\" y=\"%u\" "
		      "patternUnits=\"userSpaceOnUse\"><rect class=\"c%c%u\" width=\"12\" "
		      "height=\"%d\"/><path class=\"mark %c\" d=\"%s\"/></pattern>\n",
		      letter, shade, SVG_ROW, s->flame_top % SVG_ROW, letter, shade, SVG_ROW,
		      letter, mark);
}

static void put_patterns(struct svg *s)
{
	strbuf_puts(s->out, "<defs>\n");
	for (size_t k = 0; k < SHADED; k++)
		for (unsigned shade = 0; shade < SVG_SHADES; shade++)
			put_pattern(s, shaded_kinds[k], shade);
	put_pattern(s, NODE_TRUNCATED, 0);
	strbuf_puts(s->out,
		    "<pattern id=\"few\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\">"
		    "<rect class=\"cfew\" width=\"5\" height=\"5\"/><path class=\"mark few\" "
		    "d=\"M-1 1L1 -1M-1 6L6 -1M4 6L6 4\"/></pattern>\n"
		    "<pattern id=\"z\" width=\"3\" height=\"3\" patternUnits=\"userSpaceOnUse\">"
		    "<rect class=\"cfew\" width=\"3\" height=\"3\"/><path class=\"mark z\" "
		    "d=\"M.5 0v3\"/></pattern>\n</defs>\n");
}

static void put_fills(struct svg *s, enum node_kind kind, unsigned shade, bool dark)
{
	char letter = svg_kind_letter(kind);
	svg_color fill = svg_palette_fill(s->palette, kind, shade, dark);
	if (mark_of(kind) && !dark)
		strbuf_printf(s->out, ".%c%u{fill:url(#%c%u)}", letter, shade, letter, shade);
	strbuf_printf(s->out, ".%s%c%u{fill:#%06x}\n", mark_of(kind) ? "c" : "", letter, shade,
		      fill);
}

static void put_scheme(struct svg *s, bool dark)
{
	for (size_t k = 0; k < SHADED; k++)
		for (unsigned shade = 0; shade < SVG_SHADES; shade++)
			put_fills(s, shaded_kinds[k], shade, dark);
	put_fills(s, NODE_ROOT, 0, dark);
	put_fills(s, NODE_THREAD, 0, dark);
	put_fills(s, NODE_TRUNCATED, 0, dark);
}

void svg_style(struct svg *s)
{
	strbuf_puts(s->out, "<style>\n");
	put_scheme(s, false);
	strbuf_puts(s->out, web_flame_css);
	strbuf_puts(s->out, "@media (prefers-color-scheme:dark){\n");
	put_scheme(s, true);
	strbuf_puts(s->out, "}\n</style>\n");
	put_patterns(s);
}
