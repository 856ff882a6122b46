// SPDX-License-Identifier: MIT
#include "sampler/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/replay_file.h"

enum {
	HELD_MOST_BYTES = 256 << 20, /* of records between two FINISHED_ROUNDs */
};
/* A sample stands for no more than this, whatever a damaged file says: a sum shall not overflow. */
#define PERIOD_MOST_NS (UINT64_C(60) * 1000000000)

static struct replay *replay_of(struct sampler *s)
{
	return (struct replay *)s;
}

static void replay_destroy(struct sampler *s)
{
	struct replay *r = replay_of(s);
	if (!r)
		return;
	free(r->at.bytes);
	replay_queue_deinit(&r->queue);
	replay_stream_deinit(&r->stream);
	replay_input_deinit(&r->input);
	replay_events_deinit(&r->events);
	vec_free(&r->dsos);
	index_deinit(&r->dso_index);
	strings_deinit(&r->strings);
	free(r);
}

int replay_open(int fd, const void *head, size_t head_size_bytes, struct sampler **out,
		struct error *err)
{
	struct replay *r = calloc(1, sizeof(*r));
	if (!r)
		return fail(err, -ENOMEM, "out of memory");
	r->base.ops = &sampler_replay;
	r->events.strings = &r->strings;
	r->facts = (struct replay_facts){
		.command = "", .host = "", .release = "", .kernel_symbol = "", .event = ""
	};
	replay_stream_init(&r->stream, &r->input);
	int status = strings_init(&r->strings) < 0 ? fail(err, -ENOMEM, "out of memory") : 0;
	if (status == 0)
		status = replay_input_init(&r->input, fd, head, head_size_bytes, err);
	if (status == 0)
		status = replay_header_read(r, err);
	if (status < 0) {
		replay_destroy(&r->base);
		return status;
	}
	*out = &r->base;
	return 0;
}

/* Reads on until a record can go out. @return false if there is none any more */
static bool read_on(struct replay *r)
{
	for (;;) {
		const struct replay_queued *first = replay_queue_first(&r->queue);
		if (first && (r->at_end || first->time_ns <= r->ready_ns))
			return true;
		if (first && r->queue.held_bytes > HELD_MOST_BYTES) {
			r->facts.disordered = true;
			return true;
		}
		if (r->at_end)
			return false;
		int status = replay_take(r, &r->error);
		if (status == -EBADMSG && r->facts.unfinished)
			status = 0; /* perf was about to write what follows the records */
		if (status < 0)
			r->status = status;
		r->at_end = status <= 0;
	}
}

static uint64_t cpu_ns_of(const struct replay_event *event, const struct replay_queued *q)
{
	struct perf_meta meta;
	size_t part = q->size_bytes < PERF_HEAD_BYTES ? q->size_bytes : PERF_HEAD_BYTES;
	if (!event->layout.is_clock ||
	    !perf_decode_meta(&event->layout, q->bytes, q->bytes + q->size_bytes - part,
			      q->size_bytes, &meta))
		return 0;
	uint64_t period_ns = meta.period;
	if (!(event->layout.sample_type & PERF_SAMPLE_PERIOD))
		period_ns = event->attr.freq ? 1000000000 / (event->attr.sample_freq ?: 1)
					     : event->attr.sample_period;
	return period_ns < PERIOD_MOST_NS ? period_ns : PERIOD_MOST_NS;
}

/*
 * A processor's list of calls that have not returned (Intel's LBR): where each call is, behind the
 * place of the tick, or in the kernel the function that was called last.
 */
static void chain_calls(struct replay *r, const struct perf_branches *calls)
{
	struct record_sample *sample = &r->record.sample;
	uint64_t ends[2] = { 0 }; /* from, to */
	for (uint32_t i = 0; i < calls->count; i++) {
		memcpy(ends, calls->at + (size_t)i * PERF_BRANCH_BYTES, sizeof(ends));
		if (!i)
			r->chain[0] = sample->in_kernel ? ends[1] : sample->pc;
		r->chain[i + 1] = ends[0] + 1; /* as if it were the return address */
	}
	if (!calls->count)
		return;
	sample->user_pcs = r->chain;
	sample->user_pc_count = calls->count + 1;
}

/* @return false if nobody shall see it, or it is damaged */
static bool decode(struct replay *r)
{
	const struct replay_event *event = &r->events.rows.at[r->at.event];
	const struct perf_layout *layout = &event->layout;
	struct perf_branches branches = { 0 };
	if (!perf_decode(layout, r->at.bytes, r->at.size_bytes, &branches, &r->record)) {
		r->at_end = true;
		if (!r->facts.unfinished)
			r->status = fail(&r->error, -EBADMSG, "the record at byte %llu is damaged",
					 (unsigned long long)r->at.offset);
		return false;
	}
	r->record.time_ns = r->at.time_ns;
	if (r->record.kind == RECORD_SAMPLE) {
		r->record.sample.cpu_ns = cpu_ns_of(event, &r->at);
		if (perf_has_calls(layout->sample_type, layout->branch_sample_type))
			chain_calls(r, &branches);
		r->stats.samples++;
	}
	if (r->record.kind == RECORD_MMAP)
		replay_identify(r, &r->record.mmap);
	return r->record.kind != RECORD_NONE;
}

/* A full ring counts what it lost in both ways: records at the time, samples at the end. */
static bool show_lost(struct replay *r)
{
	uint64_t lost = r->lost_records > r->lost_samples ? r->lost_records : r->lost_samples;
	if (r->lost_shown || !lost || r->status < 0)
		return false;
	r->lost_shown = true;
	r->record =
		(struct record){ .kind = RECORD_LOST, .time_ns = r->latest_ns, .lost = { lost } };
	return true;
}

static void drop(struct replay *r)
{
	free(r->at.bytes);
	r->at.bytes = NULL;
	r->shown = false;
}

static bool replay_peek(struct sampler *s, const struct record **out)
{
	struct replay *r = replay_of(s);
	*out = &r->record;
	while (!r->shown && r->status == 0 && read_on(r)) {
		r->at = replay_queue_pop(&r->queue);
		r->shown = decode(r);
		if (!r->shown)
			drop(r);
	}
	if (!r->shown)
		r->shown = show_lost(r);
	return r->shown;
}

static void replay_consume(struct sampler *s)
{
	drop(replay_of(s));
}

static void replay_disarm(struct sampler *s)
{
	(void)s;
}

static void replay_stats(const struct sampler *s, struct sampler_stats *out)
{
	*out = ((const struct replay *)s)->stats;
}

const struct replay_facts *replay_facts(const struct sampler *s)
{
	struct replay *r = (struct replay *)(uintptr_t)s;
	const struct replay_event *event = replay_events_chosen(&r->events);
	r->facts.event = event ? strings_text(&r->strings, event->name) : "";
	return &r->facts;
}

bool replay_left_out(const struct sampler *s, size_t number, const char **out_name,
		     uint64_t *out_samples)
{
	const struct replay *r = (const struct replay *)s;
	for (size_t i = 0; i < r->events.rows.count; i++) {
		const struct replay_event *event = &r->events.rows.at[i];
		if (event->chosen || !event->samples || number--)
			continue;
		*out_name = strings_text(&r->strings, event->name);
		*out_samples = event->samples;
		return true;
	}
	return false;
}

int replay_status(const struct sampler *s, struct error *err)
{
	const struct replay *r = (const struct replay *)s;
	if (r->status < 0 && err)
		*err = r->error;
	return r->status;
}

const struct sampler_ops sampler_replay = {
	.name = "perf.data",
	.peek = replay_peek,
	.consume = replay_consume,
	.disarm = replay_disarm,
	.stats = replay_stats,
	.destroy = replay_destroy,
};
