// SPDX-License-Identifier: MIT
#include <string.h>

#include "base/escape.h"
#include "render/svg_parts.h"

enum {
	TITLE_FONT = 18,
	LINE = 18,         /* px from line to line of text */
	TOOLS_WIDTH = 420, /* search, button and matched share, at the right of the title */
	DETAILS_HEIGHT = 40,
	SWATCH_WIDTH = 26,
	SWATCH_GAP = 18,
};

/* Writes a line of the head. Names in `text` are escaped here. */
static void put_line(struct svg *s, uint32_t y, const char *class, const char *text)
{
	size_t columns = (size_t)((s->width - 2 * SVG_MARGIN) / (13 * SVG_PROPORTIONAL));
	strbuf_printf(s->out, "<text class=\"%s\" x=\"%d\" y=\"%u\">", class, SVG_MARGIN, y);
	svg_clipped(s->out, text, columns);
	strbuf_puts(s->out, "</text>\n");
}

static void put_title(struct svg *s)
{
	struct strbuf title = { 0 };
	size_t columns = (size_t)((s->width - 2 * SVG_MARGIN - TOOLS_WIDTH) /
				  (TITLE_FONT * (SVG_PROPORTIONAL + .04)));
	if (s->options->title)
		strbuf_puts(&title, s->options->title);
	else
		facts_title(&s->facts, &title);
	strbuf_printf(s->out, "<text class=\"title\" x=\"%d\" y=\"28\">", SVG_MARGIN);
	svg_clipped(s->out, strbuf_text(&title), columns);
	strbuf_puts(s->out, "</text>\n");
	s->out->failed = s->out->failed || title.failed;
	strbuf_deinit(&title);
}

/* The number of samples is an element of its own, for scripts. */
static void put_run(struct svg *s, uint32_t y)
{
	struct strbuf run = { 0 };
	const struct profile *p = s->profile;
	facts_run(&s->facts, &run);
	if (s->options->title && p->meta.command.v)
		strbuf_printf(&run, ": %s", profile_string(p, p->meta.command));
	const char *rest = strchr(strbuf_text(&run), ' ');
	strbuf_printf(s->out,
		      "<text class=\"line\" x=\"%d\" y=\"%u\"><tspan id=\"total\" "
		      "data-testid=\"total\">%llu</tspan>",
		      SVG_MARGIN, y, (unsigned long long)s->facts.samples);
	svg_clipped(s->out, rest ? rest : "",
		    (size_t)((s->width - 2 * SVG_MARGIN) / (13 * SVG_PROPORTIONAL)) - 12);
	strbuf_puts(s->out, "</text>\n");
	s->out->failed = s->out->failed || run.failed;
	strbuf_deinit(&run);
}

/* @return the y of the last line */
static uint32_t put_lines(struct svg *s, bool write)
{
	static const struct {
		const char *class;
		void (*say)(const struct facts *f, struct strbuf *out);
	} lines[] = {
		{ "line warn", facts_selection },
		{ "line warn", facts_kernel },
		{ "line", facts_completeness },
		{ "line warn", facts_few },
	};
	uint32_t y = 48;
	struct strbuf text = { 0 };
	if (write)
		put_run(s, y);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		strbuf_clear(&text);
		lines[i].say(&s->facts, &text);
		if (!text.length)
			continue;
		y += LINE;
		if (write)
			put_line(s, y, lines[i].class, text.text);
	}
	s->out->failed = s->out->failed || text.failed;
	strbuf_deinit(&text);
	return y;
}

/* At the right edge; hidden where no script runs, since it would do nothing there. */
static void put_tools(struct svg *s)
{
	strbuf_printf(
		s->out,
		"<svg id=\"tools\" class=\"script\" x=\"%u\" y=\"10\" width=\"1\" height=\"28\" "
		"overflow=\"visible\">\n"
		"<text x=\"-320\" y=\"18\" text-anchor=\"end\" id=\"match\" role=\"status\" "
		"aria-live=\"polite\">"
		"<tspan id=\"matched-label\"></tspan><tspan id=\"matched\" "
		"data-testid=\"matched\"></tspan>"
		"<tspan id=\"matched-more\"></tspan></text>\n"
		"<foreignObject x=\"-308\" y=\"0\" width=\"230\" height=\"28\">"
		"<input xmlns=\"http://www.w3.org/1999/xhtml\" id=\"search\" "
		"data-testid=\"search\" "
		"type=\"text\" aria-label=\"Search by text or regular expression\" "
		"placeholder=\"Search: text or regex ( / )\" autocomplete=\"off\" "
		"spellcheck=\"false\"/>"
		"</foreignObject>\n"
		"<g id=\"reset\" data-testid=\"reset\" role=\"button\" tabindex=\"0\" "
		"aria-label=\"Reset zoom and search\"><rect x=\"-70\" y=\"1\" width=\"70\" "
		"height=\"26\" rx=\"4\"/>"
		"<text x=\"-35\" y=\"18\" text-anchor=\"middle\">Reset</text></g></svg>\n",
		s->width - SVG_MARGIN);
	strbuf_printf(
		s->out,
		"<text class=\"static note\" x=\"%u\" y=\"28\" text-anchor=\"end\">Opened in a "
		"browser, this picture zooms and searches.</text>\n",
		s->width - SVG_MARGIN);
}

struct swatch {
	const char *class, *words;
};

static size_t swatches(const struct svg *s, struct swatch *out)
{
	static const char *const classes[SVG_KINDS] = {
		[NODE_THREAD] = "h0",    [NODE_USER] = "o1", [NODE_LIBRARY] = "l1",
		[NODE_KERNEL] = "k1",    [NODE_JIT] = "j1",  [NODE_UNNAMED] = "n1",
		[NODE_TRUNCATED] = "t0",
	};
	bool has[SVG_KINDS] = { false }, few = false, inlined = false;
	size_t n = 0;
	for (size_t i = 0; i < s->layout.frames.count; i++) {
		const struct svg_frame *f = &s->layout.frames.at[i];
		const struct calltree_node *node = &s->tree->nodes[f->node];
		if (f->hidden || node->kind == NODE_ROOT)
			continue;
		has[node->kind] = true;
		few = few || node->total < SVG_FEW_SAMPLES;
		inlined = inlined || node->inlined;
	}
	for (unsigned kind = 0; kind < SVG_KINDS; kind++)
		if (has[kind])
			out[n++] = (struct swatch){ classes[kind], svg_kind_words(kind) };
	if (inlined)
		out[n++] = (struct swatch){ "o1 i", "inlined" };
	if (few)
		out[n++] = (struct swatch){ "few", "under 5 samples" };
	if (s->layout.has_remainder)
		out[n++] = (struct swatch){ "z", "thin frames, summed" };
	return n;
}

/* Breaks into lines as it must. @return the y below the legend, whole rows from its first */
static uint32_t put_legend(struct svg *s, uint32_t y, bool write)
{
	struct swatch all[SVG_KINDS + 3];
	size_t n = swatches(s, all);
	uint32_t x = SVG_MARGIN;
	if (!n)
		return y;
	for (size_t i = 0; i < n; i++) {
		uint32_t words = (uint32_t)((double)strlen(all[i].words) * 12 * SVG_PROPORTIONAL);
		uint32_t width = SWATCH_WIDTH + 6 + words + SWATCH_GAP;
		if (x > SVG_MARGIN && x + width > s->width) {
			x = SVG_MARGIN;
			y += SVG_ROW;
		}
		if (write)
			strbuf_printf(s->out,
				      "<g class=\"%s\"><rect x=\"%u\" y=\"%u\" width=\"%d\" "
				      "height=\"%d\"/><text class=\"key\" x=\"%u\" "
				      "y=\"%u\">%s</text></g>\n",
				      all[i].class, x, y, SWATCH_WIDTH, SVG_FRAME,
				      x + SWATCH_WIDTH + 6, y + 13, all[i].words);
		x += width;
	}
	return y + SVG_ROW;
}

static void put_details(struct svg *s, uint32_t y)
{
	strbuf_printf(s->out,
		      "<g id=\"details\" class=\"script\"><rect x=\"%d\" y=\"%u\" width=\"%u\" "
		      "height=\"%d\" rx=\"3\"/><text id=\"details-name\" x=\"%d\" y=\"%u\"/><text "
		      "id=\"details-figures\" x=\"%d\" y=\"%u\"/></g>\n",
		      SVG_MARGIN, y, s->width - 2 * SVG_MARGIN, DETAILS_HEIGHT, SVG_MARGIN + 8,
		      y + 16, SVG_MARGIN + 8, y + 33);
}

void svg_head(struct svg *s, bool write)
{
	if (write) {
		put_title(s);
		put_tools(s);
	}
	uint32_t y = put_legend(s, put_lines(s, write) + 12, write);
	if (write)
		put_details(s, y + 6);
	s->flame_top = y + 3 * SVG_ROW; /* the legend's swatches lie on the grid of the patterns */
}
