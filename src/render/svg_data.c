// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/map.h"
#include "render/svg_parts.h"

/*
 * What the script shows of a frame besides its name and samples, as JSON in <metadata>: texts once,
 * numbers by frame. Functions are those of the hot-spot table: [self, total] wherever they occur.
 */

struct columns {
	const struct svg *svg;
	struct strbuf *out;
	uint32_t *text_number; /* by the tree's string_id: 1 + its place in "texts" */
	uint32_t text_count;
	struct row_index functions; /* hash of name, module, file to hotspot + 1 */
};

static uint64_t hash_texts(const char *name, const char *module, const char *file)
{
	return hash_u64(hash_bytes(name, strlen(name)) * 3 +
			hash_bytes(module, strlen(module)) * 5 + hash_bytes(file, strlen(file)));
}

static bool index_functions(struct columns *c)
{
	const struct hotspots *hot = &c->svg->hotspots;
	const struct profile *p = c->svg->profile;
	for (uint32_t i = 0; i < hot->count; i++) {
		const struct hotspot *h = &hot->at[i];
		uint64_t hash =
			hash_texts(profile_string(p, h->function), profile_string(p, h->module),
				   profile_string(p, h->file));
		if (!index_add(&c->functions, hash, i + 1))
			return false;
	}
	return true;
}

static const struct hotspot *function_of(const struct columns *c, const struct calltree_node *n)
{
	const struct profile *p = c->svg->profile;
	const struct strings *strings = &c->svg->tree->strings;
	const char *name = strings_text(strings, n->name),
		   *module = strings_text(strings, n->module),
		   *file = strings_text(strings, n->file);
	uint32_t found;
	for (struct index_probe probe = index_find(&c->functions, hash_texts(name, module, file));
	     (found = index_next(&c->functions, &probe));) {
		const struct hotspot *h = &c->svg->hotspots.at[found - 1];
		if (!strcmp(profile_string(p, h->function), name) &&
		    !strcmp(profile_string(p, h->module), module) &&
		    !strcmp(profile_string(p, h->file), file))
			return h;
	}
	return NULL;
}

static void put_text(struct columns *c, string_id id)
{
	struct strbuf json = { 0 };
	if (c->text_number[id.v])
		return;
	c->text_number[id.v] = ++c->text_count;
	escape_json(&json, strings_text(&c->svg->tree->strings, id));
	strbuf_puts(c->out, c->text_count > 1 ? ",\n&quot;" : "&quot;");
	escape_xml(c->out, strbuf_text(&json));
	strbuf_puts(c->out, "&quot;");
	c->out->failed = c->out->failed || json.failed;
	strbuf_deinit(&json);
}

static void put_number(struct columns *c, uint64_t v)
{
	strbuf_u64(c->out, v);
	strbuf_putc(c->out, ',');
}

/* x, width, self, module, file, line, self everywhere, total everywhere */
static void put_frame(struct columns *c, const struct svg_frame *f)
{
	const struct calltree_node *n = &c->svg->tree->nodes[f->node];
	const struct hotspot *h = f->hidden ? NULL : function_of(c, n);
	put_number(c, f->x);
	put_number(c, f->width);
	put_number(c, f->hidden ? f->width : n->self);
	put_number(c, f->hidden ? 0 : c->text_number[n->module.v] - 1);
	put_number(c, f->hidden ? 0 : c->text_number[n->file.v] - 1);
	put_number(c, f->hidden ? 0 : n->line);
	put_number(c, h ? h->self : 0);
	strbuf_u64(c->out, h ? h->total : 0);
}

void svg_data(struct svg *s)
{
	struct columns c = { .svg = s, .out = s->out };
	const struct calltree_node *nodes = s->tree->nodes;
	c.text_number = calloc(s->tree->strings.count + 1, sizeof(*c.text_number));
	if (!c.text_number || !index_functions(&c)) {
		s->out->failed = true;
	} else {
		strbuf_printf(s->out, "<metadata id=\"data\">{\"samples\":%llu,\"texts\":[",
			      (unsigned long long)s->layout.total);
		put_text(&c, (string_id){ 0 });
		for (size_t i = 0; i < s->layout.frames.count; i++) {
			put_text(&c, nodes[s->layout.frames.at[i].node].module);
			put_text(&c, nodes[s->layout.frames.at[i].node].file);
		}
		strbuf_puts(s->out, "],\n\"frames\":[");
		for (size_t i = 0; i < s->layout.frames.count; i++) {
			strbuf_puts(s->out, i ? ",\n" : "\n");
			put_frame(&c, &s->layout.frames.at[i]);
		}
		strbuf_puts(s->out, "]}</metadata>\n");
	}
	free(c.text_number);
	index_deinit(&c.functions);
}
