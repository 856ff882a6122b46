// SPDX-License-Identifier: MIT
#include "profile/pprof_read.h"

#include <errno.h>
#include <string.h>

#include "profile/pprof_fields.h"
#include "profile/protobuf.h"

/* A copy with a NUL behind and none inside. */
static const char *text_of(struct pprof_reader *r, const struct cursor *bytes)
{
	size_t length = cursor_left(bytes);
	char *text = arena_strndup(&r->arena, (const char *)bytes->at, length);
	for (size_t i = 0; text && i < length; i++)
		if (!text[i])
			text[i] = '?';
	return text;
}

static int read_reason(struct pprof_reader *r, struct cursor c)
{
	struct protobuf_field f;
	const char *id = "", *sentence = "";
	while (protobuf_next(&c, &f)) {
		if (f.wire != PROTOBUF_BYTES)
			continue;
		if (f.number == REASON_ID)
			id = text_of(r, &f.bytes);
		else if (f.number == REASON_SENTENCE)
			sentence = text_of(r, &f.bytes);
	}
	if (c.bad)
		return pprof_damaged(r, c.bad, "a reason is damaged");
	if (!id || !sentence || (*id && builder_reason(r->b, id, sentence) < 0))
		return pprof_no_memory(r);
	return 0;
}

static int read_source(struct pprof_reader *r, struct cursor c)
{
	struct protobuf_field f;
	const char *file = "", *text = "";
	struct profile_source source = { .first_line = 1 };
	while (protobuf_next(&c, &f)) {
		switch (f.number) {
		case SOURCE_FILE:
			file = f.wire == PROTOBUF_BYTES ? text_of(r, &f.bytes) : "";
			break;
		case SOURCE_TEXT:
			text = f.wire == PROTOBUF_BYTES ? text_of(r, &f.bytes) : "";
			break;
		case SOURCE_FIRST_LINE: source.first_line = (uint32_t)f.value; break;
		case SOURCE_NEWER: source.newer = f.value; break;
		default: break;
		}
	}
	if (c.bad)
		return pprof_damaged(r, c.bad, "source lines are damaged");
	source.file = (char *)file; /* borrowed for the call */
	source.text = (char *)text;
	return file && text && builder_source(r->b, &source) == 0 ? 0 : pprof_no_memory(r);
}

static int read_text(struct pprof_reader *r, const struct protobuf_field *f, string_id *out)
{
	const char *text = text_of(r, &f->bytes);
	*out = builder_intern(r->b, text);
	return text && (out->v || !*text) ? 0 : pprof_no_memory(r);
}

static int read_note(struct pprof_reader *r, const struct protobuf_field *f)
{
	const char *text = text_of(r, &f->bytes);
	return text && builder_note(r->b, text) == 0 ? 0 : pprof_no_memory(r);
}

static int read_pids(struct pprof_reader *r, struct protobuf_field *f)
{
	uint64_t pid;
	while (protobuf_value(f, &pid)) {
		int status = pprof_count_part(r);
		if (status)
			return status;
		if (builder_target_pid(r->b, (uint32_t)pid) < 0)
			return pprof_no_memory(r);
	}
	return f->bytes.bad ? pprof_damaged(r, f->bytes.bad, "a list of pids is cut off") : 0;
}

/* Pairs, which may not be cut in two by the end of a field. */
static int read_inner_pids(struct pprof_reader *r, struct protobuf_field *f)
{
	uint64_t pid, inner;
	while (protobuf_value(f, &pid) && protobuf_value(f, &inner)) {
		int status = pprof_count_part(r);
		if (status)
			return status;
		builder_target_inner_pid(r->b, (uint32_t)pid, (uint32_t)inner);
	}
	return f->bytes.bad ? pprof_damaged(r, f->bytes.bad, "a list of pids is cut off") : 0;
}

static int read_runs(struct pprof_reader *r, struct protobuf_field *f)
{
	uint64_t cpu_ns;
	while (protobuf_value(f, &cpu_ns)) {
		int status = pprof_count_part(r);
		if (status)
			return status;
		if (builder_end_run(r->b, cpu_ns) < 0)
			return pprof_no_memory(r);
	}
	return f->bytes.bad ? pprof_damaged(r, f->bytes.bad, "a list of runs is cut off") : 0;
}

static int read_bytes_field(struct pprof_reader *r, struct protobuf_field *f)
{
	struct profile_meta *m = builder_meta(r->b);
	switch (f->number) {
	case CAPTURE_COMMAND: return read_text(r, f, &m->command);
	case CAPTURE_BACKEND: return read_text(r, f, &m->backend);
	case CAPTURE_UNWIND: return read_text(r, f, &m->unwind);
	case CAPTURE_EVENT: return read_text(r, f, &m->event);
	case CAPTURE_HOST: return read_text(r, f, &m->host);
	case CAPTURE_KERNEL: return read_text(r, f, &m->kernel);
	case CAPTURE_SELECTION: return read_text(r, f, &m->selection);
	case CAPTURE_SOURCE: return read_source(r, f->bytes);
	case CAPTURE_NOTE: return read_note(r, f);
	case CAPTURE_REASON: return read_reason(r, f->bytes);
	case CAPTURE_PID: return read_pids(r, f);
	case CAPTURE_INNER_PID: return read_inner_pids(r, f);
	case CAPTURE_RUN_CPU_NS: return read_runs(r, f);
	case CAPTURE_TIMES: return vec_push(&r->times, f->bytes) ? 0 : pprof_no_memory(r);
	case CAPTURE_DELETED_MAPPING: return id_table_add_all(r, &r->deleted, f);
	default: return 0; /* of a newer perfprof that still speaks this version */
	}
}

static void read_number_field(struct pprof_reader *r, const struct protobuf_field *f)
{
	struct profile_meta *m = builder_meta(r->b);
	switch (f->number) {
	case CAPTURE_JOURNAL: r->is_journal = f->value; break;
	case CAPTURE_MAIN_MAPPING: r->main_mapping = f->value; break;
	case CAPTURE_CPUS: m->cpus = (uint32_t)f->value; break;
	case CAPTURE_RATE_HZ: m->rate_hz = (uint32_t)f->value; break;
	case CAPTURE_LOST_SAMPLES: m->lost_samples = f->value; break;
	case CAPTURE_THROTTLED: m->throttled = f->value; break;
	case CAPTURE_FIXED_PERIOD_SAMPLES: m->fixed_period_samples = f->value; break;
	case CAPTURE_PROFILER_CPU_NS: m->profiler_cpu_ns = f->value; break;
	case CAPTURE_UNSAMPLED_CPU_NS: m->unsampled_cpu_ns = f->value; break;
	case CAPTURE_UNSAMPLED_KERNEL_NS: m->unsampled_kernel_ns = f->value; break;
	case CAPTURE_KERNEL_SAMPLED: m->kernel_sampled = f->value; break;
	case CAPTURE_FOREIGN: m->foreign = f->value; break;
	case CAPTURE_PROFILER_KERNEL_NS: m->profiler_kernel_ns = f->value; break;
	case CAPTURE_PROFILER_WRITTEN_BYTES: m->profiler_written_bytes = f->value; break;
	case CAPTURE_CHECKED_RETURNS: m->checked_returns = f->value; break;
	case CAPTURE_WRONG_RETURNS: m->wrong_returns = f->value; break;
	case CAPTURE_WANTED_RATE_HZ: m->wanted_rate_hz = (uint32_t)f->value; break;
	case CAPTURE_SAMPLES_BEFORE: m->samples_before = f->value; break;
	default: break;
	}
}

static int add_kinds(struct pprof_reader *r, struct cursor kinds)
{
	size_t count = cursor_left(&kinds), had = r->frame_kinds.count;
	if (!vec_reserve(&r->frame_kinds, had + count))
		return pprof_no_memory(r);
	if (count)
		memcpy(r->frame_kinds.at + had, kinds.at, count);
	r->frame_kinds.count += count;
	return 0;
}

/* Looks whether the message can be used, before anything of it is. */
static int inspect(struct pprof_reader *r, struct cursor c)
{
	struct protobuf_field f;
	int status = 0;
	while (!status && protobuf_next(&c, &f)) {
		if (f.number == CAPTURE_VERSION)
			r->version = f.value;
		if (f.number == CAPTURE_FRAME_KINDS)
			status = add_kinds(r, f.bytes);
	}
	if (!status && c.bad)
		status = pprof_damaged(r, c.bad, "perfprof's own message is damaged");
	if (!status && r->version > PPROF_CAPTURE_VERSION)
		status = fail(r->err, -EBADMSG,
			      "the capture has version %llu of perfprof's message, and this "
			      "perfprof reads version %d: use a newer one",
			      (unsigned long long)r->version, PPROF_CAPTURE_VERSION);
	return status;
}

static int use(struct pprof_reader *r, struct cursor c)
{
	struct protobuf_field f;
	int status = 0;
	while (!status && protobuf_next(&c, &f)) {
		status = pprof_count_part(r);
		if (!status && f.wire == PROTOBUF_BYTES)
			status = read_bytes_field(r, &f);
		else if (!status && f.wire == PROTOBUF_VARINT)
			read_number_field(r, &f);
	}
	return status;
}

int pprof_capture_read(struct pprof_reader *r)
{
	int status = 0;
	for (size_t i = 0; !status && i < r->captures.count; i++)
		status = inspect(r, r->captures.at[i]);
	r->has_capture =
		r->captures.count && r->version && r->frame_kinds.count == r->location_count;
	for (size_t i = 0; !status && r->has_capture && i < r->captures.count; i++)
		status = use(r, r->captures.at[i]);
	return status;
}
