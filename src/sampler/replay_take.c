// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "sampler/replay_file.h"
#include "sampler/replay_types.h"

enum { HEADER_BYTES = sizeof(struct perf_event_header) };

static int damaged(const struct replay *r, struct error *err)
{
	return fail(err, -EBADMSG, "the record at byte %llu is damaged",
		    (unsigned long long)r->stream.offset);
}

/* What belongs to the sampling itself is chosen when the first record comes that needs it. */
static void choose(struct replay *r)
{
	if (r->events.are_chosen)
		return;
	replay_events_choose(&r->events);
	const struct replay_event *event = replay_events_chosen(&r->events);
	if (!event)
		return;
	const struct perf_event_attr *attr = &event->attr;
	r->facts.is_clock = event->layout.is_clock;
	r->facts.user_half = event->layout.user_half;
	r->stats.kernel = !attr->exclude_kernel;
	if (attr->freq)
		r->stats.rate_hz =
			attr->sample_freq <= UINT32_MAX ? (uint32_t)attr->sample_freq : 0;
	else if (event->layout.is_clock && attr->sample_period)
		r->stats.rate_hz = (uint32_t)(1000000000 / attr->sample_period);
}

/* Where the text of the kernel began: `[kernel.kallsyms]_text`. Source: perf's perf_event__synthesize_kernel_mmap */
static void note_kernel(struct replay *r, struct cursor body)
{
	static const char prefix[] = "[kernel.kallsyms]";
	cursor_take(&body, 2 * sizeof(int32_t));  /* pid, tid */
	cursor_take(&body, 2 * sizeof(uint64_t)); /* start, size */
	uint64_t symbol_pc = cursor_u64(&body);
	const char *path = cursor_string(&body);
	if (body.bad || strncmp(path, prefix, strlen(prefix)) != 0)
		return;
	r->facts.kernel_symbol =
		strings_text(&r->strings, strings_intern(&r->strings, path + strlen(prefix)));
	r->facts.kernel_symbol_pc = symbol_pc;
}

/* @return whether the session shall see it; others are counted */
static bool is_wanted(struct replay *r, const struct perf_meta *meta, uint16_t misc, uint32_t event)
{
	uint16_t mode = misc & PERF_RECORD_MISC_CPUMODE_MASK;
	switch (meta->type) {
	case PERF_RECORD_SAMPLE:
		if (!r->events.rows.at[event].chosen)
			r->events.rows.at[event].samples++;
		else if (mode == PERF_RECORD_MISC_GUEST_KERNEL ||
			 mode == PERF_RECORD_MISC_GUEST_USER)
			r->facts.guest_samples++;
		else if (!meta->pid && !meta->tid)
			r->facts.idle_samples++;
		else
			return true;
		return false;
	case PERF_RECORD_LOST: r->lost_records += meta->value; return false;
	case PERF_RECORD_LOST_SAMPLES:
		r->lost_samples += misc & MISC_LOST_TO_FILTER ? 0 : meta->value;
		return false;
	case PERF_RECORD_MMAP:
	case PERF_RECORD_MMAP2:
	case PERF_RECORD_COMM:
	case PERF_RECORD_FORK:
	case PERF_RECORD_EXIT:
	case PERF_RECORD_THROTTLE: return true;
	default: return false;
	}
}

/* Without a time (an old file, or records that perf made up) the order of the file is all there is. */
static uint64_t time_of(struct replay *r, const struct perf_meta *meta, uint32_t event)
{
	const struct perf_layout *layout = &r->events.rows.at[event].layout;
	bool has_trailer = layout->trailer_bytes || meta->type == PERF_RECORD_SAMPLE;
	if (!(layout->sample_type & PERF_SAMPLE_TIME) || !has_trailer)
		return r->latest_ns;
	if (meta->time_ns) {
		if (!r->facts.first_ns || meta->time_ns < r->facts.first_ns)
			r->facts.first_ns = meta->time_ns;
		if (meta->time_ns > r->facts.last_ns)
			r->facts.last_ns = meta->time_ns;
	}
	return meta->time_ns;
}

static int take_kernels_record(struct replay *r, const uint8_t *bytes, size_t size_bytes,
			       struct error *err)
{
	struct perf_meta meta;
	uint32_t event;
	choose(r);
	int known = replay_events_of(&r->events, bytes, size_bytes, &event, &meta);
	if (known < 0)
		return damaged(r, err);
	struct cursor c = cursor_of(bytes, size_bytes);
	cursor_u32(&c);
	uint16_t misc = cursor_u16(&c);
	cursor_u16(&c);
	if (meta.type == PERF_RECORD_MMAP)
		note_kernel(r, c);
	if (!known) {
		r->facts.unknown_samples++;
		return 0;
	}
	if (!is_wanted(r, &meta, misc, event))
		return 0;
	struct replay_queued what = {
		.time_ns = time_of(r, &meta, event),
		.offset = r->stream.offset,
		.bytes = (uint8_t *)(uintptr_t)bytes,
		.size_bytes = (uint32_t)size_bytes,
		.event = event,
	};
	if (what.time_ns > r->latest_ns)
		r->latest_ns = what.time_ns;
	return replay_queue_push(&r->queue, &what) < 0 ? fail(err, -ENOMEM, "out of memory") : 0;
}

static int take_attr(struct replay *r, struct cursor body, struct error *err)
{
	int event = replay_events_add(&r->events, &body, err);
	if (event < 0)
		return fail_in(err, event, "the record at byte %llu",
			       (unsigned long long)r->stream.offset);
	while (cursor_left(&body) >= sizeof(uint64_t))
		if (replay_events_add_id(&r->events, (uint32_t)event, cursor_u64(&body)) < 0)
			return fail(err, -ENOMEM, "out of memory");
	return 0;
}

/* The threads that perf was told to look at; -1 is all of them. */
static void take_thread_map(struct replay *r, struct cursor body)
{
	uint64_t count = cursor_u64(&body), pid = cursor_u64(&body);
	r->facts.is_system_wide = !body.bad && count == 1 && (int32_t)pid == -1;
}

/* What perf itself writes. */
static int take_perfs_record(struct replay *r, uint32_t type, const uint8_t *bytes,
			     size_t size_bytes, struct error *err)
{
	struct cursor whole = cursor_of(bytes, size_bytes), body = whole;
	cursor_take(&body, HEADER_BYTES);
	switch (type) {
	case REPLAY_ATTR: return take_attr(r, body, err);
	case REPLAY_BUILD_ID: {
		int status = replay_build_id(r, &whole, err);
		return status < 0 ? fail_in(err, status, "the record at byte %llu",
					    (unsigned long long)r->stream.offset)
				  : 0;
	}
	case REPLAY_FEATURE: {
		uint64_t feature = cursor_u64(&body);
		return replay_feature(r, feature, cursor_of(body.at, cursor_left(&body)), err);
	}
	case REPLAY_EVENT_UPDATE: replay_events_update(&r->events, body); return 0;
	case REPLAY_THREAD_MAP: take_thread_map(r, body); return 0;
	case REPLAY_FINISHED_ROUND:
		/* Nothing comes behind it that is older than the end of the round before. */
		r->ready_ns = r->round_ns;
		r->round_ns = r->latest_ns;
		return 0;
	default: return 0;
	}
}

int replay_take(struct replay *r, struct error *err)
{
	const uint8_t *bytes;
	size_t size_bytes;
	uint32_t type;
	int status = replay_stream_next(&r->stream, &bytes, &size_bytes, err);
	if (status <= 0)
		return status;
	memcpy(&type, bytes, sizeof(type));
	status = type < REPLAY_USER_FIRST ? take_kernels_record(r, bytes, size_bytes, err)
					  : take_perfs_record(r, type, bytes, size_bytes, err);
	return status < 0 ? status : 1;
}
