// SPDX-License-Identifier: MIT
#include "sampler/perf.h"

#include <string.h>

#include "base/clock.h"

enum {
	LATENESS_NS = 1000000,   /* between a record's time stamp and its appearance */
	FORK_TWIN_NS = 10000000, /* two families report the same fork this near to each other */
};

static void own(struct perf *p, struct perf_thread *thread, uint64_t from_ns, uint32_t family)
{
	perf_thread_assign(thread, from_ns, family);
	p->families.family.at[family].owned++;
	p->families.family.at[family].idle_ns = 0;
}

/* A copy keeps for ever the period that its origin had at the fork. */
static void note_periods(struct perf *p, const struct perf_thread *child, uint32_t family,
			 uint64_t time_ns)
{
	const struct perf_sampling_event *events = perf_family_events(&p->families, family);
	uint32_t *periods = perf_thread_periods(&p->threads, child);
	for (uint32_t i = 0; i < p->cpu_count; i++)
		periods[i] =
			COPY_FRESH | (uint32_t)jitter_inherited_period(&events[i].jitter, time_ns);
}

static void make_pending(struct perf *p, struct perf_thread *thread, uint64_t time_ns)
{
	perf_threads_set_pending(&p->threads, thread, true);
	if (!p->pending_since_ns)
		p->pending_since_ns = time_ns;
}

static struct perf_thread *find_or_adopt(struct perf *p, const struct perf_meta *meta,
					 uint32_t family)
{
	struct perf_thread *thread = perf_threads_find(&p->threads, meta->tid);
	if (thread || p->families.family.at[family].state != FAMILY_OPEN)
		return thread;
	thread = perf_threads_add(&p->threads, meta->pid, meta->tid, meta->time_ns);
	if (thread) {
		own(p, thread, meta->time_ns, family);
		note_periods(p, thread, family, meta->time_ns);
		make_pending(p, thread, meta->time_ns);
	}
	return thread;
}

/* @return whether the sample counts */
static bool scan_sample(struct perf *p, const struct perf_meta *meta)
{
	struct perf_sampling_event *event = perf_families_event(&p->families, meta->id);
	if (!event)
		return false;
	struct perf_thread *thread = find_or_adopt(p, meta, event->family);
	if (meta->id != meta->stream_id) {
		p->families.family.at[event->family].branched = true;
		if (!thread)
			return false;
		size_t cpu = (size_t)(event - p->families.event.at) % p->cpu_count;
		uint32_t *period_ns = &perf_thread_periods(&p->threads, thread)[cpu];
		bool first = *period_ns & COPY_FRESH;
		*period_ns &= ~COPY_FRESH;
		return !*period_ns || p->jitter.off ||
		       jitter_keep_inherited(&p->jitter, *period_ns, first);
	}
	p->families.family.at[event->family].own_samples++;
	if (event->jitter.lead)
		p->lead_ns = meta->time_ns;
	bool counts = jitter_sample(&p->jitter, &event->jitter, meta->time_ns);
	p->urgent |= event->jitter.lead;
	if (!event->dirty)
		event->dirty = vec_push(&p->dirty, (uint32_t)(event - p->families.event.at));
	return counts;
}

static void leave(struct perf *p, struct perf_thread *thread, uint64_t time_ns)
{
	struct perf_family *family = &p->families.family.at[perf_thread_latest(thread)];
	if (!thread->exited && family->owned && !--family->owned)
		family->idle_ns = time_ns;
	if (family->tid == thread->tid)
		family->ended = true;
	thread->exited = true;
	p->turns.waiting -= thread->waits;
	thread->waits = false;
	perf_threads_set_pending(&p->threads, thread, false);
}

static void scan_fork(struct perf *p, const struct perf_meta *meta)
{
	const struct perf_sampling_event *event = perf_families_event(&p->families, meta->id);
	if (!event)
		return;
	uint32_t family = event->family;
	p->families.family.at[family].branched = true;
	struct perf_thread *child = perf_threads_find(&p->threads, meta->tid);
	if (child && !child->exited && meta->time_ns - child->born_ns < FORK_TWIN_NS)
		return;
	if (child && !child->exited && perf_thread_latest(child) &&
	    p->families.family.at[perf_thread_latest(child)].tid == meta->tid)
		return; /* found in /proc before its record arrived */
	if (child) {
		leave(p, child, meta->time_ns);
		perf_threads_remove(&p->threads, meta->tid);
	}
	const struct perf_thread *parent = perf_threads_find(&p->threads, meta->parent_tid);
	if (parent)
		family = perf_thread_owner(parent, meta->time_ns);
	child = perf_threads_add(&p->threads, meta->pid, meta->tid, meta->time_ns);
	if (!child || p->families.family.at[family].state != FAMILY_OPEN)
		return;
	own(p, child, meta->time_ns, family);
	note_periods(p, child, family, meta->time_ns);
	make_pending(p, child, meta->time_ns);
}

/*
 * execve by a thread that is not the leader gives it the leader's tid: the leader's row is gone
 * with its EXIT, and the thread's family, whose record this is, now serves the new number.
 */
static void scan_exec(struct perf *p, const struct perf_meta *meta)
{
	const struct perf_sampling_event *event = perf_families_event(&p->families, meta->id);
	struct perf_thread *thread = perf_threads_find(&p->threads, meta->tid);
	if (!event || (thread && !thread->exited))
		return;
	struct perf_family *family = &p->families.family.at[event->family];
	if (thread)
		perf_threads_remove(&p->threads, meta->tid);
	thread = perf_threads_add(&p->threads, meta->pid, meta->tid, meta->time_ns);
	if (!thread || family->state != FAMILY_OPEN)
		return;
	own(p, thread, meta->time_ns, event->family);
	if (meta->id == meta->stream_id)
		family->tid = meta->tid;
	else
		make_pending(p, thread, meta->time_ns);
}

/* What a copy has counted, at its thread's end. @return whether it is the one that counts */
static bool scan_read(struct perf *p, const struct perf_meta *meta)
{
	const struct perf_sampling_event *event = perf_families_event(&p->families, meta->id);
	const struct perf_thread *thread = perf_threads_find(&p->threads, meta->tid);
	if (!event)
		return false;
	p->families.family.at[event->family].copies_ns += meta->value;
	return thread && perf_thread_latest(thread) == event->family;
}

/* @return false if the record shall not be shown */
static bool scan_record(struct perf *p, const struct perf_meta *meta)
{
	struct perf_thread *thread;
	if (perf_is_wide(p))
		return perf_wide_scan(p, meta);
	switch (meta->type) {
	case PERF_RECORD_SAMPLE: return scan_sample(p, meta);
	case PERF_RECORD_READ: return scan_read(p, meta);
	case PERF_RECORD_FORK: scan_fork(p, meta); break;
	case PERF_RECORD_EXIT:
		thread = perf_threads_find(&p->threads, meta->tid);
		if (thread)
			leave(p, thread, meta->time_ns);
		break;
	case PERF_RECORD_COMM:
		if (meta->is_exec)
			scan_exec(p, meta);
		break;
	case PERF_RECORD_LOST:
	case PERF_RECORD_LOST_SAMPLES: p->stats.lost += meta->value; break;
	case PERF_RECORD_THROTTLE: p->stats.throttled++; break;
	}
	return true;
}

/* How much of the stack was copied stands at the end of a sample. */
static uint64_t copied_bytes(const uint8_t *tail, uint32_t part_bytes)
{
	uint64_t bytes = 0;
	if (part_bytes >= sizeof(bytes))
		memcpy(&bytes, tail + part_bytes - sizeof(bytes), sizeof(bytes));
	return bytes < PERF_STACK_MAX ? bytes : PERF_STACK_MAX;
}

static void scan_ring(struct perf *p, struct perf_ring *ring)
{
	uint8_t head[PERF_HEAD_BYTES], tail[PERF_HEAD_BYTES];
	uint32_t size_bytes;
	while ((size_bytes = perf_ring_record_bytes(ring, ring->scan))) {
		uint32_t part = size_bytes < PERF_HEAD_BYTES ? size_bytes : PERF_HEAD_BYTES;
		perf_ring_copy(ring, ring->scan, head, part);
		perf_ring_copy(ring, ring->scan + size_bytes - part, tail, part);
		struct perf_meta meta = { 0 };
		if (perf_decode_meta(&p->layout, head, tail, size_bytes, &meta) &&
		    !scan_record(p, &meta))
			perf_ring_void(ring, ring->scan);
		if (meta.type == PERF_RECORD_SAMPLE)
			p->stats.kernel_cost_ns += perf_cost_of(&p->cost, copied_bytes(tail, part));
		ring->scan += size_bytes;
	}
}

void perf_scan(struct perf *p)
{
	uint64_t now_ns = monotonic_ns();
	for (uint32_t i = 0; i < p->cpu_count; i++) {
		struct perf_ring *ring = &p->rings[i];
		bool was_empty = ring->tail == ring->head;
		perf_ring_refresh(ring);
		scan_ring(p, ring);
		if (was_empty && ring->tail != ring->head)
			merge_push(&p->merge, i, perf_record_time(ring, ring->tail));
	}
	p->safe_ns = now_ns - LATENESS_NS;
}
