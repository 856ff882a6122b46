// SPDX-License-Identifier: MIT
#include "format/perf_script.h"

#include <errno.h>

#include "base/map.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "format/perf_script_frames.h"
#include "format/perf_script_line.h"
#include "profile/builder.h"

struct left_out { /* an event whose samples are not taken */
	string_id event;
	uint64_t samples;
};

struct reader {
	struct builder *b;
	struct error *err;
	size_t line;                      /* number of the present one */
	struct perf_frames frames;        /* and all texts */
	struct perf_script_header sample; /* that is being read */
	bool in_sample;
	size_t doubtful_line; /* its first line, if that is one only when frames follow; else 0 */
	string_id event;      /* the first */
	VEC(struct left_out) others;
	struct map64 other_of; /* by the event's string_id: row + 1 */
	uint64_t first_ns, last_ns;
	bool has_times;
};

static int no_memory(struct reader *r)
{
	return fail(r->err, -ENOMEM, "out of memory");
}

static uint64_t cpu_of(const struct perf_script_header *h)
{
	bool is_time = text_begins(h->event, "cpu-clock") || text_begins(h->event, "task-clock");
	return is_time && h->has_period ? h->period : 0;
}

/* Sampling began with the first sample that is printed; perf sorts them by time. */
static int add_time(struct reader *r, draft_sample_id row)
{
	uint64_t time_ns = r->sample.time_ns;
	if (!r->has_times)
		r->first_ns = time_ns;
	r->has_times = true;
	if (time_ns > r->last_ns)
		r->last_ns = time_ns;
	return builder_add_time(r->b, row, time_ns > r->first_ns ? time_ns - r->first_ns : 0, 1);
}

static int add_sample(struct reader *r)
{
	string_id comm;
	thread_id thread = { 0 };
	stack_id stack = { 0 };
	const struct perf_script_header *h = &r->sample;
	if (!perf_frames_intern(&r->frames, h->comm, &comm))
		return no_memory(r);
	if (h->comm.length || h->pid || h->tid) {
		thread = builder_thread(r->b, h->pid, h->tid, perf_frames_text(&r->frames, comm));
		if (!thread.v)
			return no_memory(r);
	}
	for (size_t i = r->frames.path.count; i-- > 0;) {
		stack = builder_stack(r->b, stack, r->frames.path.at[i]);
		if (!stack.v)
			return fail_in(r->err, builder_stack_failed(r->b, r->err), "line %zu",
				       r->line);
	}
	struct builder_row sample = {
		.thread = thread, .leaf = stack, .count = 1, .cpu_ns = cpu_of(h)
	};
	draft_sample_id row = builder_add_row(r->b, &sample);
	if (!row.v || (h->has_time && add_time(r, row) < 0))
		return no_memory(r);
	return 0;
}

/* The events of the two kinds of cores of one CPU are one: "cpu_core/cycles/", "cpu_atom/cycles/". */
static struct text without_core(struct text event)
{
	if (text_begins(event, "cpu_core/") || text_begins(event, "cpu_atom/"))
		return text_behind(event, strlen("cpu_core/"));
	return event;
}

static int is_wanted(struct reader *r, bool *out)
{
	string_id event;
	*out = true;
	if (!perf_frames_intern(&r->frames, without_core(r->sample.event), &event))
		return no_memory(r);
	if (!event.v)
		return 0;
	if (!r->event.v)
		r->event = event;
	*out = r->event.v == event.v;
	if (*out)
		return 0;
	uint32_t row = map64_get(&r->other_of, event.v);
	if (!row) {
		row = (uint32_t)r->others.count + 1;
		if (!vec_push(&r->others, (struct left_out){ event, 0 }) ||
		    !map64_put(&r->other_of, event.v, row))
			return no_memory(r);
	}
	r->others.at[row - 1].samples++;
	return 0;
}

static int end_sample(struct reader *r)
{
	bool wanted = false;
	int status = 0;
	if (!r->in_sample)
		return 0;
	if (r->doubtful_line && !r->frames.path.count && !r->frames.calls.count)
		return fail(r->err, -EBADMSG, "line %zu is neither a sample nor a frame of one",
			    r->doubtful_line);
	status = perf_frames_end(&r->frames) ? no_memory(r) : 0;
	if (!status)
		status = is_wanted(r, &wanted);
	if (!status && wanted)
		status = add_sample(r);
	r->in_sample = false;
	r->frames.path.count = 0;
	r->frames.calls.count = 0;
	return status;
}

/* "PERF_RECORD_LOST lost 12"; other records say nothing about samples. */
static void take_record(struct reader *r, const struct perf_script_header *h)
{
	struct text rest = h->rest, word;
	uint64_t lost;
	if (!text_begins(h->event, "PERF_RECORD_LOST") && !text_begins(rest, "PERF_RECORD_LOST"))
		return;
	while ((word = text_word(&rest)).length)
		if (text_equals(word, "lost") && text_uint(text_word(&rest), &lost))
			builder_meta(r->b)->lost_samples += lost;
}

static int begin_sample(struct reader *r, struct text line)
{
	struct perf_script_header h;
	struct perf_script_frame f;
	bool sure = perf_script_header(line, &h);
	if (h.is_record) {
		take_record(r, &h);
		return 0;
	}
	r->sample = h;
	r->in_sample = true;
	r->doubtful_line = sure ? 0 : r->line;
	if (!sure || !perf_script_frame(h.rest, &f))
		return 0;
	int status = perf_frames_add(&r->frames, &f) ? no_memory(r)
						     : 0; /* without call chains, the line is all */
	return status ? status : end_sample(r);
}

/* Chains stand behind a tab; where a copy has lost it, behind blanks, as may a sample's first line. */
static bool is_indented(const struct reader *r, struct text line)
{
	struct perf_script_header h;
	if (*line.at == '\t')
		return true;
	return r->in_sample && *line.at == ' ' && !(perf_script_header(line, &h) && h.has_time);
}

static int read_indented(struct reader *r, struct text line, bool *out_is_frame)
{
	struct perf_script_frame f;
	struct text file;
	uint32_t number;
	*out_is_frame = true;
	if (r->frames.calls.count && perf_script_source(line, &file, &number)) {
		perf_frames_source(&r->frames, file, number);
		return 0;
	}
	*out_is_frame = perf_script_frame(line, &f);
	if (!*out_is_frame)
		return 0;
	if (!r->in_sample) {
		r->sample = (struct perf_script_header){ .comm = { "", 0 }, .event = { "", 0 } };
		r->in_sample = true;
		r->doubtful_line = 0;
	}
	return perf_frames_add(&r->frames, &f) ? no_memory(r) : 0;
}

static void read_comment(struct reader *r, struct text line)
{
	static const struct {
		const char *name;
		size_t offset;
	} facts[] = {
		{ "# cmdline : ", offsetof(struct profile_meta, command) },
		{ "# hostname : ", offsetof(struct profile_meta, host) },
		{ "# os release : ", offsetof(struct profile_meta, kernel) },
	};
	struct profile_meta *m = builder_meta(r->b);
	for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
		string_id id;
		if (text_begins(line, facts[i].name) &&
		    perf_frames_intern(&r->frames, text_behind(line, strlen(facts[i].name)), &id))
			*(string_id *)((char *)m + facts[i].offset) =
				builder_intern(r->b, perf_frames_text(&r->frames, id));
	}
}

static int read_line(struct reader *r, struct text line)
{
	bool is_frame = false;
	int status = 0;
	r->line++;
	if (memchr(line.at, 0, line.length))
		return fail(r->err, -EBADMSG, "line %zu has a NUL byte", r->line);
	if (!line.length)
		return end_sample(r);
	if (*line.at == '#') {
		read_comment(r, line);
		return 0;
	}
	if (is_indented(r, line))
		status = read_indented(r, line, &is_frame);
	if (status || is_frame)
		return status;
	status = end_sample(r);
	return status ? status : begin_sample(r, line);
}

/* A list of events is some lines long; more of them are summed up. */
static int note_others(struct reader *r)
{
	enum { NOTES_LIMIT = 16 };
	struct strbuf note = { 0 };
	uint64_t rest = 0;
	int status = 0;
	for (size_t i = 0; !status && i < r->others.count; i++) {
		const struct left_out *other = &r->others.at[i];
		if (i >= NOTES_LIMIT) {
			rest += other->samples;
			continue;
		}
		strbuf_clear(&note);
		strbuf_printf(&note,
			      "%llu samples of event '%s' are left out: only '%s' is counted",
			      (unsigned long long)other->samples,
			      perf_frames_text(&r->frames, other->event),
			      perf_frames_text(&r->frames, r->event));
		status = builder_note(r->b, strbuf_text(&note));
	}
	strbuf_clear(&note);
	strbuf_printf(&note, "%llu samples of further events are left out",
		      (unsigned long long)rest);
	if (!status && rest)
		status = builder_note(r->b, strbuf_text(&note));
	if (note.failed || status < 0)
		status = no_memory(r);
	strbuf_deinit(&note);
	return status;
}

static int finish(struct reader *r)
{
	struct profile_meta *m = builder_meta(r->b);
	m->foreign = true;
	m->event = builder_intern(r->b, perf_frames_text(&r->frames, r->event));
	m->duration_ns = r->has_times ? r->last_ns - r->first_ns : 0;
	return note_others(r);
}

static void reader_deinit(struct reader *r)
{
	builder_destroy(r->b);
	perf_frames_deinit(&r->frames);
	vec_free(&r->others);
	map64_deinit(&r->other_of);
}

int perf_script_read(const void *bytes, size_t size_bytes, struct profile **out, struct error *err)
{
	struct reader r = { .err = err };
	struct cursor c = cursor_of(bytes, size_bytes);
	struct text line;
	int status = builder_create(&r.b, err);
	if (!status && perf_frames_init(&r.frames, r.b) < 0)
		status = no_memory(&r);
	if (!status)
		builder_limit_stacks(r.b, size_bytes);
	while (!status && text_line(&c, &line))
		status = read_line(&r, line);
	if (!status)
		status = end_sample(&r);
	if (!status)
		status = finish(&r);
	if (!status) {
		builder_seal(r.b);
		status = builder_freeze(r.b, out, err);
	}
	reader_deinit(&r);
	return status;
}

/* Collapsed stacks, the other text, have neither a time with a colon behind nor frames behind a tab. */
bool perf_script_is(const void *bytes, size_t size_bytes)
{
	enum { LINES_ENOUGH = 16 };
	struct cursor c = cursor_of(bytes, size_bytes);
	struct perf_script_header h;
	struct perf_script_frame f;
	struct text line;
	for (size_t blank = 0; blank < LINES_ENOUGH && text_line(&c, &line);) {
		if (memchr(line.at, 0, line.length))
			return false;
		blank += !line.length;
		if (!line.length || *line.at == '#')
			continue;
		if (*line.at == '\t')
			return perf_script_frame(line, &f);
		bool sure = perf_script_header(line, &h);
		if (sure && h.has_time)
			return h.event.length || h.is_record || !h.rest.length ||
			       perf_script_frame(h.rest, &f);
		/* Without times the frames below decide, or the one behind the event. */
		if (sure && h.event.length && perf_script_frame(h.rest, &f))
			return true;
		if (!text_line(&c, &line) || !line.length || *line.at != '\t')
			return false;
		return perf_script_frame(line, &f);
	}
	return false;
}
