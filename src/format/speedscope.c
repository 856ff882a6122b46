// SPDX-License-Identifier: MIT
#include "format/speedscope.h"

#include <errno.h>

#include "format/function_rows.h"
#include "format/json_text.h"
#include "format/thread_samples.h"

struct speedscope {
	const struct profile *p;
	struct strbuf *out;
	struct function_rows functions;
	struct thread_samples threads;
	bool in_ns;
	VEC(uint32_t) path; /* scratch: rows of functions, innermost first */
};

static void put_comma(struct speedscope *s, bool wanted)
{
	if (wanted)
		strbuf_puts(s->out, ",\n");
}

/* Functions without a source file have their module in its place, as other readers of speedscope do. */
static void put_function(struct speedscope *s, const struct function_row *row)
{
	const struct profile *p = s->p;
	const struct profile_function *f = &p->functions[row->function.v];
	strbuf_putc(s->out, '{');
	json_text_field(s->out, "name", profile_string(p, f->name));
	string_id file = f->file.v ? f->file : p->modules[row->module.v].path;
	if (file.v) {
		strbuf_putc(s->out, ',');
		json_text_field(s->out, "file", profile_string(p, file));
	}
	if (f->file.v && f->start_line) {
		strbuf_putc(s->out, ',');
		json_uint_field(s->out, "line", f->start_line);
	}
	strbuf_putc(s->out, '}');
}

static void put_functions(struct speedscope *s)
{
	strbuf_puts(s->out, "\"shared\":{\"frames\":[\n");
	for (size_t i = 0; i < s->functions.rows.count; i++) {
		put_comma(s, i);
		put_function(s, &s->functions.rows.at[i]);
	}
	strbuf_puts(s->out, "]}");
}

static bool put_stack(struct speedscope *s, stack_id stack)
{
	const struct profile *p = s->p;
	s->path.count = 0;
	for (uint32_t i = stack.v; i; i = p->stack_parent[i].v) {
		const struct profile_frame *f = &p->frames[p->stack_frame[i].v];
		for (uint32_t j = 0; j < f->line_count; j++)
			if (!vec_push(&s->path, s->functions.row_of_line[f->first_line + j]))
				return false;
	}
	strbuf_putc(s->out, '[');
	for (size_t i = s->path.count; i-- > 0;) {
		strbuf_u64(s->out, s->path.at[i]);
		if (i)
			strbuf_putc(s->out, ',');
	}
	strbuf_putc(s->out, ']');
	return true;
}

/* Equal stacks in a row are one sample. @return the row behind them */
static size_t same_stack(const struct speedscope *s, const struct sampled_thread *t, size_t row)
{
	const struct thread_sample *samples = s->threads.samples.at;
	size_t next = row + 1;
	while (next < t->limit && samples[next].stack.v == samples[row].stack.v)
		next++;
	return next;
}

static uint64_t weight_of(const struct speedscope *s, const struct thread_sample *sample)
{
	return s->in_ns ? sample->cpu_ns : sample->count;
}

/* "sqlite3 (pid 12, tid 13)" */
static void put_thread_name(struct speedscope *s, const struct sampled_thread *t)
{
	struct strbuf name = { 0 };
	strbuf_puts(&name, t->comm.v ? profile_string(s->p, t->comm) : "all threads");
	if (t->pid && t->tid && t->pid != t->tid)
		strbuf_printf(&name, " (pid %u, tid %u)", t->pid, t->tid);
	else if (t->pid || t->tid)
		strbuf_printf(&name, " (%u)", t->pid ? t->pid : t->tid);
	json_text_field(s->out, "name", strbuf_text(&name));
	s->out->failed |= name.failed;
	strbuf_deinit(&name);
}

static bool put_thread(struct speedscope *s, const struct sampled_thread *t)
{
	const struct thread_sample *samples = s->threads.samples.at;
	bool ok = true;
	strbuf_puts(s->out, "{\"type\":\"sampled\",");
	put_thread_name(s, t);
	strbuf_putc(s->out, ',');
	json_text_field(s->out, "unit", s->in_ns ? "nanoseconds" : "none");
	strbuf_puts(s->out, ",\"startValue\":0,");
	json_uint_field(s->out, "endValue", s->in_ns ? t->cpu_ns : t->count);
	strbuf_puts(s->out, ",\n\"samples\":[");
	for (size_t i = t->first; ok && i < t->limit; i = same_stack(s, t, i)) {
		put_comma(s, i > t->first);
		ok = put_stack(s, samples[i].stack);
	}
	strbuf_puts(s->out, "],\n\"weights\":[");
	for (size_t i = t->first, next; i < t->limit; i = next) {
		uint64_t weight = 0;
		next = same_stack(s, t, i);
		for (size_t j = i; j < next; j++)
			weight += weight_of(s, &samples[j]);
		if (i > t->first)
			strbuf_putc(s->out, ',');
		strbuf_u64(s->out, weight);
	}
	strbuf_puts(s->out, "]}");
	return ok;
}

static const struct sampled_thread nobody = { 0 };

static bool put_file(struct speedscope *s)
{
	const char *command = profile_string(s->p, s->p->meta.command);
	bool ok = true;
	strbuf_putc(s->out, '{');
	json_text_field(s->out, "$schema", "https://www.speedscope.app/file-format-schema.json");
	strbuf_puts(s->out, ",\n");
	json_text_field(s->out, "name", *command ? command : "profile");
	strbuf_puts(s->out, ",\n");
	json_text_field(s->out, "exporter", "perfprof " PERFPROF_VERSION);
	strbuf_puts(s->out, ",\n\"activeProfileIndex\":0,\n");
	put_functions(s);
	strbuf_puts(s->out, ",\n\"profiles\":[\n");
	for (size_t i = 0; ok && i < s->threads.threads.count; i++) {
		put_comma(s, i);
		ok = put_thread(s, &s->threads.threads.at[i]);
	}
	if (!s->threads.threads.count) /* speedscope opens no file without a profile */
		ok = put_thread(s, &nobody);
	strbuf_puts(s->out, "]}\n");
	return ok;
}

/* Each sample is a list of all its frames there: long recordings have each stack only once. */
static bool wants_times(const struct profile *p)
{
	enum { FRAMES_LIMIT = 20000000 };
	uint64_t frames = 0;
	if (!thread_samples_have_times(p))
		return false;
	for (size_t i = 0; i < p->time_count && frames <= FRAMES_LIMIT; i++)
		for (uint32_t s = p->samples[p->times[i].sample].stack.v; s;
		     s = p->stack_parent[s].v)
			frames++;
	return frames <= FRAMES_LIMIT;
}

int speedscope_write(const struct profile *p, enum speedscope_weight weight, struct strbuf *out,
		     struct error *err)
{
	struct speedscope s = { .p = p, .out = out };
	s.in_ns = weight == SPEEDSCOPE_CPU_NS ||
		  (weight == SPEEDSCOPE_AUTO && profile_total_cpu_ns(p));
	int r = function_rows_init(p, &s.functions, err);
	if (!r)
		r = thread_samples_init(p, wants_times(p), &s.threads, err);
	if (!r && (!put_file(&s) || out->failed))
		r = fail(err, -ENOMEM, "out of memory");
	function_rows_deinit(&s.functions);
	thread_samples_deinit(&s.threads);
	vec_free(&s.path);
	return r;
}
