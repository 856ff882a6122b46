// SPDX-License-Identifier: MIT
#include "render/svg.h"

#include <errno.h>

#include "profile/embedded.h"
#include "render/assets.h"
#include "render/svg_parts.h"

enum {
	MIN_WIDTH = 480,
	MAX_WIDTH = 20000,
	MAX_FRAMES = 14000,  /* some 200 bytes each */
	MAX_BYTES = 3000000, /* of what a browser must lay out */
	THIN_PER_PX = 10,    /* frames thinner than a tenth of a pixel are summed */
};

/* Without the capture, which is the same however many frames are drawn. */
static void put_picture(struct svg *s)
{
	const char *view = s->options->width_px ? " data-fixed=\"\"" : "";
	strbuf_printf(s->out,
		      "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n"
		      "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"%u\" "
		      "height=\"%u\" viewBox=\"0 0 %u %u\" data-perfprof=\"1\"%s>\n",
		      s->width, s->height, s->width, s->height, view);
	svg_style(s);
	strbuf_puts(s->out, "<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n");
	svg_frames(s);
	svg_table(s, true);
	svg_head(s, true);
	svg_data(s);
	strbuf_puts(s->out, "<script><![CDATA[\n");
	strbuf_puts(s->out, web_flame_js);
	strbuf_puts(s->out, "]]></script>\n");
}

static void measure(struct svg *s)
{
	s->flame_top = 0;
	svg_head(s, false);
	s->flame_height = (s->layout.max_depth + 1) * SVG_ROW;
	svg_table(s, false);
}

/* Long names may make the file too big at first: then fewer frames are drawn. */
static bool put_fitting(struct svg *s)
{
	size_t start = s->out->length, most = MAX_FRAMES;
	for (;; most /= 2) {
		if (!svg_layout_build(s->tree, svg_layout_limits(s->tree, most), &s->layout))
			return false;
		measure(s);
		put_picture(s);
		svg_layout_deinit(&s->layout);
		if (s->out->failed || s->out->length - start < MAX_BYTES || most < 100)
			return !s->out->failed;
		s->out->length = start;
	}
}

/* Files of other tools often have no threads' names. */
static bool has_comm(const struct profile *p)
{
	for (size_t i = 0; i < p->thread_count; i++)
		if (p->threads[i].comm.v)
			return true;
	return false;
}

static int draw(struct svg *s, struct error *err)
{
	const struct calltree_options options = {
		.threads = s->options->threads,
		.no_comm = !s->options->threads && !has_comm(s->profile),
		.inverted = s->options->reverse,
		.least = profile_total_count(s->profile) / ((uint64_t)s->width * THIN_PER_PX),
	};
	struct calltree *tree = NULL;
	int r = hotspots_build(s->profile, &s->hotspots, err);
	if (!r)
		r = calltree_build(s->profile, &options, &tree, err);
	s->tree = tree;
	if (!r && !put_fitting(s))
		r = fail(err, -ENOMEM, "out of memory");
	if (!r)
		r = embedded_write(s->profile, s->out, err);
	strbuf_puts(s->out, "</svg>\n");
	hotspots_deinit(&s->hotspots);
	calltree_destroy(tree);
	return r;
}

int svg_render(const struct profile *p, const struct svg_options *options, struct strbuf *out,
	       struct error *err)
{
	struct svg s = { .profile = p, .options = options, .out = out };
	s.palette = svg_palette_find(options->colors);
	if (!s.palette) {
		struct strbuf names = { 0 };
		svg_palette_names(&names);
		fail(err, -EINVAL, "no palette '%s'; there are %s", options->colors,
		     strbuf_text(&names));
		strbuf_deinit(&names);
		return -EINVAL;
	}
	s.width = options->width_px ? options->width_px : SVG_DEFAULT_WIDTH;
	s.width = s.width < MIN_WIDTH ? MIN_WIDTH : s.width > MAX_WIDTH ? MAX_WIDTH : s.width;
	s.facts = facts_of(p);
	return draw(&s, err);
}
