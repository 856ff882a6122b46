// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "base/escape.h"
#include "render/svg_parts.h"

enum {
	PADDING = 6,     /* px of a frame that its name leaves free */
	MIN_COLUMNS = 3, /* shorter names say nothing */
};

static uint32_t frame_y(const struct svg *s, const struct svg_frame *f)
{
	uint32_t row = s->options->inverted ? f->depth : s->layout.max_depth - f->depth;
	return s->flame_top + row * SVG_ROW;
}

static void frame_name(const struct svg *s, const struct svg_frame *f, char *buffer, size_t size,
		       const char **out)
{
	if (f->hidden) {
		snprintf(buffer, size, "[%u %s %s]", f->hidden, f->deep ? "deeper" : "thin",
			 f->hidden == 1 ? "frame" : "frames");
		*out = buffer;
		return;
	}
	*out = strings_text(&s->tree->strings, s->tree->nodes[f->node].name);
}

static void put_class(struct svg *s, const struct svg_frame *f, const char *name)
{
	const struct calltree_node *n = &s->tree->nodes[f->node];
	strbuf_puts(s->out, "<g class=\"");
	if (f->hidden) {
		strbuf_puts(s->out, "z");
	} else {
		bool shaded =
			n->kind != NODE_ROOT && n->kind != NODE_THREAD && n->kind != NODE_TRUNCATED;
		strbuf_putc(s->out, svg_kind_letter(n->kind));
		strbuf_putc(s->out, (char)('0' + (shaded ? svg_palette_shade(name) : 0)));
		if (n->inlined)
			strbuf_puts(s->out, " i");
		if (n->total < SVG_FEW_SAMPLES && n->kind != NODE_ROOT)
			strbuf_puts(s->out, " few");
	}
	strbuf_puts(s->out, f->depth ? "\">" : "\" tabindex=\"0\">");
}

static void put_frame(struct svg *s, const struct svg_frame *f)
{
	struct strbuf *out = s->out;
	uint64_t total = s->layout.total;
	uint32_t y = frame_y(s, f);
	char buffer[64];
	const char *name;
	frame_name(s, f, buffer, sizeof(buffer), &name);
	put_class(s, f, name);
	strbuf_puts(out, "<title>");
	escape_xml(out, name);
	strbuf_puts(out, " (");
	strbuf_u64(out, f->width);
	strbuf_printf(out, " samples, %.2f%%)</title><rect x=\"", percent_of(f->width, total));
	svg_percent(out, f->x, total);
	strbuf_puts(out, "\" y=\"");
	strbuf_u64(out, y);
	strbuf_puts(out, "\" width=\"");
	if (f->depth)
		svg_percent(out, f->width, total);
	else
		strbuf_puts(out, "100%");
	strbuf_printf(out, "\" height=\"%d\"/>", SVG_FRAME);
	double px = (s->width - 2 * SVG_MARGIN) * (total ? (double)f->width / (double)total : 1);
	double columns = (px - PADDING) / SVG_CHARACTER;
	if (columns >= MIN_COLUMNS) {
		strbuf_puts(out, "<text x=\"");
		svg_percent(out, f->x, total);
		strbuf_puts(out, "\" dx=\"3\" y=\"");
		strbuf_u64(out, y + SVG_BASELINE);
		strbuf_puts(out, "\">");
		svg_clipped(out, name, (size_t)columns);
		strbuf_puts(out, "</text>");
	}
	strbuf_puts(out, "</g>\n");
}

void svg_frames(struct svg *s)
{
	strbuf_printf(s->out,
		      "<svg id=\"flame\" x=\"%d\" width=\"%u\" height=\"%u\" overflow=\"visible\">"
		      "<g id=\"frames\" aria-label=\"Flame graph\">\n",
		      SVG_MARGIN, s->width - 2 * SVG_MARGIN, s->height);
	for (size_t i = 0; i < s->layout.frames.count; i++)
		put_frame(s, &s->layout.frames.at[i]);
	strbuf_puts(s->out, "</g></svg>\n");
}
