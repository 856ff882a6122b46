// SPDX-License-Identifier: MIT
#include <errno.h>
#include <math.h>

#include "analyze/callers.h"
#include "render/json.h"
#include "render/report_parts.h"

enum { HOTSPOTS_WITH_CALLERS = 20, CALLERS = 5 };

struct report_json {
	struct json json;
	const struct report *report;
};

static void add_string(struct report_json *j, cJSON *object, const char *key, string_id id)
{
	json_add_text(&j->json, object, key, profile_string(j->report->profile, id));
}

static void put_reasons(struct report_json *j, cJSON *capture)
{
	const struct profile_meta *m = &j->report->profile->meta;
	cJSON *reasons = json_add_array(&j->json, capture, "truncated_reasons");
	for (size_t i = 0; reasons && i < m->reason_count; i++) {
		if (!m->reasons[i].samples)
			continue;
		cJSON *r = cJSON_CreateObject();
		json_append(&j->json, reasons, r);
		if (j->json.failed)
			return;
		add_string(j, r, "id", m->reasons[i].id);
		add_string(j, r, "sentence", m->reasons[i].sentence);
		json_add_integer(&j->json, r, "samples", m->reasons[i].samples);
	}
}

static void put_lists(struct report_json *j, cJSON *capture)
{
	const struct profile_meta *m = &j->report->profile->meta;
	cJSON *pids = json_add_array(&j->json, capture, "pids");
	for (size_t i = 0; pids && i < m->pid_count; i++)
		json_append(&j->json, pids, json_integer(&j->json, m->pids[i]));
	cJSON *inner = json_add_array(&j->json, capture, "inner_pids");
	for (size_t i = 0; inner && i < m->pid_count; i++)
		json_append(
			&j->json, inner,
			json_integer(&j->json, m->inner_pids[i] ? m->inner_pids[i] : m->pids[i]));
	cJSON *notes = json_add_array(&j->json, capture, "notes");
	for (size_t i = 0; notes && i < m->note_count; i++)
		json_append(&j->json, notes,
			    json_text(&j->json, profile_string(j->report->profile, m->notes[i])));
}

static void put_runs(struct report_json *j, cJSON *capture)
{
	const struct profile_meta *m = &j->report->profile->meta;
	json_add_integer(&j->json, capture, "runs", m->run_count ? m->run_count : 1);
	cJSON *cpu = json_add_array(&j->json, capture, "run_cpu_s");
	for (size_t i = 0; cpu && i < m->run_count; i++)
		json_append(&j->json, cpu, cJSON_CreateNumber((double)m->run_cpu_ns[i] / 1e9));
}

static void put_capture(struct report_json *j, cJSON *root)
{
	const struct profile_meta *m = &j->report->profile->meta;
	const struct facts *f = &j->report->facts;
	cJSON *c = json_add_object(&j->json, root, "capture");
	if (!c)
		return;
	add_string(j, c, "command", m->command);
	put_lists(j, c);
	add_string(j, c, "backend", m->backend);
	add_string(j, c, "unwind", m->unwind);
	add_string(j, c, "event", m->event);
	add_string(j, c, "host", m->host);
	add_string(j, c, "kernel", m->kernel);
	json_add_integer(&j->json, c, "cpus", m->cpus);
	json_add_integer(&j->json, c, "rate_hz", m->rate_hz);
	json_add_integer(&j->json, c, "wanted_rate_hz",
			 m->wanted_rate_hz ? m->wanted_rate_hz : m->rate_hz);
	json_add_integer(&j->json, c, "start_unix_ns", m->start_unix_ns);
	json_add_seconds(&j->json, c, "duration_s", m->duration_ns);
	json_add(&j->json, c, "cpu_s", cJSON_CreateNumber(round(f->cpu_s * 1e9) / 1e9));
	json_add_number(&j->json, c, "clock_percent", f->clock_percent);
	put_runs(j, c);
	add_string(j, c, "selection", m->selection);
	json_add_integer(&j->json, c, "samples", f->samples);
	json_add_integer(&j->json, c, "samples_before_selection",
			 m->selection.v ? m->samples_before : f->samples);
	json_add_integer(&j->json, c, "lost_samples", m->lost_samples);
	json_add_integer(&j->json, c, "throttled", m->throttled);
	json_add_integer(&j->json, c, "fixed_period_samples", m->fixed_period_samples);
	json_add_integer(&j->json, c, "truncated_samples", f->truncated);
	put_reasons(j, c);
	json_add_integer(&j->json, c, "completed_samples", f->completed);
	json_add_integer(&j->json, c, "checked_returns", m->checked_returns);
	json_add_integer(&j->json, c, "wrong_returns", m->wrong_returns);
	json_add_seconds(&j->json, c, "profiler_cpu_s", m->profiler_cpu_ns);
	json_add_seconds(&j->json, c, "profiler_kernel_s", m->profiler_kernel_ns);
	json_add_integer(&j->json, c, "profiler_written_bytes", m->profiler_written_bytes);
	json_add_seconds(&j->json, c, "unsampled_cpu_s", m->unsampled_cpu_ns);
	json_add_seconds(&j->json, c, "unsampled_kernel_s", m->unsampled_kernel_ns);
	json_add(&j->json, c, "kernel_sampled", cJSON_CreateBool(m->kernel_sampled));
	json_add(&j->json, c, "foreign", cJSON_CreateBool(m->foreign));
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

static void put_callers(struct report_json *j, cJSON *o, const struct hotspot *h)
{
	struct caller callers[CALLERS];
	bool is_hot = h < j->report->hotspots.at + HOTSPOTS_WITH_CALLERS && h->self;
	size_t count = is_hot ? callers_of(j->report->profile, h, callers, CALLERS) : 0;
	cJSON *array = json_add_array(&j->json, o, "callers");
	for (size_t i = 0; array && !j->json.failed && i < count; i++) {
		cJSON *c = cJSON_CreateObject();
		json_append(&j->json, array, c);
		if (!c)
			return;
		add_string(j, c, "function", callers[i].function);
		json_add_integer(&j->json, c, "samples", callers[i].samples);
		json_add_number(&j->json, c, "percent", percent_of(callers[i].samples, h->self));
	}
}

static void put_hotspot(struct report_json *j, cJSON *o, const struct hotspot *h)
{
	add_string(j, o, "function", h->function);
	add_string(j, o, "module", h->module);
	add_string(j, o, "file", h->file);
	json_add_integer(&j->json, o, "line", h->line);
	json_add_text(&j->json, o, "kind", kind_word(h->kind));
	json_add(&j->json, o, "unnamed", cJSON_CreateBool(h->unnamed));
	json_add_integer(&j->json, o, "self_samples", h->self);
	json_add_integer(&j->json, o, "total_samples", h->total);
	json_add_number(&j->json, o, "self_percent", h->self_share.percent);
	json_add_number(&j->json, o, "self_low", h->self_share.low);
	json_add_number(&j->json, o, "self_high", h->self_share.high);
	json_add_number(&j->json, o, "total_percent", h->total_share.percent);
	json_add_number(&j->json, o, "total_low", h->total_share.low);
	json_add_number(&j->json, o, "total_high", h->total_share.high);
	json_add_seconds(&j->json, o, "self_cpu_s", h->self_ns);
	json_add_seconds(&j->json, o, "total_cpu_s", h->total_ns);
	put_callers(j, o, h);
}

static void put_hotspots(struct report_json *j, cJSON *root)
{
	const struct hotspots *hot = &j->report->hotspots;
	cJSON *array = json_add_array(&j->json, root, "hotspots");
	for (size_t i = 0; array && !j->json.failed && i < hot->count; i++) {
		cJSON *o = cJSON_CreateObject();
		json_append(&j->json, array, o);
		if (o)
			put_hotspot(j, o, &hot->at[i]);
	}
}

static void put_module(struct report_json *j, cJSON *o, const struct module_quality *m)
{
	struct strbuf why = { 0 };
	report_mend(j->report, m, &why);
	uint64_t samples = j->report->quality.samples;
	add_string(j, o, "module", m->path);
	add_string(j, o, "build_id", m->build_id);
	json_add(&j->json, o, "deleted", cJSON_CreateBool(m->deleted));
	json_add_integer(&j->json, o, "self_samples", m->self);
	json_add_number(&j->json, o, "self_percent", percent_of(m->self, samples));
	json_add_integer(&j->json, o, "samples", m->samples);
	json_add_number(&j->json, o, "percent", percent_of(m->samples, samples));
	json_add_integer(&j->json, o, "truncated", m->truncated);
	add_string(j, o, "truncated_reason", m->truncated_reason);
	json_add_integer(&j->json, o, "unnamed", m->unnamed);
	json_add_text(&j->json, o, "why", strbuf_text(&why));
	j->json.failed = j->json.failed || why.failed;
	strbuf_deinit(&why);
}

static void put_modules(struct report_json *j, cJSON *root)
{
	const struct quality *q = &j->report->quality;
	cJSON *array = json_add_array(&j->json, root, "modules");
	for (size_t i = 0; array && !j->json.failed && i < q->count; i++) {
		cJSON *o = cJSON_CreateObject();
		json_append(&j->json, array, o);
		if (o)
			put_module(j, o, &q->at[i]);
	}
}

static void put_source_line(struct report_json *j, cJSON *o, const struct source_function *f,
			    const struct line_cost *c)
{
	const struct profile *p = j->report->profile;
	size_t length = 0;
	bool newer = false;
	const char *text = profile_source_text(p, f->file, c->line, &length, &newer);
	struct strbuf copy = { 0 };
	strbuf_add(&copy, text ? text : "", length);
	json_add_integer(&j->json, o, "line", c->line);
	json_add_integer(&j->json, o, "self_samples", c->self);
	json_add_integer(&j->json, o, "total_samples", c->total);
	json_add_number(&j->json, o, "self_percent", percent_of(c->self, j->report->facts.samples));
	json_add_number(&j->json, o, "total_percent",
			percent_of(c->total, j->report->facts.samples));
	json_add_text(&j->json, o, "text", strbuf_text(&copy));
	json_add(&j->json, o, "newer", cJSON_CreateBool(newer));
	j->json.failed = j->json.failed || copy.failed;
	strbuf_deinit(&copy);
}

static void put_source_function(struct report_json *j, cJSON *o, const struct source_function *f)
{
	add_string(j, o, "function", f->function);
	add_string(j, o, "module", f->module);
	add_string(j, o, "file", f->file);
	json_add_integer(&j->json, o, "self_samples", f->self);
	json_add_integer(&j->json, o, "total_samples", f->total);
	cJSON *lines = json_add_array(&j->json, o, "lines");
	for (size_t i = 0; lines && !j->json.failed && i < f->line_count; i++) {
		cJSON *line = cJSON_CreateObject();
		json_append(&j->json, lines, line);
		if (line)
			put_source_line(j, line, f, &f->lines[i]);
	}
}

static void put_source(struct report_json *j, cJSON *root)
{
	const struct source_lines *s = &j->report->source;
	cJSON *array = j->report->options->source ? json_add_array(&j->json, root, "source") : NULL;
	for (size_t i = 0; array && !j->json.failed && i < s->count; i++) {
		cJSON *o = cJSON_CreateObject();
		json_append(&j->json, array, o);
		if (o)
			put_source_function(j, o, &s->at[i]);
	}
}

int report_json(const struct report *r, struct strbuf *out, struct error *err)
{
	struct report_json j = { .report = r };
	cJSON *root = json_keep(&j.json, cJSON_CreateObject());
	if (root) {
		json_add_text(&j.json, root, "schema", "perfprof.report/1");
		put_capture(&j, root);
		put_hotspots(&j, root);
		put_modules(&j, root);
		put_source(&j, root);
	}
	bool ok = !j.json.failed && json_print(root, out);
	cJSON_Delete(root);
	return ok ? 0 : fail(err, -ENOMEM, "out of memory");
}
