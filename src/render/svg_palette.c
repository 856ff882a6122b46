// SPDX-License-Identifier: MIT
#include "render/svg_palette.h"

#include <math.h>
#include <string.h>

#include "base/map.h"

/* Shades of a kind lie between two hues (degrees), at one saturation (0..1). */
struct ramp {
	float hue_from, hue_to, saturation;
};

struct svg_palette {
	struct ramp own, library, kernel, jit, unnamed;
};

#define ONE(from, to, s)                                                    \
	{ from, to, s }, { from, to, s }, { from, to, s }, { from, to, s }, \
	{                                                                   \
		from, to, s                                                 \
	}

#define NUMBER(name) PALETTE_##name,
#define NAME(name) #name,

enum { SVG_PALETTES(NUMBER) PALETTES };
static const char *const names[] = { SVG_PALETTES(NAME) };

/*
 * "kind" is told apart by colour-blind readers: its hues follow Okabe and Ito (2008). The others
 * are the field's customary names.
 */
static const struct svg_palette palettes[] = {
	[PALETTE_kind] = { { 28, 46, .92f },
			   { 198, 212, .78f },
			   { 312, 330, .55f },
			   { 150, 168, .52f },
			   { 40, 50, .14f } },
	[PALETTE_hot] = { ONE(2, 52, .88f) },
	[PALETTE_mem] = { ONE(105, 150, .55f) },
	[PALETTE_io] = { ONE(210, 246, .72f) },
	[PALETTE_red] = { ONE(0, 10, .85f) },
	[PALETTE_green] = { ONE(105, 125, .55f) },
	[PALETTE_blue] = { ONE(206, 226, .78f) },
	[PALETTE_aqua] = { ONE(172, 188, .55f) },
	[PALETTE_yellow] = { ONE(48, 58, .85f) },
	[PALETTE_purple] = { ONE(276, 296, .55f) },
	[PALETTE_orange] = { ONE(22, 38, .92f) },
	[PALETTE_wakeup] = { ONE(176, 194, .5f) },
	[PALETTE_chain] = { ONE(190, 222, .6f) },
	[PALETTE_java] = { { 0, 10, .8f },
			   { 48, 58, .85f },
			   { 22, 38, .92f },
			   { 105, 125, .55f },
			   { 172, 188, .4f } },
	[PALETTE_js] = { { 0, 10, .8f },
			 { 48, 58, .85f },
			 { 22, 38, .92f },
			 { 105, 125, .55f },
			 { 172, 188, .4f } },
	[PALETTE_perl] = { { 105, 125, .55f },
			   { 48, 58, .85f },
			   { 22, 38, .92f },
			   { 105, 125, .55f },
			   { 0, 10, .8f } },
};

/* WCAG 2.1, 1.4.3 asks for 4.5. */
#define LEGIBLE 4.6

const struct svg_palette *svg_palette_find(const char *name)
{
	for (size_t i = 0; i < PALETTES; i++)
		if (!name || !strcmp(name, names[i]))
			return &palettes[i];
	return NULL;
}

void svg_palette_names(struct strbuf *out)
{
	for (size_t i = 0; i < PALETTES; i++)
		strbuf_printf(out, "%s%s", i ? ", " : "", names[i]);
}

static unsigned channel(double v)
{
	return (unsigned)(v * 255 + .5);
}

/* CSS Color 4, 7.1. */
static svg_color from_hsl(double hue, double saturation, double lightness)
{
	double rgb[3], a = saturation * fmin(lightness, 1 - lightness);
	for (int i = 0; i < 3; i++) {
		static const int offsets[] = { 0, 8, 4 };
		double k = fmod(offsets[i] + hue / 30, 12);
		rgb[i] = lightness - a * fmax(-1, fmin(fmin(k - 3, 9 - k), 1));
	}
	return channel(rgb[0]) << 16 | channel(rgb[1]) << 8 | channel(rgb[2]);
}

static double linear(unsigned v)
{
	double c = v / 255.;
	return c <= .04045 ? c / 12.92 : pow((c + .055) / 1.055, 2.4);
}

static double luminance(svg_color c)
{
	return .2126 * linear(c >> 16 & 255) + .7152 * linear(c >> 8 & 255) +
	       .0722 * linear(c & 255);
}

double svg_contrast(svg_color a, svg_color b)
{
	double x = luminance(a), y = luminance(b);
	return (fmax(x, y) + .05) / (fmin(x, y) + .05);
}

static struct ramp ramp_of(const struct svg_palette *p, enum node_kind kind)
{
	switch (kind) {
	case NODE_USER: return p->own;
	case NODE_LIBRARY: return p->library;
	case NODE_KERNEL: return p->kernel;
	case NODE_JIT: return p->jit;
	case NODE_UNNAMED: return p->unnamed;
	case NODE_ROOT:
	case NODE_THREAD: return (struct ramp){ 214, 214, .14f };
	case NODE_TRUNCATED: break;
	}
	return (struct ramp){ 0, 0, 0 };
}

svg_color svg_palette_fill(const struct svg_palette *p, enum node_kind kind, unsigned shade,
			   bool dark)
{
	struct ramp r = ramp_of(p, kind);
	/* Hue and lightness go through the shades in different order, so that neighbours differ. */
	double hue = r.hue_from + (double)(r.hue_to - r.hue_from) * shade / (SVG_SHADES - 1);
	double step = (double)(shade * 5 % SVG_SHADES) / (SVG_SHADES - 1);
	double lightness = dark ? .24 + .09 * step : .70 + .13 * step;
	if (kind == NODE_ROOT || kind == NODE_THREAD || kind == NODE_TRUNCATED)
		lightness = dark ? .30 : .86;
	double saturation = r.saturation * (dark ? .72 : 1);
	svg_color fill = from_hsl(hue, saturation, lightness);
	/* Yellow and green are brighter than their lightness says. */
	while (dark && svg_contrast(fill, SVG_INK_DARK) < LEGIBLE)
		fill = from_hsl(hue, saturation, lightness -= .01);
	return fill;
}

unsigned svg_palette_shade(const char *name)
{
	return (unsigned)(hash_bytes(name, strlen(name)) % SVG_SHADES);
}
