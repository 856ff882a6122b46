// SPDX-License-Identifier: MIT
#include "profile/pprof.h"

#include <errno.h>

#include "base/gzip.h"
#include "profile/pprof_fields.h"
#include "profile/protobuf.h"

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
	WORD_TOTAL
};

static const char *const words[WORD_TOTAL] = {
	"samples", "count", "cpu", "nanoseconds", "thread", "tid", "pid", "truncated",
};

struct writer {
	bool plain; /* nothing but what pprof defines */
	const struct profile *p;
	struct strbuf *out;
	struct strbuf message, part, list; /* scratch: a message, one inside it, a list in that */
};

static uint64_t word_id(const struct writer *w, enum word word)
{
	return w->p->strings.count + (uint64_t)word;
}

static void put_message(struct writer *w, uint32_t number)
{
	protobuf_put_bytes(w->out, number, strbuf_text(&w->message), w->message.length);
	w->out->failed |= w->message.failed;
	w->message.length = 0;
}

static void put_part(struct writer *w, uint32_t number)
{
	protobuf_put_bytes(&w->message, number, strbuf_text(&w->part), w->part.length);
	w->message.failed |= w->part.failed;
	w->part.length = 0;
}

static void put_value_type(struct writer *w, uint32_t number, enum word type, enum word unit)
{
	protobuf_put_uint(&w->message, VALUE_TYPE_TYPE, word_id(w, type));
	protobuf_put_uint(&w->message, VALUE_TYPE_UNIT, word_id(w, unit));
	put_message(w, number);
}

static void put_label(struct writer *w, enum word key, uint64_t text, uint64_t number)
{
	if (!text && !number)
		return;
	protobuf_put_uint(&w->part, LABEL_KEY, word_id(w, key));
	protobuf_put_uint(&w->part, LABEL_STR, text);
	protobuf_put_uint(&w->part, LABEL_NUM, number);
	put_part(w, SAMPLE_LABEL);
}

static void put_labels(struct writer *w, const struct profile_sample *s)
{
	const struct profile_thread *t = &w->p->threads[s->thread.v];
	put_label(w, WORD_THREAD, t->comm.v, 0);
	put_label(w, WORD_TID, 0, t->tid);
	put_label(w, WORD_PID, 0, t->pid);
	put_label(w, WORD_TRUNCATED, s->truncated.v, 0);
}

static void put_sample(struct writer *w, const struct profile_sample *s)
{
	const struct profile *p = w->p;
	for (uint32_t i = s->stack.v; i; i = p->stack_parent[i].v)
		protobuf_put_varint(&w->part, p->stack_frame[i].v);
	if (w->part.length)
		put_part(w, SAMPLE_LOCATION_ID);
	protobuf_put_varint(&w->part, s->count);
	protobuf_put_varint(&w->part, s->cpu_ns);
	put_part(w, SAMPLE_VALUE);
	if (!w->plain)
		put_labels(w, s);
	put_message(w, PROFILE_SAMPLE);
}

static void put_mapping(struct writer *w, uint32_t id)
{
	const struct profile_module *m = &w->p->modules[id];
	protobuf_put_uint(&w->message, MAPPING_ID, id);
	protobuf_put_uint(&w->message, MAPPING_MEMORY_START, m->start_vaddr);
	protobuf_put_uint(&w->message, MAPPING_MEMORY_LIMIT, m->limit_vaddr);
	protobuf_put_uint(&w->message, MAPPING_FILE_OFFSET, m->file_off);
	protobuf_put_uint(&w->message, MAPPING_FILENAME, m->path.v);
	protobuf_put_uint(&w->message, MAPPING_BUILD_ID, m->build_id.v);
	protobuf_put_uint(&w->message, MAPPING_HAS_FUNCTIONS, true);
	protobuf_put_uint(&w->message, MAPPING_HAS_FILENAMES, true);
	protobuf_put_uint(&w->message, MAPPING_HAS_LINE_NUMBERS, true);
	protobuf_put_uint(&w->message, MAPPING_HAS_INLINE_FRAMES, true);
	put_message(w, PROFILE_MAPPING);
}

static void put_location(struct writer *w, uint32_t id)
{
	const struct profile_frame *f = &w->p->frames[id];
	protobuf_put_uint(&w->message, LOCATION_ID, id);
	protobuf_put_uint(&w->message, LOCATION_MAPPING_ID, f->module.v);
	protobuf_put_uint(&w->message, LOCATION_ADDRESS, f->vaddr);
	for (uint32_t i = 0; i < f->line_count; i++) {
		const struct profile_line *line = &w->p->lines[f->first_line + i];
		protobuf_put_uint(&w->part, LINE_FUNCTION_ID, line->function.v);
		protobuf_put_uint(&w->part, LINE_LINE, line->line);
		put_part(w, LOCATION_LINE);
	}
	put_message(w, PROFILE_LOCATION);
}

static void put_function(struct writer *w, uint32_t id)
{
	const struct profile_function *f = &w->p->functions[id];
	protobuf_put_uint(&w->message, FUNCTION_ID, id);
	protobuf_put_uint(&w->message, FUNCTION_NAME, f->name.v);
	protobuf_put_uint(&w->message, FUNCTION_SYSTEM_NAME, f->system_name.v);
	protobuf_put_uint(&w->message, FUNCTION_FILENAME, f->file.v);
	protobuf_put_uint(&w->message, FUNCTION_START_LINE, f->start_line);
	put_message(w, PROFILE_FUNCTION);
}

static void put_strings(struct writer *w)
{
	const struct strings *s = &w->p->strings;
	for (uint32_t i = 0; i < s->count; i++)
		protobuf_put_bytes(w->out, PROFILE_STRING_TABLE, s->text[i], s->length_bytes[i]);
	for (size_t i = 0; i < WORD_TOTAL; i++)
		protobuf_put_bytes(w->out, PROFILE_STRING_TABLE, words[i], strlen(words[i]));
}

static void put_period(struct writer *w)
{
	const struct profile_meta *m = &w->p->meta;
	protobuf_put_uint(w->out, PROFILE_TIME_NANOS, m->start_unix_ns);
	protobuf_put_uint(w->out, PROFILE_DURATION_NANOS, m->duration_ns);
	put_value_type(w, PROFILE_PERIOD_TYPE, WORD_CPU, WORD_NANOSECONDS);
	uint64_t rate = m->rate_hz;
	protobuf_put_uint(w->out, PROFILE_PERIOD, rate ? (1000000000 + rate / 2) / rate : 0);
	if (m->command.v)
		protobuf_put_uint(w->out, PROFILE_COMMENT, m->command.v);
	bool timeless = profile_total_count(w->p) && !profile_total_cpu_ns(w->p);
	protobuf_put_uint(w->out, PROFILE_DEFAULT_SAMPLE_TYPE,
			  word_id(w, timeless ? WORD_SAMPLES : WORD_CPU));
}

static const char *text_of(const struct writer *w, string_id id)
{
	return profile_string(w->p, id);
}

static void put_facts(struct writer *w)
{
	const struct profile_meta *m = &w->p->meta;
	struct strbuf *out = &w->message;
	protobuf_put_uint(out, CAPTURE_VERSION, PPROF_CAPTURE_VERSION);
	protobuf_put_text(out, CAPTURE_COMMAND, text_of(w, m->command));
	protobuf_put_text(out, CAPTURE_BACKEND, text_of(w, m->backend));
	protobuf_put_text(out, CAPTURE_UNWIND, text_of(w, m->unwind));
	protobuf_put_text(out, CAPTURE_EVENT, text_of(w, m->event));
	protobuf_put_text(out, CAPTURE_HOST, text_of(w, m->host));
	protobuf_put_text(out, CAPTURE_KERNEL, text_of(w, m->kernel));
	protobuf_put_uint(out, CAPTURE_CPUS, m->cpus);
	protobuf_put_uint(out, CAPTURE_RATE_HZ, m->rate_hz);
	protobuf_put_uint(out, CAPTURE_LOST_SAMPLES, m->lost_samples);
	protobuf_put_uint(out, CAPTURE_THROTTLED, m->throttled);
	protobuf_put_uint(out, CAPTURE_FIXED_PERIOD_SAMPLES, m->fixed_period_samples);
	protobuf_put_uint(out, CAPTURE_PROFILER_CPU_NS, m->profiler_cpu_ns);
	protobuf_put_uint(out, CAPTURE_UNSAMPLED_CPU_NS, m->unsampled_cpu_ns);
	protobuf_put_uint(out, CAPTURE_UNSAMPLED_KERNEL_NS, m->unsampled_kernel_ns);
	protobuf_put_uint(out, CAPTURE_KERNEL_SAMPLED, m->kernel_sampled);
	protobuf_put_uint(out, CAPTURE_FOREIGN, m->foreign);
}

static void put_packed(struct writer *w, uint32_t number)
{
	if (w->part.length)
		put_part(w, number);
}

static void put_lists(struct writer *w)
{
	const struct profile *p = w->p;
	const struct profile_meta *m = &p->meta;
	for (size_t i = 0; i < m->pid_count; i++)
		protobuf_put_varint(&w->part, m->pids[i]);
	put_packed(w, CAPTURE_PID);
	for (size_t i = 0; i < m->note_count; i++)
		protobuf_put_text(&w->message, CAPTURE_NOTE, text_of(w, m->notes[i]));
	for (size_t i = 0; i < m->reason_count; i++) {
		protobuf_put_text(&w->part, REASON_ID, text_of(w, m->reasons[i].id));
		protobuf_put_text(&w->part, REASON_SENTENCE, text_of(w, m->reasons[i].sentence));
		put_part(w, CAPTURE_REASON);
	}
	for (size_t i = 1; i < p->frame_count; i++)
		strbuf_putc(&w->part, (char)p->frames[i].kind);
	put_packed(w, CAPTURE_FRAME_KINDS);
	for (uint32_t i = 1; i < p->module_count; i++)
		if (p->modules[i].deleted)
			protobuf_put_varint(&w->part, i);
	put_packed(w, CAPTURE_DELETED_MAPPING);
}

static void put_list(struct writer *w, uint32_t number)
{
	protobuf_put_bytes(&w->part, number, strbuf_text(&w->list), w->list.length);
	w->part.failed |= w->list.failed;
	w->list.length = 0;
}

/* Column by column, which packs better than row by row. */
static void put_times(struct writer *w)
{
	const struct profile *p = w->p;
	uint64_t unit_ns = p->time_cell_ns ? p->time_cell_ns : 1, last_ns = 0;
	bool counted = false;
	if (!p->time_count)
		return;
	protobuf_put_uint(&w->part, TIMES_SAMPLES, p->sample_count);
	protobuf_put_uint(&w->part, TIMES_CELL_NS, p->time_cell_ns);
	for (size_t i = 0; i < p->time_count; i++) {
		protobuf_put_varint(&w->list, (p->times[i].time_ns - last_ns) / unit_ns);
		last_ns = p->times[i].time_ns;
		counted |= p->times[i].count != 1;
	}
	put_list(w, TIMES_STEP);
	for (size_t i = 0; i < p->time_count; i++)
		protobuf_put_varint(&w->list, p->times[i].sample);
	put_list(w, TIMES_SAMPLE);
	for (size_t i = 0; counted && i < p->time_count; i++)
		protobuf_put_varint(&w->list, p->times[i].count);
	if (counted)
		put_list(w, TIMES_COUNT);
	put_part(w, CAPTURE_TIMES);
}

static void put_selection(struct writer *w)
{
	const struct profile_meta *m = &w->p->meta;
	protobuf_put_text(&w->message, CAPTURE_SELECTION, text_of(w, m->selection));
	protobuf_put_uint(&w->message, CAPTURE_SAMPLES_BEFORE, m->samples_before);
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

/* Our message, as the last field. */
static int put_capture(struct writer *w, struct error *err)
{
	put_facts(w);
	put_lists(w);
	put_times(w);
	put_selection(w);
	size_t size = w->message.length;
	put_message(w, PROFILE_CAPTURE);
	if (size >= PPROF_CAPTURE_LIMIT_BYTES)
		return fail(err, -EFBIG, "the capture's own message has %zu bytes, more than %d",
			    size, (int)PPROF_CAPTURE_LIMIT_BYTES);
	return 0;
}

static int write_profile(const struct profile *p, bool is_plain, struct strbuf *out,
			 struct error *err)
{
	struct strbuf unpacked = { 0 };
	struct writer w = { .p = p, .out = &unpacked, .plain = is_plain };
	put_profile(&w);
	int r = is_plain ? 0 : put_capture(&w, err);
	if (!r && unpacked.failed)
		r = fail(err, -ENOMEM, "out of memory");
	if (!r)
		r = gzip_compress(unpacked.text, unpacked.length, out, err);
	strbuf_deinit(&unpacked);
	strbuf_deinit(&w.message);
	strbuf_deinit(&w.part);
	strbuf_deinit(&w.list);
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
