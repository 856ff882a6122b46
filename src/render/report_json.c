// SPDX-License-Identifier: MIT
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#include "analyze/callers.h"
#include "base/escape.h"
#include "render/report_parts.h"

/* Integers up to 2^53 are exact in every JSON reader (RFC 8259, 6); larger ones go out as strings.
 */
#define EXACT_LIMIT (UINT64_C(1) << 53)

enum { HOTSPOTS_WITH_CALLERS = 20, CALLERS = 5 };

struct json {
	const struct report *report;
	bool failed; /* sticky, as in strbuf */
};

static cJSON *keep(struct json *j, cJSON *item)
{
	if (!item)
		j->failed = true;
	return item;
}

static void add(struct json *j, cJSON *object, const char *key, cJSON *item)
{
	if (!keep(j, item))
		return;
	if (!cJSON_AddItemToObjectCS(object, key, item)) {
		cJSON_Delete(item);
		j->failed = true;
	}
}

static void append(struct json *j, cJSON *array, cJSON *item)
{
	if (!keep(j, item))
		return;
	if (!cJSON_AddItemToArray(array, item)) {
		cJSON_Delete(item);
		j->failed = true;
	}
}

/* cJSON passes invalid UTF-8 through, so strings are escaped here and enter raw. */
static cJSON *text_item(struct json *j, const char *text)
{
	struct strbuf quoted = { 0 };
	strbuf_putc(&quoted, '"');
	escape_json(&quoted, text);
	strbuf_putc(&quoted, '"');
	cJSON *item = quoted.failed ? NULL : cJSON_CreateRaw(quoted.text);
	strbuf_deinit(&quoted);
	return keep(j, item);
}

static void add_text(struct json *j, cJSON *object, const char *key, const char *text)
{
	add(j, object, key, text_item(j, text));
}

static void add_string(struct json *j, cJSON *object, const char *key, string_id id)
{
	add_text(j, object, key, profile_string(j->report->profile, id));
}

static cJSON *integer_item(struct json *j, uint64_t v)
{
	if (v <= EXACT_LIMIT)
		return keep(j, cJSON_CreateNumber((double)v));
	char digits[24];
	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)v);
	return keep(j, cJSON_CreateString(digits));
}

static void add_integer(struct json *j, cJSON *object, const char *key, uint64_t v)
{
	add(j, object, key, integer_item(j, v));
}

/* Six decimals are beyond what samples can tell. */
static void add_number(struct json *j, cJSON *object, const char *key, double v)
{
	add(j, object, key, cJSON_CreateNumber(isfinite(v) ? round(v * 1e6) / 1e6 : 0));
}

static void add_seconds(struct json *j, cJSON *object, const char *key, uint64_t ns)
{
	add(j, object, key, cJSON_CreateNumber((double)ns / 1e9));
}

static cJSON *add_object(struct json *j, cJSON *parent, const char *key)
{
	cJSON *o = cJSON_CreateObject();
	add(j, parent, key, o);
	return j->failed ? NULL : o;
}

static cJSON *add_array(struct json *j, cJSON *parent, const char *key)
{
	cJSON *a = cJSON_CreateArray();
	add(j, parent, key, a);
	return j->failed ? NULL : a;
}

static void put_reasons(struct json *j, cJSON *capture)
{
	const struct profile_meta *m = &j->report->profile->meta;
	cJSON *reasons = add_array(j, capture, "truncated_reasons");
	for (size_t i = 0; reasons && i < m->reason_count; i++) {
		if (!m->reasons[i].samples)
			continue;
		cJSON *r = cJSON_CreateObject();
		append(j, reasons, r);
		if (j->failed)
			return;
		add_string(j, r, "id", m->reasons[i].id);
		add_string(j, r, "sentence", m->reasons[i].sentence);
		add_integer(j, r, "samples", m->reasons[i].samples);
	}
}

static void put_lists(struct json *j, cJSON *capture)
{
	const struct profile_meta *m = &j->report->profile->meta;
	cJSON *pids = add_array(j, capture, "pids");
	for (size_t i = 0; pids && i < m->pid_count; i++)
		append(j, pids, integer_item(j, m->pids[i]));
	cJSON *inner = add_array(j, capture, "inner_pids");
	for (size_t i = 0; inner && i < m->pid_count; i++)
		append(j, inner, integer_item(j, m->inner_pids[i] ? m->inner_pids[i] : m->pids[i]));
	cJSON *notes = add_array(j, capture, "notes");
	for (size_t i = 0; notes && i < m->note_count; i++)
		append(j, notes, text_item(j, profile_string(j->report->profile, m->notes[i])));
}

static void put_runs(struct json *j, cJSON *capture)
{
	const struct profile_meta *m = &j->report->profile->meta;
	add_integer(j, capture, "runs", m->run_count ? m->run_count : 1);
	cJSON *cpu = add_array(j, capture, "run_cpu_s");
	for (size_t i = 0; cpu && i < m->run_count; i++)
		append(j, cpu, cJSON_CreateNumber((double)m->run_cpu_ns[i] / 1e9));
}

static void put_capture(struct json *j, cJSON *root)
{
	const struct profile_meta *m = &j->report->profile->meta;
	const struct facts *f = &j->report->facts;
	cJSON *c = add_object(j, root, "capture");
	if (!c)
		return;
	add_string(j, c, "command", m->command);
	put_lists(j, c);
	add_string(j, c, "backend", m->backend);
	add_string(j, c, "unwind", m->unwind);
	add_string(j, c, "event", m->event);
	add_string(j, c, "host", m->host);
	add_string(j, c, "kernel", m->kernel);
	add_integer(j, c, "cpus", m->cpus);
	add_integer(j, c, "rate_hz", m->rate_hz);
	add_integer(j, c, "wanted_rate_hz", m->wanted_rate_hz ? m->wanted_rate_hz : m->rate_hz);
	add_integer(j, c, "start_unix_ns", m->start_unix_ns);
	add_seconds(j, c, "duration_s", m->duration_ns);
	add(j, c, "cpu_s", cJSON_CreateNumber(round(f->cpu_s * 1e9) / 1e9));
	add_number(j, c, "clock_percent", f->clock_percent);
	put_runs(j, c);
	add_string(j, c, "selection", m->selection);
	add_integer(j, c, "samples", f->samples);
	add_integer(j, c, "samples_before_selection",
		    m->selection.v ? m->samples_before : f->samples);
	add_integer(j, c, "lost_samples", m->lost_samples);
	add_integer(j, c, "throttled", m->throttled);
	add_integer(j, c, "fixed_period_samples", m->fixed_period_samples);
	add_integer(j, c, "truncated_samples", f->truncated);
	put_reasons(j, c);
	add_integer(j, c, "completed_samples", f->completed);
	add_seconds(j, c, "profiler_cpu_s", m->profiler_cpu_ns);
	add_seconds(j, c, "profiler_kernel_s", m->profiler_kernel_ns);
	add_integer(j, c, "profiler_written_bytes", m->profiler_written_bytes);
	add_seconds(j, c, "unsampled_cpu_s", m->unsampled_cpu_ns);
	add_seconds(j, c, "unsampled_kernel_s", m->unsampled_kernel_ns);
	add(j, c, "kernel_sampled", cJSON_CreateBool(m->kernel_sampled));
	add(j, c, "foreign", cJSON_CreateBool(m->foreign));
}

static const char *kind_word(enum frame_kind kind)
{
	switch (kind) {
	case FRAME_KERNEL: return "kernel";
	case FRAME_JIT: return "jit";
	case FRAME_TRUNCATED: return "truncated";
	case FRAME_USER: break;
	}
	return "user";
}

static void put_callers(struct json *j, cJSON *o, const struct hotspot *h)
{
	struct caller callers[CALLERS];
	bool is_hot = h < j->report->hotspots.at + HOTSPOTS_WITH_CALLERS && h->self;
	size_t count = is_hot ? callers_of(j->report->profile, h, callers, CALLERS) : 0;
	cJSON *array = add_array(j, o, "callers");
	for (size_t i = 0; array && !j->failed && i < count; i++) {
		cJSON *c = cJSON_CreateObject();
		append(j, array, c);
		if (!c)
			return;
		add_string(j, c, "function", callers[i].function);
		add_integer(j, c, "samples", callers[i].samples);
		add_number(j, c, "percent", percent_of(callers[i].samples, h->self));
	}
}

static void put_hotspot(struct json *j, cJSON *o, const struct hotspot *h)
{
	add_string(j, o, "function", h->function);
	add_string(j, o, "module", h->module);
	add_string(j, o, "file", h->file);
	add_integer(j, o, "line", h->line);
	add_text(j, o, "kind", kind_word(h->kind));
	add(j, o, "unnamed", cJSON_CreateBool(h->unnamed));
	add_integer(j, o, "self_samples", h->self);
	add_integer(j, o, "total_samples", h->total);
	add_number(j, o, "self_percent", h->self_share.percent);
	add_number(j, o, "self_low", h->self_share.low);
	add_number(j, o, "self_high", h->self_share.high);
	add_number(j, o, "total_percent", h->total_share.percent);
	add_number(j, o, "total_low", h->total_share.low);
	add_number(j, o, "total_high", h->total_share.high);
	add_seconds(j, o, "self_cpu_s", h->self_ns);
	add_seconds(j, o, "total_cpu_s", h->total_ns);
	put_callers(j, o, h);
}

static void put_hotspots(struct json *j, cJSON *root)
{
	const struct hotspots *hot = &j->report->hotspots;
	cJSON *array = add_array(j, root, "hotspots");
	for (size_t i = 0; array && !j->failed && i < hot->count; i++) {
		cJSON *o = cJSON_CreateObject();
		append(j, array, o);
		if (o)
			put_hotspot(j, o, &hot->at[i]);
	}
}

static void put_module(struct json *j, cJSON *o, const struct module_quality *m)
{
	struct strbuf why = { 0 };
	report_mend(j->report, m, &why);
	uint64_t samples = j->report->quality.samples;
	add_string(j, o, "module", m->path);
	add_string(j, o, "build_id", m->build_id);
	add(j, o, "deleted", cJSON_CreateBool(m->deleted));
	add_integer(j, o, "self_samples", m->self);
	add_number(j, o, "self_percent", percent_of(m->self, samples));
	add_integer(j, o, "samples", m->samples);
	add_number(j, o, "percent", percent_of(m->samples, samples));
	add_integer(j, o, "truncated", m->truncated);
	add_string(j, o, "truncated_reason", m->truncated_reason);
	add_integer(j, o, "unnamed", m->unnamed);
	add_text(j, o, "why", strbuf_text(&why));
	j->failed = j->failed || why.failed;
	strbuf_deinit(&why);
}

static void put_modules(struct json *j, cJSON *root)
{
	const struct quality *q = &j->report->quality;
	cJSON *array = add_array(j, root, "modules");
	for (size_t i = 0; array && !j->failed && i < q->count; i++) {
		cJSON *o = cJSON_CreateObject();
		append(j, array, o);
		if (o)
			put_module(j, o, &q->at[i]);
	}
}

static void put_source_line(struct json *j, cJSON *o, const struct source_function *f,
			    const struct line_cost *c)
{
	const struct profile *p = j->report->profile;
	size_t length = 0;
	bool newer = false;
	const char *text = profile_source_text(p, f->file, c->line, &length, &newer);
	struct strbuf copy = { 0 };
	strbuf_add(&copy, text ? text : "", length);
	add_integer(j, o, "line", c->line);
	add_integer(j, o, "self_samples", c->self);
	add_integer(j, o, "total_samples", c->total);
	add_number(j, o, "self_percent", percent_of(c->self, j->report->facts.samples));
	add_number(j, o, "total_percent", percent_of(c->total, j->report->facts.samples));
	add_text(j, o, "text", strbuf_text(&copy));
	add(j, o, "newer", cJSON_CreateBool(newer));
	j->failed = j->failed || copy.failed;
	strbuf_deinit(&copy);
}

static void put_source_function(struct json *j, cJSON *o, const struct source_function *f)
{
	add_string(j, o, "function", f->function);
	add_string(j, o, "module", f->module);
	add_string(j, o, "file", f->file);
	add_integer(j, o, "self_samples", f->self);
	add_integer(j, o, "total_samples", f->total);
	cJSON *lines = add_array(j, o, "lines");
	for (size_t i = 0; lines && !j->failed && i < f->line_count; i++) {
		cJSON *line = cJSON_CreateObject();
		append(j, lines, line);
		if (line)
			put_source_line(j, line, f, &f->lines[i]);
	}
}

static void put_source(struct json *j, cJSON *root)
{
	const struct source_lines *s = &j->report->source;
	cJSON *array = j->report->options->source ? add_array(j, root, "source") : NULL;
	for (size_t i = 0; array && !j->failed && i < s->count; i++) {
		cJSON *o = cJSON_CreateObject();
		append(j, array, o);
		if (o)
			put_source_function(j, o, &s->at[i]);
	}
}

/* cJSON's own allocator grows by doubling; ours must not outlive the copy. */
static bool print_document(const cJSON *root, struct strbuf *out)
{
	char *text = cJSON_PrintBuffered(root, 1 << 16, true);
	if (!text)
		return false;
	strbuf_puts(out, text);
	strbuf_putc(out, '\n');
	cJSON_free(text);
	return !out->failed;
}

int report_json(const struct report *r, struct strbuf *out, struct error *err)
{
	struct json j = { .report = r };
	cJSON *root = keep(&j, cJSON_CreateObject());
	if (root) {
		add_text(&j, root, "schema", "perfprof.report/1");
		put_capture(&j, root);
		put_hotspots(&j, root);
		put_modules(&j, root);
		put_source(&j, root);
	}
	bool ok = !j.failed && print_document(root, out);
	cJSON_Delete(root);
	return ok ? 0 : fail(err, -ENOMEM, "out of memory");
}
