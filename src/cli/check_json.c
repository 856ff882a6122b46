// SPDX-License-Identifier: MIT
#include "cli/check_json.h"

#include "base/escape.h"

static void add_text(struct strbuf *out, const char *key, const char *text)
{
	strbuf_printf(out, "\"%s\": \"", key);
	escape_json(out, text);
	strbuf_putc(out, '"');
}

static void add_remedies(struct strbuf *out, const struct check_item *item)
{
	strbuf_puts(out, "\"remedies\": [");
	for (size_t i = 0; i < item->remedy_count; i++) {
		strbuf_puts(out, i ? ", {" : "{");
		add_text(out, "command", remedy(item->remedies[i])->command);
		strbuf_puts(out, ", ");
		add_text(out, "opens", remedy(item->remedies[i])->opens);
		strbuf_putc(out, '}');
	}
	strbuf_putc(out, ']');
}

static void add_item(struct strbuf *out, const struct check_item *item)
{
	static const char *const states[] = { [CHECK_OK] = "ok",
					      [CHECK_NOTE] = "note",
					      [CHECK_LACKS] = "lacks",
					      [CHECK_STOPS] = "stops" };
	strbuf_puts(out, "    {");
	add_text(out, "id", item->id);
	strbuf_puts(out, ", ");
	add_text(out, "state", states[item->state]);
	strbuf_puts(out, ", ");
	add_text(out, "found", item->found);
	strbuf_puts(out, ", ");
	add_text(out, "costs", item->costs);
	strbuf_puts(out, ", ");
	add_remedies(out, item);
	strbuf_putc(out, '}');
}

static void add_flag(struct strbuf *out, const char *key, bool value)
{
	strbuf_printf(out, "  \"%s\": %s,\n", key, value ? "true" : "false");
}

void check_json(struct strbuf *out, const struct check_facts *f, const struct check_items *items)
{
	strbuf_puts(out, "{\n  \"schema\": \"perfprof.check/1\",\n");
	add_flag(out, "own_processes", check_can_profile(f));
	add_flag(out, "kernel_mode", f->permits.own_kernel == 0);
	add_flag(out, "other_users",
		 rights_may_sample_all(&f->rights) && f->permits.everybody == 0);
	strbuf_puts(out, "  \"items\": [\n");
	for (size_t i = 0; i < items->count; i++) {
		add_item(out, &items->at[i]);
		strbuf_puts(out, i + 1 < items->count ? ",\n" : "\n");
	}
	strbuf_puts(out, "  ]\n}\n");
}
