// SPDX-License-Identifier: MIT
#include <errno.h>

#include "render/diff_parts.h"
#include "render/json.h"

static const char *match_word(enum diff_match match)
{
	switch (match) {
	case DIFF_RENAMED: return "renamed";
	case DIFF_INLINED: return "inlined";
	case DIFF_SAME: break;
	}
	return "same";
}

static const char *verdict_word(enum diff_verdict verdict)
{
	return verdict == DIFF_NO_CHANGE ? "no-change" : diff_verdict_word(verdict);
}

static const char *by_word(enum diff_by by)
{
	return by == DIFF_BY_SECONDS ? "seconds" : by == DIFF_BY_RATE ? "rate" : "share";
}

static void put_difference(struct json *j, cJSON *o, const struct difference *d)
{
	json_add_number(j, o, "base", d->base);
	json_add_number(j, o, "new", d->next);
	json_add_number(j, o, "delta", d->delta);
	json_add_number(j, o, "low", d->low);
	json_add_number(j, o, "high", d->high);
}

static void put_change(struct json *j, cJSON *o, const struct diff *d, const struct change *c)
{
	const struct diff_row *r = &d->table.rows.at[c->row];
	json_add_text(j, o, "function", diff_name(d, c));
	json_add_text(j, o, "base_function", diff_base_name(d, c));
	json_add_text(j, o, "module", strings_text(&d->table.strings, r->module));
	json_add_text(j, o, "file", strings_text(&d->table.strings, r->file));
	json_add_text(j, o, "match", match_word(c->match));
	json_add_text(j, o, "verdict", verdict_word(c->verdict));
	json_add_integer(j, o, "base_samples", (uint64_t)c->samples[SIDE_BASE]);
	json_add_integer(j, o, "new_samples", (uint64_t)c->samples[SIDE_NEW]);
	json_add_number(j, o, "base_percent", 100 * c->share.base);
	json_add_number(j, o, "new_percent", 100 * c->share.next);
	json_add_number(j, o, "delta_percent", 100 * c->share.delta);
	json_add_number(j, o, "low", 100 * c->share.low);
	json_add_number(j, o, "high", 100 * c->share.high);
	cJSON *cost = json_add_object(j, o, "cost");
	if (cost)
		put_difference(j, cost, &c->cost);
	json_add_number(j, o, "visible_percent", c->visible < 1e6 ? 100 * c->visible : 0);
	json_add(j, o, "judged", cJSON_CreateBool(c->is_judged));
}

static void put_side(struct json *j, cJSON *root, const struct diff *d,
		     const struct diff_render_options *options, enum diff_side side)
{
	cJSON *o = json_add_object(j, root, side == SIDE_BASE ? "base" : "new");
	if (!o)
		return;
	json_add_text(j, o, "capture", options->names[side]);
	json_add_text(j, o, "command", options->commands[side]);
	json_add_integer(j, o, "samples", (uint64_t)d->samples[side]);
	json_add_integer(j, o, "units", d->units[side]);
}

int diff_json(const struct diff *d, const struct diff_render_options *options, struct strbuf *out,
	      struct error *err)
{
	struct json j = { 0 };
	cJSON *root = json_keep(&j, cJSON_CreateObject());
	if (root) {
		json_add_text(&j, root, "schema", "perfprof.diff/1");
		json_add_text(&j, root, "by", by_word(d->by));
		put_side(&j, root, d, options, SIDE_BASE);
		put_side(&j, root, d, options, SIDE_NEW);
		json_add_integer(&j, root, "judged", d->judged);
		cJSON *total = json_add_object(&j, root, "total");
		if (total) {
			json_add_text(&j, total, "unit", d->total_is_samples ? "samples" : "cpu_s");
			put_difference(&j, total, &d->total);
			json_add_text(&j, total, "verdict", verdict_word(d->total_verdict));
		}
		cJSON *array = json_add_array(&j, root, "changes");
		for (size_t i = 0; array && !j.failed && i < d->count; i++) {
			cJSON *o = cJSON_CreateObject();
			json_append(&j, array, o);
			if (o)
				put_change(&j, o, d, &d->changes[i]);
		}
	}
	bool ok = !j.failed && json_print(root, out);
	cJSON_Delete(root);
	return ok ? 0 : fail(err, -ENOMEM, "out of memory");
}
