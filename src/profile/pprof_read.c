// SPDX-License-Identifier: MIT
#include "profile/pprof_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/gzip.h"
#include "profile/pprof.h"
#include "profile/pprof_fields.h"
#include "profile/protobuf.h"

/*
 * What a file may cost us: a step of a stack that no other has takes one byte of it and some 40 of memory. Packed
 * captures that were measured have one part in two bytes at most.
 */
static const size_t unpacked_limit_bytes = (size_t)1 << 30;
static const size_t parts_free = (size_t)1 << 22, parts_of_a_byte = 4,
		    parts_limit = (size_t)1 << 26;
static const size_t path_limit = (size_t)1 << 20;

int pprof_damaged(struct pprof_reader *r, const uint8_t *at, const char *what)
{
	return fail(r->err, -EBADMSG, "%s at byte %td of the profile", what, at - r->begin);
}

int pprof_no_memory(struct pprof_reader *r)
{
	return fail(r->err, -ENOMEM, "out of memory");
}

int pprof_count_part(struct pprof_reader *r)
{
	if (r->parts++ < r->parts_most)
		return 0;
	return fail(r->err, -EFBIG,
		    "the profile has more than %zu parts, which is the limit for its size",
		    r->parts_most);
}

bool id_table_add(struct id_table *t, uint64_t id, uint32_t row)
{
	t->sorted = t->rows.count ? t->sorted && id > t->rows.at[t->rows.count - 1].id : true;
	return vec_push(&t->rows, (struct id_row){ id, row });
}

int id_table_add_all(struct pprof_reader *r, struct id_table *t, struct protobuf_field *field)
{
	uint64_t id;
	while (protobuf_value(field, &id)) {
		int status = pprof_count_part(r);
		if (status)
			return status;
		if (!id_table_add(t, id, 0))
			return pprof_no_memory(r);
	}
	return field->bytes.bad ? pprof_damaged(r, field->bytes.bad, "a list of ids is cut off")
				: 0;
}

static int compare_id_rows(const void *x, const void *y)
{
	const struct id_row *a = x, *b = y;
	int r = (a->id > b->id) - (a->id < b->id);
	return r ? r : (a->row > b->row) - (a->row < b->row);
}

const struct id_row *id_table_find(struct id_table *t, uint64_t id)
{
	if (!t->sorted && t->rows.count)
		qsort(t->rows.at, t->rows.count, sizeof(*t->rows.at), compare_id_rows);
	t->sorted = true;
	if (id - 1 < t->rows.count && t->rows.at[id - 1].id == id)
		return &t->rows.at[id - 1]; /* most writers count from 1 */
	size_t low = 0, high = t->rows.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (t->rows.at[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->rows.count && t->rows.at[low].id == id ? &t->rows.at[low] : NULL;
}

static int read_string(struct pprof_reader *r, const struct protobuf_field *f)
{
	size_t length = cursor_left(&f->bytes);
	char *text = arena_strndup(&r->arena, (const char *)f->bytes.at, length);
	for (size_t i = 0; text && i < length; i++)
		if (!text[i])
			text[i] = '?';
	return text && vec_push(&r->strings, text) ? pprof_count_part(r) : pprof_no_memory(r);
}

const char *pprof_text(const struct pprof_reader *r, uint64_t index, bool *bad)
{
	if (index < r->strings.count)
		return r->strings.at[index];
	*bad |= index != 0; /* an empty file needs no table for "" */
	return "";
}

static int read_value_type(struct pprof_reader *r, struct cursor c, struct pprof_value_type *out)
{
	struct protobuf_field f;
	bool bad = false;
	const uint8_t *begin = c.at;
	*out = (struct pprof_value_type){ "", "" };
	while (protobuf_next(&c, &f)) {
		if (f.number == VALUE_TYPE_TYPE)
			out->type = pprof_text(r, f.value, &bad);
		else if (f.number == VALUE_TYPE_UNIT)
			out->unit = pprof_text(r, f.value, &bad);
	}
	return c.bad || bad ? pprof_damaged(r, c.bad ? c.bad : begin, "a sample type is damaged")
			    : 0;
}

/* Labels that say whose sample it is; others are not kept. */
struct labels {
	const char *thread, *truncated;
	uint32_t run, pid, tid;
	bool completed;
};

static int read_label(struct pprof_reader *r, struct cursor c, struct labels *out)
{
	struct protobuf_field f;
	const char *key = "", *text = "";
	uint64_t number = 0;
	bool bad = false;
	const uint8_t *begin = c.at;
	while (protobuf_next(&c, &f)) {
		switch (f.number) {
		case LABEL_KEY: key = pprof_text(r, f.value, &bad); break;
		case LABEL_STR: text = pprof_text(r, f.value, &bad); break;
		case LABEL_NUM: number = f.value; break;
		default: break;
		}
	}
	if (c.bad || bad)
		return pprof_damaged(r, c.bad ? c.bad : begin, "a label is damaged");
	if (!strcmp(key, "thread") || !strcmp(key, "thread_name") || !strcmp(key, "thread name"))
		out->thread = text;
	else if (!strcmp(key, "truncated"))
		out->truncated = text;
	else if (!strcmp(key, "completed"))
		out->completed = !strcmp(text, "yes");
	else if (!strcmp(key, "run"))
		out->run = (uint32_t)number;
	else if (!strcmp(key, "pid"))
		out->pid = (uint32_t)number;
	else if (!strcmp(key, "tid") || !strcmp(key, "thread_id") || !strcmp(key, "thread id"))
		out->tid = (uint32_t)number;
	return 0;
}

static int read_ids(struct pprof_reader *r, struct protobuf_field *f)
{
	uint64_t id;
	while (protobuf_value(f, &id)) {
		if (r->path.count >= path_limit)
			return fail(r->err, -EFBIG,
				    "a sample has more than %zu locations, which is the limit",
				    path_limit);
		if (!vec_push(&r->path, id))
			return pprof_no_memory(r);
	}
	return f->bytes.bad ? pprof_damaged(r, f->bytes.bad, "a list of locations is cut off") : 0;
}

static int read_values(struct pprof_reader *r, struct protobuf_field *f)
{
	uint64_t value;
	while (r->values.count <= r->types.count && protobuf_value(f, &value))
		if (!vec_push(&r->values, (int64_t)value))
			return pprof_no_memory(r);
	return f->bytes.bad ? pprof_damaged(r, f->bytes.bad, "a list of values is cut off") : 0;
}

static int read_sample_field(struct pprof_reader *r, struct protobuf_field *f,
			     struct labels *labels)
{
	switch (f->number) {
	case SAMPLE_LOCATION_ID: return read_ids(r, f);
	case SAMPLE_VALUE: return read_values(r, f);
	case SAMPLE_LABEL: return read_label(r, f->bytes, labels);
	default: return 0;
	}
}

static int find_stack(struct pprof_reader *r, const uint8_t *begin, stack_id *out)
{
	stack_id stack = { 0 };
	size_t before = builder_stack_count(r->b);
	for (size_t i = r->path.count; i-- > 0;) { /* the file has the leaf first */
		const struct id_row *row = id_table_find(&r->location_ids, r->path.at[i]);
		if (!row)
			return pprof_damaged(r, begin,
					     "a sample names a location that is not there");
		stack = builder_stack(r->b, stack, (frame_id){ row->row });
		if (!stack.v)
			return pprof_no_memory(r);
	}
	*out = stack;
	/* What it shares with another stack takes no memory, however long it is. */
	r->parts += builder_stack_count(r->b) - before;
	return pprof_count_part(r);
}

static int add_sample(struct pprof_reader *r, const struct labels *labels, const uint8_t *begin)
{
	uint64_t count, cpu_ns;
	if (r->values.count != r->types.count || !r->types.count)
		return pprof_damaged(r, begin, "a sample has not one value for each sample type");
	if (!pprof_choice_apply(&r->choice, r->values.at, &count, &cpu_ns))
		return pprof_damaged(r, begin,
				     "a sample is negative (a difference of two profiles?)");
	if (__builtin_add_overflow(r->total_count, count, &r->total_count) ||
	    __builtin_add_overflow(r->total_cpu_ns, cpu_ns, &r->total_cpu_ns))
		return pprof_damaged(r, begin, "the samples add up to more than 64 bits");
	stack_id stack = { 0 };
	int status = find_stack(r, begin, &stack);
	if (status)
		return status;
	thread_id thread = { 0 };
	if (labels->run || labels->pid || labels->tid || *labels->thread) {
		builder_set_run(r->b, labels->run);
		thread = builder_thread(r->b, labels->pid, labels->tid, labels->thread);
		if (!thread.v)
			return pprof_no_memory(r);
	}
	struct pprof_row row = { .untimed = count };
	row.row = builder_add_row(r->b, &(struct builder_row){ .thread = thread,
							       .leaf = stack,
							       .truncated = labels->truncated,
							       .completed = labels->completed,
							       .count = count,
							       .cpu_ns = cpu_ns });
	if (!row.row.v || (r->times.count && !vec_push(&r->rows, row)))
		return pprof_no_memory(r);
	return 0;
}

static int read_sample(struct pprof_reader *r, struct cursor c)
{
	struct protobuf_field f;
	struct labels labels = { .thread = "", .truncated = "" };
	const uint8_t *begin = c.at;
	int status = 0;
	r->path.count = 0;
	r->values.count = 0;
	while (!status && protobuf_next(&c, &f))
		status = read_sample_field(r, &f, &labels);
	if (!status && c.bad)
		status = pprof_damaged(r, c.bad, "a sample is damaged");
	return status ? status : add_sample(r, &labels, begin);
}

static int read_comments(struct pprof_reader *r, struct protobuf_field *f)
{
	uint64_t comment;
	while (protobuf_value(f, &comment)) {
		int status = pprof_count_part(r);
		if (status)
			return status;
		if (!vec_push(&r->comments, comment))
			return pprof_no_memory(r);
	}
	return f->bytes.bad ? pprof_damaged(r, f->bytes.bad, "a list of comments is cut off") : 0;
}

/* Tables may follow what refers to them, so the message is gone through four times. */
static int read_first(struct pprof_reader *r, struct protobuf_field *f)
{
	switch (f->number) {
	case PROFILE_STRING_TABLE: return read_string(r, f);
	case PROFILE_COMMENT: return read_comments(r, f);
	case PROFILE_LOCATION: r->location_count++; break;
	case PROFILE_TIME_NANOS: r->time_nanos = f->value; break;
	case PROFILE_DURATION_NANOS: r->duration_nanos = f->value; break;
	case PROFILE_PERIOD: r->period = f->value; break;
	case PROFILE_DEFAULT_SAMPLE_TYPE: r->default_type = f->value; break;
	case PROFILE_CAPTURE:
		if (!vec_push(&r->captures, f->bytes))
			return pprof_no_memory(r);
		break;
	default: break;
	}
	return pprof_count_part(r);
}

static int read_second(struct pprof_reader *r, struct protobuf_field *f)
{
	struct pprof_value_type type;
	int status;
	switch (f->number) {
	case PROFILE_FUNCTION: return pprof_read_function(r, f->bytes);
	case PROFILE_MAPPING: return pprof_read_mapping(r, f->bytes);
	case PROFILE_PERIOD_TYPE: return read_value_type(r, f->bytes, &r->period_type);
	case PROFILE_SAMPLE_TYPE:
		status = read_value_type(r, f->bytes, &type);
		return status || vec_push(&r->types, type) ? status : pprof_no_memory(r);
	default: return 0;
	}
}

static int read_third(struct pprof_reader *r, struct protobuf_field *f)
{
	return f->number == PROFILE_LOCATION ? pprof_read_location(r, f->bytes) : 0;
}

static int read_fourth(struct pprof_reader *r, struct protobuf_field *f)
{
	return f->number == PROFILE_SAMPLE ? read_sample(r, f->bytes) : 0;
}

/* Whether a field of Profile has the wire type of its declaration. Unknown fields are out of place. */
static bool right_wire(const struct protobuf_field *f)
{
	switch (f->number) {
	case PROFILE_SAMPLE_TYPE:
	case PROFILE_SAMPLE:
	case PROFILE_MAPPING:
	case PROFILE_LOCATION:
	case PROFILE_FUNCTION:
	case PROFILE_STRING_TABLE:
	case PROFILE_PERIOD_TYPE:
	case PROFILE_CAPTURE: return f->wire == PROTOBUF_BYTES;
	case PROFILE_COMMENT: /* packed or not */
		return f->wire == PROTOBUF_BYTES || f->wire == PROTOBUF_VARINT;
	default: return f->number <= PROFILE_DOC_URL && f->wire == PROTOBUF_VARINT;
	}
}

static int pass(struct pprof_reader *r, struct cursor c,
		int (*read)(struct pprof_reader *, struct protobuf_field *))
{
	struct protobuf_field f;
	for (const uint8_t *begin = c.at; protobuf_next(&c, &f); begin = c.at) {
		bool known = f.number <= PROFILE_DOC_URL || f.number == PROFILE_CAPTURE;
		if (known && !right_wire(&f))
			return pprof_damaged(r, begin, "a field has the wrong type");
		int status = known ? read(r, &f) : 0;
		if (status)
			return status;
	}
	return c.bad ? pprof_damaged(r, c.bad, "the message is damaged or cut off") : 0;
}

/* The facts of a file that is not ours. */
static int foreign_facts(struct pprof_reader *r)
{
	struct profile_meta *m = builder_meta(r->b);
	const struct pprof_choice *c = &r->choice;
	m->foreign = true;
	if (c->period_ns)
		m->rate_hz = (uint32_t)((1000000000 + c->period_ns / 2) / c->period_ns);
	const struct pprof_value_type *counted =
		r->types.count ? &r->types.at[c->has_count ? c->count_index : c->time_index] : NULL;
	bool cpu =
		!counted || !strncmp(counted->type, "sample", 6) || !strcmp(counted->type, "cpu");
	m->event = builder_intern(r->b, cpu ? "cpu" : counted->type);
	bool bad = false;
	for (size_t i = 0; i < r->comments.count; i++)
		if (builder_note(r->b, pprof_text(r, r->comments.at[i], &bad)) < 0)
			return pprof_no_memory(r);
	if (c->has_count || !r->types.count)
		return 0;
	return builder_note(r->b, "the file has times only: samples are time divided by period") < 0
		       ? pprof_no_memory(r)
		       : 0;
}

/* What belongs to one part of a message only; ids and texts stay. */
static void begin_part(struct pprof_reader *r)
{
	r->captures.count = r->times.count = r->frame_kinds.count = 0;
	r->location_count = r->location_at = 0;
	r->row_base += r->rows.count;
	r->rows.count = 0;
}

int pprof_read_message(struct pprof_reader *r, const void *bytes, size_t size_bytes)
{
	struct cursor c = cursor_of(bytes, size_bytes);
	r->begin = c.begin;
	begin_part(r);
	int status = pass(r, c, read_first);
	if (!status)
		status = pprof_capture_read(r);
	if (!status)
		status = pass(r, c, read_second);
	if (status)
		return status;
	bool bad = false;
	const char *default_type = pprof_text(r, r->default_type, &bad);
	r->choice =
		pprof_choose(r->types.at, r->types.count, default_type, r->period_type, r->period);
	struct profile_meta *m = builder_meta(r->b);
	m->start_unix_ns = r->time_nanos;
	m->duration_ns = r->duration_nanos;
	status = r->has_capture ? 0 : foreign_facts(r);
	if (!status)
		status = pass(r, c, read_third);
	if (!status)
		status = pass(r, c, read_fourth);
	return status ? status : pprof_times_read(r);
}

int pprof_reader_init(struct pprof_reader *r, size_t file_bytes, struct error *err)
{
	*r = (struct pprof_reader){ .err = err, .period_type = { "", "" } };
	r->parts_most = parts_limit;
	if (file_bytes < (parts_limit - parts_free) / parts_of_a_byte)
		r->parts_most = parts_free + file_bytes * parts_of_a_byte;
	return builder_create(&r->b, err);
}

void pprof_reader_deinit(struct pprof_reader *r)
{
	builder_destroy(r->b);
	arena_deinit(&r->arena);
	vec_free(&r->strings);
	vec_free(&r->types);
	vec_free(&r->functions);
	vec_free(&r->mappings);
	vec_free(&r->comments);
	vec_free(&r->path);
	vec_free(&r->values);
	vec_free(&r->lines);
	vec_free(&r->rows);
	vec_free(&r->captures);
	vec_free(&r->times);
	vec_free(&r->frame_kinds);
	vec_free(&r->function_ids.rows);
	vec_free(&r->mapping_ids.rows);
	vec_free(&r->location_ids.rows);
	vec_free(&r->deleted.rows);
}

int pprof_read_unpacked(const void *bytes, size_t size_bytes, size_t file_bytes,
			struct profile **out, struct error *err)
{
	struct pprof_reader r;
	int status = pprof_reader_init(&r, file_bytes, err);
	if (!status)
		status = pprof_read_message(&r, bytes, size_bytes);
	if (!status) {
		builder_seal(r.b);
		status = builder_freeze(r.b, out, err);
	}
	pprof_reader_deinit(&r);
	return status;
}

int pprof_read(const void *bytes, size_t size_bytes, struct profile **out, struct error *err)
{
	if (!gzip_is(bytes, size_bytes))
		return pprof_read_unpacked(bytes, size_bytes, size_bytes, out, err);
	struct strbuf plain = { 0 };
	int status = gzip_decompress(bytes, size_bytes, unpacked_limit_bytes, &plain, err);
	if (!status)
		status = pprof_read_unpacked(strbuf_text(&plain), plain.length, size_bytes, out,
					     err);
	strbuf_deinit(&plain);
	return status;
}

bool pprof_is(const void *bytes, size_t size_bytes)
{
	enum { FIELDS_ENOUGH = 64 };
	struct cursor c = cursor_of(bytes, size_bytes);
	struct protobuf_field f;
	int fields = 0;
	for (; fields < FIELDS_ENOUGH && protobuf_next(&c, &f); fields++)
		if (!right_wire(&f))
			return false;
	return fields && !c.bad;
}
