// SPDX-License-Identifier: MIT
#include "profile/pprof.h"

#include <errno.h>

#include "base/gzip.h"
#include "profile/facts.h"
#include "profile/pprof_put.h"

/* Words of the format itself, behind the profile's own strings in the string table. */
enum word {
	WORD_SAMPLES,
	WORD_COUNT,
	WORD_CPU,
	WORD_NANOSECONDS,
	WORD_THREAD,
	WORD_TID,
	WORD_PID,
	WORD_TRUNCATED,
	WORD_COMPLETED,
	WORD_YES,
	WORD_RUN,
	WORD_TOTAL
};

static const char *const words[WORD_TOTAL] = {
	"samples", "count",     "cpu",       "nanoseconds", "thread", "tid",
	"pid",     "truncated", "completed", "yes",         "run",
};

struct writer {
	bool plain; /* nothing but what pprof defines */
	const struct profile *p;
	struct pprof_put put;
};

static uint64_t word_id(const struct writer *w, enum word word)
{
	return w->p->strings.count + (uint64_t)word;
}

static void put_value_type(struct writer *w, uint32_t number, enum word type, enum word unit)
{
	protobuf_put_uint(&w->put.message, VALUE_TYPE_TYPE, word_id(w, type));
	protobuf_put_uint(&w->put.message, VALUE_TYPE_UNIT, word_id(w, unit));
	pprof_put_message(&w->put, number);
}

static void put_label(struct writer *w, enum word key, uint64_t text, uint64_t number)
{
	if (!text && !number)
		return;
	protobuf_put_uint(&w->put.part, LABEL_KEY, word_id(w, key));
	protobuf_put_uint(&w->put.part, LABEL_STR, text);
	protobuf_put_uint(&w->put.part, LABEL_NUM, number);
	pprof_put_part(&w->put, SAMPLE_LABEL);
}

static void put_labels(struct writer *w, const struct profile_sample *s)
{
	const struct profile_thread *t = &w->p->threads[s->thread.v];
	put_label(w, WORD_THREAD, t->comm.v, 0);
	put_label(w, WORD_TID, 0, t->tid);
	put_label(w, WORD_PID, 0, t->pid);
	put_label(w, WORD_TRUNCATED, s->truncated.v, 0);
	if (s->completed)
		put_label(w, WORD_COMPLETED, word_id(w, WORD_YES), 0);
	put_label(w, WORD_RUN, 0, t->run);
}

static void put_sample(struct writer *w, const struct profile_sample *s)
{
	const struct profile *p = w->p;
	for (uint32_t i = s->stack.v; i; i = p->stack_parent[i].v)
		protobuf_put_varint(&w->put.part, p->stack_frame[i].v);
	if (w->put.part.length)
		pprof_put_part(&w->put, SAMPLE_LOCATION_ID);
	protobuf_put_varint(&w->put.part, s->count);
	protobuf_put_varint(&w->put.part, s->cpu_ns);
	pprof_put_part(&w->put, SAMPLE_VALUE);
	if (!w->plain)
		put_labels(w, s);
	pprof_put_message(&w->put, PROFILE_SAMPLE);
}

static void put_mapping(struct writer *w, uint32_t id)
{
	const struct profile_module *m = &w->p->modules[id];
	protobuf_put_uint(&w->put.message, MAPPING_ID, id);
	protobuf_put_uint(&w->put.message, MAPPING_MEMORY_START, m->start_vaddr);
	protobuf_put_uint(&w->put.message, MAPPING_MEMORY_LIMIT, m->limit_vaddr);
	protobuf_put_uint(&w->put.message, MAPPING_FILE_OFFSET, m->file_off);
	protobuf_put_uint(&w->put.message, MAPPING_FILENAME, m->path.v);
	protobuf_put_uint(&w->put.message, MAPPING_BUILD_ID, m->build_id.v);
	protobuf_put_uint(&w->put.message, MAPPING_HAS_FUNCTIONS, true);
	protobuf_put_uint(&w->put.message, MAPPING_HAS_FILENAMES, true);
	protobuf_put_uint(&w->put.message, MAPPING_HAS_LINE_NUMBERS, true);
	protobuf_put_uint(&w->put.message, MAPPING_HAS_INLINE_FRAMES, true);
	pprof_put_message(&w->put, PROFILE_MAPPING);
}

static void put_location(struct writer *w, uint32_t id)
{
	const struct profile_frame *f = &w->p->frames[id];
	protobuf_put_uint(&w->put.message, LOCATION_ID, id);
	protobuf_put_uint(&w->put.message, LOCATION_MAPPING_ID, f->module.v);
	protobuf_put_uint(&w->put.message, LOCATION_ADDRESS, f->vaddr);
	for (uint32_t i = 0; i < f->line_count; i++) {
		const struct profile_line *line = &w->p->lines[f->first_line + i];
		protobuf_put_uint(&w->put.part, LINE_FUNCTION_ID, line->function.v);
		protobuf_put_uint(&w->put.part, LINE_LINE, line->line);
		pprof_put_part(&w->put, LOCATION_LINE);
	}
	pprof_put_message(&w->put, PROFILE_LOCATION);
}

static void put_function(struct writer *w, uint32_t id)
{
	const struct profile_function *f = &w->p->functions[id];
	protobuf_put_uint(&w->put.message, FUNCTION_ID, id);
	protobuf_put_uint(&w->put.message, FUNCTION_NAME, f->name.v);
	protobuf_put_uint(&w->put.message, FUNCTION_SYSTEM_NAME, f->system_name.v);
	protobuf_put_uint(&w->put.message, FUNCTION_FILENAME, f->file.v);
	protobuf_put_uint(&w->put.message, FUNCTION_START_LINE, f->start_line);
	pprof_put_message(&w->put, PROFILE_FUNCTION);
}

static bool has_completed(const struct profile *p)
{
	for (size_t i = 0; i < p->sample_count; i++)
		if (p->samples[i].completed)
			return true;
	return false;
}

static bool has_runs(const struct profile *p)
{
	for (size_t i = 1; i < p->thread_count; i++)
		if (p->threads[i].run)
			return true;
	return false;
}

/* The last words are for what few captures have. */
static void put_strings(struct writer *w)
{
	const struct strings *s = &w->p->strings;
	for (uint32_t i = 0; i < s->count; i++)
		protobuf_put_bytes(w->put.out, PROFILE_STRING_TABLE, s->text[i],
				   s->length_bytes[i]);
	size_t word_count = has_runs(w->p)        ? WORD_TOTAL
			    : has_completed(w->p) ? WORD_RUN
						  : WORD_COMPLETED;
	for (size_t i = 0; i < word_count; i++)
		protobuf_put_bytes(w->put.out, PROFILE_STRING_TABLE, words[i], strlen(words[i]));
}

static void put_period(struct writer *w)
{
	const struct profile_meta *m = &w->p->meta;
	protobuf_put_uint(w->put.out, PROFILE_TIME_NANOS, m->start_unix_ns);
	protobuf_put_uint(w->put.out, PROFILE_DURATION_NANOS, m->duration_ns);
	put_value_type(w, PROFILE_PERIOD_TYPE, WORD_CPU, WORD_NANOSECONDS);
	protobuf_put_uint(w->put.out, PROFILE_PERIOD, pprof_period_ns(m->rate_hz));
	if (m->command.v)
		protobuf_put_uint(w->put.out, PROFILE_COMMENT, m->command.v);
	bool timeless = profile_total_count(w->p) && !profile_total_cpu_ns(w->p);
	protobuf_put_uint(w->put.out, PROFILE_DEFAULT_SAMPLE_TYPE,
			  word_id(w, timeless ? WORD_SAMPLES : WORD_CPU));
}

static const char *text_of(const struct writer *w, string_id id)
{
	return profile_string(w->p, id);
}

static void put_facts(struct writer *w)
{
	struct profile_meta m = w->p->meta;
	for (unsigned i = 0; i < FACT_TEXTS; i++)
		pprof_put_fact(&w->put, i, text_of(w, *profile_fact_text(&m, i)));
	pprof_put_numbers(&w->put, &m);
}

static void put_packed(struct writer *w, uint32_t number)
{
	if (w->put.part.length)
		pprof_put_part(&w->put, number);
}

static void put_lists(struct writer *w)
{
	const struct profile *p = w->p;
	const struct profile_meta *m = &p->meta;
	for (size_t i = 0; i < m->pid_count; i++)
		protobuf_put_varint(&w->put.part, m->pids[i]);
	put_packed(w, CAPTURE_PID);
	for (size_t i = 0; i < m->pid_count; i++)
		pprof_put_inner_pid(&w->put, m->pids[i], m->inner_pids[i]);
	put_packed(w, CAPTURE_INNER_PID);
	for (size_t i = 0; i < m->run_count; i++)
		protobuf_put_varint(&w->put.part, m->run_cpu_ns[i]);
	put_packed(w, CAPTURE_RUN_CPU_NS);
	for (size_t i = 0; i < m->note_count; i++)
		protobuf_put_text(&w->put.message, CAPTURE_NOTE, text_of(w, m->notes[i]));
	for (size_t i = 0; i < m->reason_count; i++) {
		protobuf_put_text(&w->put.part, REASON_ID, text_of(w, m->reasons[i].id));
		protobuf_put_text(&w->put.part, REASON_SENTENCE,
				  text_of(w, m->reasons[i].sentence));
		pprof_put_part(&w->put, CAPTURE_REASON);
	}
	for (size_t i = 1; i < p->frame_count; i++)
		strbuf_putc(&w->put.part, (char)p->frames[i].kind);
	put_packed(w, CAPTURE_FRAME_KINDS);
	for (uint32_t i = 1; i < p->module_count; i++)
		if (p->modules[i].deleted)
			protobuf_put_varint(&w->put.part, i);
	put_packed(w, CAPTURE_DELETED_MAPPING);
}

/* Column by column, which packs better than row by row. */
static void put_times(struct writer *w)
{
	const struct profile *p = w->p;
	uint64_t unit_ns = p->time_cell_ns ? p->time_cell_ns : 1, last_ns = 0;
	bool counted = false;
	if (!p->time_count)
		return;
	protobuf_put_uint(&w->put.part, TIMES_SAMPLES, p->sample_count);
	protobuf_put_uint(&w->put.part, TIMES_CELL_NS, p->time_cell_ns);
	for (size_t i = 0; i < p->time_count; i++) {
		protobuf_put_varint(&w->put.list, (p->times[i].time_ns - last_ns) / unit_ns);
		last_ns = p->times[i].time_ns;
		counted |= p->times[i].count != 1;
	}
	pprof_put_list(&w->put, TIMES_STEP);
	for (size_t i = 0; i < p->time_count; i++)
		protobuf_put_varint(&w->put.list, p->times[i].sample);
	pprof_put_list(&w->put, TIMES_SAMPLE);
	for (size_t i = 0; counted && i < p->time_count; i++)
		protobuf_put_varint(&w->put.list, p->times[i].count);
	if (counted)
		pprof_put_list(&w->put, TIMES_COUNT);
	pprof_put_part(&w->put, CAPTURE_TIMES);
}

static void put_profile(struct writer *w)
{
	const struct profile *p = w->p;
	put_value_type(w, PROFILE_SAMPLE_TYPE, WORD_SAMPLES, WORD_COUNT);
	put_value_type(w, PROFILE_SAMPLE_TYPE, WORD_CPU, WORD_NANOSECONDS);
	for (size_t i = 0; i < p->sample_count; i++)
		put_sample(w, &p->samples[i]);
	for (uint32_t i = 1; i < p->module_count; i++)
		put_mapping(w, i);
	for (uint32_t i = 1; i < p->frame_count; i++)
		put_location(w, i);
	for (uint32_t i = 1; i < p->function_count; i++)
		put_function(w, i);
	put_strings(w);
	put_period(w);
}

static void put_sources(struct writer *w)
{
	for (size_t i = 0; i < w->p->source_count; i++) {
		const struct profile_source *s = &w->p->sources[i];
		protobuf_put_text(&w->put.part, SOURCE_FILE, s->file);
		protobuf_put_uint(&w->put.part, SOURCE_FIRST_LINE, s->first_line);
		protobuf_put_text(&w->put.part, SOURCE_TEXT, s->text);
		protobuf_put_uint(&w->put.part, SOURCE_NEWER, s->newer);
		pprof_put_part(&w->put, CAPTURE_SOURCE);
	}
}

/* Our message, as the last field. */
static int put_capture(struct writer *w, struct error *err)
{
	protobuf_put_uint(&w->put.message, CAPTURE_VERSION, PPROF_CAPTURE_VERSION);
	put_facts(w);
	put_lists(w);
	put_times(w);
	put_sources(w);
	size_t size = w->put.message.length;
	pprof_put_message(&w->put, PROFILE_CAPTURE);
	if (size >= PPROF_CAPTURE_LIMIT_BYTES)
		return fail(err, -EFBIG, "the capture's own message has %zu bytes, more than %d",
			    size, (int)PPROF_CAPTURE_LIMIT_BYTES);
	return 0;
}

static int write_profile(const struct profile *p, bool is_plain, struct strbuf *out,
			 struct error *err)
{
	struct strbuf unpacked = { 0 };
	struct writer w = { .p = p, .put.out = &unpacked, .plain = is_plain };
	put_profile(&w);
	int r = is_plain ? 0 : put_capture(&w, err);
	if (!r && unpacked.failed)
		r = fail(err, -ENOMEM, "out of memory");
	if (!r)
		r = gzip_compress(unpacked.text, unpacked.length, out, err);
	strbuf_deinit(&unpacked);
	pprof_put_deinit(&w.put);
	return r;
}

int pprof_write(const struct profile *p, struct strbuf *out, struct error *err)
{
	return write_profile(p, false, out, err);
}

int pprof_write_plain(const struct profile *p, struct strbuf *out, struct error *err)
{
	return write_profile(p, true, out, err);
}
