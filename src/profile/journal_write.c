// SPDX-License-Identifier: MIT
#include "profile/journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/gzip.h"
#include "profile/draft.h"
#include "profile/facts.h"
#include "profile/place.h"
#include "profile/pprof_put.h"

/* How a row stands in the journal; id 0: not at all. What has changed since then gets a new id. */
struct written_module {
	struct draft_module as;
	uint32_t id;
};

struct written_frame {
	struct draft_frame as;
	uint32_t id, mapping;
};

struct journal {
	struct builder *b;
	struct pprof_put put; /* into `plain` */
	struct strbuf plain, path, line_messages;
	struct map64 strings;   /* a text's address -> its index + 1 */
	struct map64 functions; /* a draft row, or the address of a made-up name -> id */
	uint32_t string_count, mapping_count, location_count, function_count;
	uint32_t main_mapping, said_main; /* CMD's binary */
	uint64_t sample_count;
	VEC(struct written_module) modules; /* by draft row */
	VEC(struct written_frame) frames;   /* by draft row */
	VEC(uint32_t) unnamed;              /* rows of frames that stand there without a name */
	VEC(uint32_t) number_of;      /* draft row of a sample -> its number in this member + 1 */
	VEC(uint32_t) rows;           /* samples of this member */
	VEC(uint64_t) counts;         /* theirs */
	struct strbuf kinds, deleted; /* of this member's locations; mappings */
	uint32_t said[FACT_TEXTS];    /* ids of the texts that are there already */
	size_t pids, runs, notes, reasons; /* how many are there already */
	uint64_t last_time_ns;
	bool failed; /* without memory */
};

/* Samples from before the journal are as fresh as those that come. */
static bool take_what_is_there(struct builder *b)
{
	struct time_log_reader reader = time_log_read(&b->times);
	struct profile_time e;
	while (time_log_next(&reader, &e))
		if (!vec_push(&b->fresh, e))
			return false;
	return true;
}

int journal_create(struct builder *b, struct journal **out, struct error *err)
{
	struct journal *j = calloc(1, sizeof(*j));
	if (!j)
		return fail(err, -ENOMEM, "out of memory");
	j->b = b;
	j->put.out = &j->plain;
	b->keep_fresh = true;
	if (!take_what_is_there(b)) {
		journal_destroy(j);
		return fail(err, -ENOMEM, "out of memory");
	}
	*out = j;
	return 0;
}

void journal_destroy(struct journal *j)
{
	if (!j)
		return;
	j->b->keep_fresh = false;
	vec_free(&j->b->fresh);
	pprof_put_deinit(&j->put);
	strbuf_deinit(&j->plain);
	strbuf_deinit(&j->path);
	strbuf_deinit(&j->line_messages);
	strbuf_deinit(&j->kinds);
	strbuf_deinit(&j->deleted);
	map64_deinit(&j->strings);
	map64_deinit(&j->functions);
	vec_free(&j->modules);
	vec_free(&j->frames);
	vec_free(&j->unnamed);
	vec_free(&j->number_of);
	vec_free(&j->rows);
	vec_free(&j->counts);
	free(j);
}

/* @param text at an address that stays: a constant, or interned by the builder */
static uint32_t string_index(struct journal *j, const char *text)
{
	if (!*text)
		return 0;
	uint32_t row = map64_get(&j->strings, (uintptr_t)text);
	if (row)
		return row - 1;
	row = ++j->string_count;
	protobuf_put_bytes(&j->plain, PROFILE_STRING_TABLE, text, strlen(text));
	j->failed |= !map64_put(&j->strings, (uintptr_t)text, row + 1);
	return row;
}

static void put_value_type(struct journal *j, uint32_t number, const char *type, const char *unit)
{
	uint32_t type_index = string_index(j, type), unit_index = string_index(j, unit);
	protobuf_put_uint(&j->put.message, VALUE_TYPE_TYPE, type_index);
	protobuf_put_uint(&j->put.message, VALUE_TYPE_UNIT, unit_index);
	pprof_put_message(&j->put, number);
}

/* The first member's own; the reader knows a journal by it. */
static void put_head(struct journal *j)
{
	static const char cpu[] = "cpu", nanoseconds[] = "nanoseconds";
	const struct profile_meta *m = &j->b->meta;
	protobuf_put_bytes(&j->plain, PROFILE_STRING_TABLE, "", 0);
	put_value_type(j, PROFILE_SAMPLE_TYPE, "samples", "count");
	put_value_type(j, PROFILE_SAMPLE_TYPE, cpu, nanoseconds);
	put_value_type(j, PROFILE_PERIOD_TYPE, cpu, nanoseconds);
	uint32_t default_type = string_index(j, cpu);
	protobuf_put_uint(&j->plain, PROFILE_DEFAULT_SAMPLE_TYPE, default_type);
	protobuf_put_uint(&j->plain, PROFILE_PERIOD, pprof_period_ns(m->rate_hz));
	protobuf_put_uint(&j->plain, PROFILE_TIME_NANOS, m->start_unix_ns);
}

static bool same_module(const struct draft_module *a, const struct draft_module *b)
{
	return a->path == b->path && a->build_id == b->build_id && a->is_main == b->is_main &&
	       a->vaddr_minus_off == b->vaddr_minus_off;
}

/* The range is empty: it says only which address lies at offset 0 of the file. */
static void put_mapping(struct journal *j, const struct draft_module *m, uint32_t id)
{
	uint32_t path = string_index(j, m->path), build_id = string_index(j, m->build_id);
	struct strbuf *out = &j->put.message;
	protobuf_put_uint(out, MAPPING_ID, id);
	protobuf_put_uint(out, MAPPING_MEMORY_START, m->vaddr_minus_off);
	protobuf_put_uint(out, MAPPING_MEMORY_LIMIT, m->vaddr_minus_off);
	protobuf_put_uint(out, MAPPING_FILENAME, path);
	protobuf_put_uint(out, MAPPING_BUILD_ID, build_id);
	pprof_put_message(&j->put, PROFILE_MAPPING);
	if (m->deleted)
		protobuf_put_varint(&j->deleted, id);
}

static uint32_t mapping_id(struct journal *j, uint32_t row)
{
	while (j->modules.count <= row)
		if (!vec_push(&j->modules, (struct written_module){ 0 })) {
			j->failed = true;
			return 0;
		}
	const struct draft_module *m = &j->b->modules.at[row];
	struct written_module *w = &j->modules.at[row];
	if (!row || (w->id && same_module(&w->as, m)))
		return w->id;
	*w = (struct written_module){ *m, ++j->mapping_count };
	if (m->is_main)
		j->main_mapping = w->id;
	put_mapping(j, m, w->id);
	return w->id;
}

/* @param key of the function in the map; its id stays as it is */
static uint32_t function_id_of(struct journal *j, uint64_t key, const struct draft_function *f)
{
	uint32_t id = map64_get(&j->functions, key);
	if (id)
		return id;
	id = ++j->function_count;
	j->failed |= !map64_put(&j->functions, key, id);
	uint32_t name = string_index(j, f->name), file = string_index(j, f->file);
	uint32_t system_name = string_index(j, f->system_name);
	struct strbuf *out = &j->put.message;
	protobuf_put_uint(out, FUNCTION_ID, id);
	protobuf_put_uint(out, FUNCTION_NAME, name);
	protobuf_put_uint(out, FUNCTION_SYSTEM_NAME, system_name);
	protobuf_put_uint(out, FUNCTION_FILENAME, file);
	protobuf_put_uint(out, FUNCTION_START_LINE, f->start_line);
	pprof_put_message(&j->put, PROFILE_FUNCTION);
	return id;
}

/* A function that is called by its place. The builder owns the text. @return 0 without memory */
static uint32_t made_up_function(struct journal *j, const struct draft_frame *frame)
{
	struct strbuf text = { 0 };
	place_name(frame, &j->b->modules.at[frame->module], &text);
	string_id name = { 0 };
	if (!text.failed)
		name = builder_intern(j->b, text.text);
	strbuf_deinit(&text);
	j->failed |= !name.v;
	struct draft_function f = { .name = strings_text(&j->b->strings, name),
				    .system_name = "",
				    .file = "" };
	return name.v ? function_id_of(j, (uintptr_t)f.name, &f) : 0;
}

/* Whether a better name may come. */
static bool lacks_name(const struct draft_frame *f)
{
	return !f->line_count && !f->has_function_start && f->kind <= FRAME_KERNEL;
}

static void put_line(struct journal *j, uint32_t function, uint32_t line)
{
	strbuf_clear(&j->put.part);
	protobuf_put_uint(&j->put.part, LINE_FUNCTION_ID, function);
	protobuf_put_uint(&j->put.part, LINE_LINE, line);
	protobuf_put_bytes(&j->line_messages, LOCATION_LINE, strbuf_text(&j->put.part),
			   j->put.part.length);
	j->line_messages.failed |= j->put.part.failed;
	strbuf_clear(&j->put.part);
}

static void put_lines(struct journal *j, const struct draft_frame *f)
{
	for (uint32_t i = 0; i < f->line_count; i++) {
		struct draft_line line = j->b->lines.at[f->first_line + i];
		put_line(j, function_id_of(j, line.function, &j->b->functions.at[line.function]),
			 line.line);
	}
	if (!f->line_count && !lacks_name(f))
		put_line(j, made_up_function(j, f), 0);
}

static void put_location(struct journal *j, const struct draft_frame *f, uint32_t id,
			 uint32_t mapping)
{
	strbuf_clear(&j->line_messages);
	put_lines(j, f); /* functions come first, in messages of their own */
	struct strbuf *out = &j->put.message;
	protobuf_put_uint(out, LOCATION_ID, id);
	protobuf_put_uint(out, LOCATION_MAPPING_ID, mapping);
	protobuf_put_uint(out, LOCATION_ADDRESS, f->vaddr);
	strbuf_add(out, strbuf_text(&j->line_messages), j->line_messages.length);
	j->failed |= j->line_messages.failed;
	pprof_put_message(&j->put, PROFILE_LOCATION);
	strbuf_putc(&j->kinds, (char)f->kind);
}

static bool same_frame(const struct draft_frame *a, const struct draft_frame *b)
{
	return a->vaddr == b->vaddr && a->first_line == b->first_line &&
	       a->line_count == b->line_count && a->has_function_start == b->has_function_start;
}

static uint32_t location_id(struct journal *j, uint32_t row)
{
	while (j->frames.count <= row)
		if (!vec_push(&j->frames, (struct written_frame){ 0 })) {
			j->failed = true;
			return 0;
		}
	const struct draft_frame *f = &j->b->frames.at[row];
	uint32_t mapping = mapping_id(j, f->module);
	struct written_frame *w = &j->frames.at[row];
	if (w->id && w->mapping == mapping && same_frame(&w->as, f))
		return w->id;
	if (!w->id && lacks_name(f))
		j->failed |= !vec_push(&j->unnamed, row);
	*w = (struct written_frame){ *f, ++j->location_count, mapping };
	put_location(j, f, w->id, mapping);
	return w->id;
}

static void put_label(struct journal *j, const char *key, const char *text, uint64_t number)
{
	if (!*text && !number)
		return;
	protobuf_put_uint(&j->put.part, LABEL_KEY, string_index(j, key));
	protobuf_put_uint(&j->put.part, LABEL_STR, string_index(j, text));
	protobuf_put_uint(&j->put.part, LABEL_NUM, number);
	pprof_put_part(&j->put, SAMPLE_LABEL);
}

static void put_sample(struct journal *j, uint32_t row, uint64_t count)
{
	static const char thread_key[] = "thread", tid_key[] = "tid", pid_key[] = "pid",
			  truncated_key[] = "truncated", completed_key[] = "completed",
			  yes[] = "yes", run_key[] = "run";
	const struct draft_sample *s = &j->b->samples.at[row];
	const struct draft_thread *t = &j->b->threads.at[s->thread];
	strbuf_clear(&j->path);
	for (uint32_t i = s->stack; i; i = j->b->stacks.at[i].parent)
		protobuf_put_varint(&j->path, location_id(j, j->b->stacks.at[i].frame));
	if (j->path.length)
		protobuf_put_bytes(&j->put.message, SAMPLE_LOCATION_ID, j->path.text,
				   j->path.length);
	j->failed |= j->path.failed;
	protobuf_put_varint(&j->put.part, count);
	protobuf_put_varint(&j->put.part, count * pprof_period_ns(j->b->meta.rate_hz));
	pprof_put_part(&j->put, SAMPLE_VALUE);
	put_label(j, thread_key, t->comm, 0);
	put_label(j, tid_key, "", t->tid);
	put_label(j, pid_key, "", t->pid);
	put_label(j, truncated_key, s->truncated, 0);
	put_label(j, completed_key, s->completed ? yes : "", 0);
	put_label(j, run_key, "", t->run);
	pprof_put_message(&j->put, PROFILE_SAMPLE);
}

/* Gives each sample that came a number in this member, and counts it. @return false without memory */
static bool number_samples(struct journal *j)
{
	while (j->number_of.count < j->b->samples.count)
		if (!vec_push(&j->number_of, 0))
			return false;
	for (size_t i = 0; i < j->b->fresh.count; i++) {
		uint32_t row = j->b->fresh.at[i].sample;
		if (!j->number_of.at[row]) {
			if (!vec_push(&j->rows, row) || !vec_push(&j->counts, 0))
				return false;
			j->number_of.at[row] = (uint32_t)j->rows.count;
		}
		j->counts.at[j->number_of.at[row] - 1] += j->b->fresh.at[i].count;
	}
	return true;
}

static void put_times(struct journal *j)
{
	const struct profile_time *fresh = j->b->fresh.at;
	size_t count = j->b->fresh.count;
	protobuf_put_uint(&j->put.part, TIMES_SAMPLES, j->sample_count + j->rows.count);
	for (size_t i = 0; i < count; i++) {
		uint64_t time_ns = fresh[i].time_ns;
		if (time_ns < j->last_time_ns)
			time_ns = j->last_time_ns;
		protobuf_put_varint(&j->put.list, time_ns - j->last_time_ns);
		j->last_time_ns = time_ns;
	}
	pprof_put_list(&j->put, TIMES_STEP);
	for (size_t i = 0; i < count; i++)
		protobuf_put_varint(&j->put.list,
				    j->sample_count + j->number_of.at[fresh[i].sample] - 1);
	pprof_put_list(&j->put, TIMES_SAMPLE);
	bool counted = false;
	for (size_t i = 0; i < count; i++)
		counted |= fresh[i].count != 1;
	for (size_t i = 0; counted && i < count; i++)
		protobuf_put_varint(&j->put.list, fresh[i].count);
	if (counted)
		pprof_put_list(&j->put, TIMES_COUNT);
	pprof_put_part(&j->put, CAPTURE_TIMES);
}

static void put_samples(struct journal *j)
{
	for (uint32_t i = 1; i < j->b->modules.count; i++)
		if (j->b->modules.at[i].is_main)
			mapping_id(j, i);
	for (size_t i = 0; i < j->rows.count; i++)
		put_sample(j, j->rows.at[i], j->counts.at[i]);
	size_t left = 0;
	for (size_t i = 0; i < j->unnamed.count; i++) {
		uint32_t row = j->unnamed.at[i];
		if (lacks_name(&j->b->frames.at[row]))
			j->unnamed.at[left++] = row;
		else
			location_id(j, row);
	}
	j->unnamed.count = left;
}

/* Fields of one value: what a later member says takes the place of what an earlier one said. */
static void put_facts(struct journal *j)
{
	struct profile_meta *m = &j->b->meta;
	for (unsigned i = 0; i < FACT_TEXTS; i++) {
		string_id text = *profile_fact_text(m, i);
		if (text.v != j->said[i])
			pprof_put_fact(&j->put, i, strings_text(&j->b->strings, text));
		j->said[i] = text.v;
	}
	pprof_put_numbers(&j->put, m);
	size_t first = j->pids;
	for (; j->pids < j->b->pids.count; j->pids++)
		protobuf_put_varint(&j->put.part, j->b->pids.at[j->pids]);
	if (j->put.part.length)
		pprof_put_part(&j->put, CAPTURE_PID);
	for (size_t i = first; i < j->pids; i++)
		pprof_put_inner_pid(&j->put, j->b->pids.at[i], j->b->inner_pids.at[i]);
	if (j->put.part.length)
		pprof_put_part(&j->put, CAPTURE_INNER_PID);
	for (; j->runs < j->b->runs.count; j->runs++)
		protobuf_put_varint(&j->put.part, j->b->runs.at[j->runs]);
	if (j->put.part.length)
		pprof_put_part(&j->put, CAPTURE_RUN_CPU_NS);
	for (; j->notes < j->b->notes.count; j->notes++)
		protobuf_put_text(&j->put.message, CAPTURE_NOTE, j->b->notes.at[j->notes]);
	for (; j->reasons < j->b->reasons.count; j->reasons++) {
		const struct draft_reason *r = &j->b->reasons.at[j->reasons];
		protobuf_put_text(&j->put.part, REASON_ID, r->id);
		protobuf_put_text(&j->put.part, REASON_SENTENCE, r->sentence);
		pprof_put_part(&j->put, CAPTURE_REASON);
	}
}

static void put_capture(struct journal *j, bool first)
{
	struct strbuf *out = &j->put.message;
	if (first) {
		protobuf_put_uint(out, CAPTURE_VERSION, PPROF_CAPTURE_VERSION);
		protobuf_put_uint(out, CAPTURE_JOURNAL, true);
	}
	put_facts(j);
	if (j->main_mapping != j->said_main)
		protobuf_put_uint(out, CAPTURE_MAIN_MAPPING, j->main_mapping);
	j->said_main = j->main_mapping;
	if (j->kinds.length)
		protobuf_put_bytes(out, CAPTURE_FRAME_KINDS, j->kinds.text, j->kinds.length);
	if (j->deleted.length)
		protobuf_put_bytes(out, CAPTURE_DELETED_MAPPING, j->deleted.text,
				   j->deleted.length);
	if (j->b->fresh.count)
		put_times(j);
	pprof_put_message(&j->put, PROFILE_CAPTURE);
}

static void begin_anew(struct journal *j)
{
	for (size_t i = 0; i < j->rows.count; i++)
		j->number_of.at[j->rows.at[i]] = 0;
	j->sample_count += j->rows.count;
	j->rows.count = j->counts.count = j->b->fresh.count = 0;
	strbuf_clear(&j->plain);
	strbuf_clear(&j->kinds);
	strbuf_clear(&j->deleted);
}

int journal_member(struct journal *j, struct strbuf *out, struct error *err)
{
	bool first = !j->string_count;
	strbuf_clear(out);
	if (j->failed || !number_samples(j))
		return fail(err, -ENOMEM, "out of memory");
	if (first)
		put_head(j);
	put_samples(j);
	protobuf_put_uint(&j->plain, PROFILE_DURATION_NANOS, j->b->meta.duration_ns);
	put_capture(j, first);
	int r = j->failed || j->plain.failed || j->kinds.failed || j->deleted.failed
			? fail(err, -ENOMEM, "out of memory")
			: gzip_compress_fast(j->plain.text, j->plain.length, out, err);
	j->failed |= r < 0;
	begin_anew(j);
	return r;
}
