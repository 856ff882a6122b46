// SPDX-License-Identifier: MIT
#include <string.h>

#include "base/escape.h"
#include "render/report_parts.h"
#include "render/svg_parts.h"
#include "render/table.h"

enum {
	TOP = 10,
	LINE = 19,
};

static const struct column {
	const char *title;
	uint32_t x; /* px; of the right edge where `end` */
	bool end;
} columns[] = {
	{ "self", 70, true },     { "95 % interval", 180, true }, { "with callees", 275, true },
	{ "samples", 350, true }, { "function", 374, false },
};

static void put_cell(struct svg *s, size_t column, uint32_t y, const char *class)
{
	strbuf_printf(s->out, "<text class=\"%s\" x=\"%u\" y=\"%u\"%s>", class, columns[column].x,
		      y, columns[column].end ? " text-anchor=\"end\"" : "");
}

static void put_titles(struct svg *s, uint32_t y)
{
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		put_cell(s, i, y, "head");
		strbuf_printf(s->out, "%s</text>", columns[i].title);
	}
	strbuf_printf(s->out, "<path class=\"rule\" d=\"M%d %u.5h%u\"/>\n", SVG_MARGIN, y + 6,
		      s->width - 2 * SVG_MARGIN);
}

static void put_name(struct svg *s, const struct hotspot *h, uint32_t y)
{
	const struct profile *p = s->profile;
	struct strbuf place = { 0 };
	const char *module = report_basename(profile_string(p, h->module));
	uint32_t room = s->width > columns[4].x + SVG_MARGIN + 60
				? s->width - columns[4].x - SVG_MARGIN
				: 60;
	size_t total = (size_t)(room / SVG_CHARACTER);
	if (h->file.v && h->line)
		strbuf_printf(&place, "%s:%u", report_basename(profile_string(p, h->file)),
			      h->line);
	if (*module)
		strbuf_printf(&place, "%s%s", place.length ? " in " : "", module);
	size_t place_columns = text_width(strbuf_text(&place));
	place_columns = place_columns > total / 2 ? total / 2 : place_columns;
	put_cell(s, 4, y, "mono");
	svg_clipped(s->out, profile_string(p, h->function), total - place_columns - 2);
	strbuf_puts(s->out, "<tspan class=\"dim\" dx=\"10\">");
	svg_clipped(s->out, strbuf_text(&place), place_columns);
	strbuf_puts(s->out, "</tspan></text>\n");
	s->out->failed = s->out->failed || place.failed;
	strbuf_deinit(&place);
}

static void put_row(struct svg *s, const struct hotspot *h, uint32_t y)
{
	put_cell(s, 0, y, "mono");
	strbuf_printf(s->out, "%.2f %%</text>", h->self_share.percent);
	put_cell(s, 1, y, "mono");
	strbuf_printf(s->out, "%.1f \xe2\x80\x93 %.1f</text>", h->self_share.low,
		      h->self_share.high);
	put_cell(s, 2, y, "mono");
	strbuf_printf(s->out, "%.2f %%</text>", h->total_share.percent);
	put_cell(s, 3, y, "mono");
	strbuf_printf(s->out, "%llu</text>", (unsigned long long)h->self);
	put_name(s, h, y);
}

void svg_table(struct svg *s, bool write)
{
	const struct hotspots *hot = &s->hotspots;
	uint32_t y = s->flame_top + s->flame_height + 28;
	size_t rows = 0;
	while (rows < TOP && rows < hot->count && hot->at[rows].self)
		rows++;
	s->table_top = y;
	s->height = rows ? y + 30 + (uint32_t)rows * LINE + SVG_MARGIN : y;
	if (!write || !rows)
		return;
	strbuf_printf(
		s->out, "<g id=\"hottest\"><text class=\"subtitle\" x=\"%d\" y=\"%u\">%s</text>\n",
		SVG_MARGIN, y, rows == TOP ? "The ten hottest functions" : "The hottest functions");
	put_titles(s, y + 22);
	for (size_t i = 0; i < rows; i++)
		put_row(s, &hot->at[i], y + 26 + ((uint32_t)i + 1) * LINE);
	strbuf_puts(s->out, "</g>\n");
}
