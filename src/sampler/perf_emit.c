// SPDX-License-Identifier: MIT
#include "sampler/perf.h"

uint64_t perf_record_time(const struct perf_ring *ring, uint64_t position)
{
	/* A sample has its time behind IDENTIFIER, IP and TID; all others in front of the last 16
	 * bytes. */
	enum { SAMPLE_TIME_AT = 32, TRAILER_TIME_FROM_END = 24 };
	struct perf_event_header header;
	perf_ring_copy(ring, position, &header, sizeof(header));
	uint64_t time_ns = 0;
	if (header.type == PERF_RECORD_SAMPLE && header.size >= SAMPLE_TIME_AT + sizeof(time_ns))
		perf_ring_copy(ring, position + SAMPLE_TIME_AT, &time_ns, sizeof(time_ns));
	else if (header.size >= TRAILER_TIME_FROM_END + sizeof(header))
		perf_ring_copy(ring, position + header.size - TRAILER_TIME_FROM_END, &time_ns,
			       sizeof(time_ns));
	return time_ns;
}

/* While families overlap each moment of a thread belongs to one of them. */
static bool counts(struct perf *p, const struct perf_meta *meta)
{
	const struct perf_sampling_event *event = perf_families_event(&p->families, meta->id);
	const struct perf_thread *thread = perf_threads_find(&p->threads, meta->tid);
	if (perf_is_wide(p))
		return event;
	return event && thread && perf_thread_owner(thread, meta->time_ns) == event->family;
}

/* Decodes the record at the head of the earliest ring. @return false if nobody shall see it */
static bool decode(struct perf *p, const uint8_t *bytes, uint32_t size_bytes)
{
	uint32_t part = size_bytes < PERF_HEAD_BYTES ? size_bytes : PERF_HEAD_BYTES;
	struct perf_meta meta;
	if (!perf_decode_meta(&p->layout, bytes, bytes + size_bytes - part, size_bytes, &meta))
		return false;
	if (meta.type == PERF_RECORD_SAMPLE && !counts(p, &meta))
		return false;
	if (!perf_decode(&p->layout, bytes, size_bytes, NULL, &p->record))
		return false;
	if (p->record.kind == RECORD_SAMPLE) {
		p->stats.samples++;
		p->stats.fixed_period_samples += p->record.sample.fixed_period;
	}
	return p->record.kind != RECORD_NONE;
}

static void advance(struct perf *p, uint32_t source, uint32_t size_bytes)
{
	struct perf_ring *ring = &p->rings[source];
	perf_ring_release(ring, ring->tail + size_bytes);
	if (perf_ring_record_bytes(ring, ring->tail)) {
		merge_advance(&p->merge, perf_record_time(ring, ring->tail));
		return;
	}
	if (ring->tail != ring->head) { /* damaged: nothing behind it can be trusted */
		ring->scan = ring->head;
		perf_ring_release(ring, ring->head);
	}
	merge_pop(&p->merge);
}

static bool emit_cpu_time(struct perf *p)
{
	if (p->cpu_times_at == p->cpu_times.count) {
		p->cpu_times_at = p->cpu_times.count = 0;
		return false;
	}
	const struct perf_cpu_time *cpu = &p->cpu_times.at[p->cpu_times_at];
	p->record = (struct record){ .kind = RECORD_CPU,
				     .time_ns = p->emitted_ns,
				     .pid = cpu->pid,
				     .tid = cpu->tid,
				     .cpu = { cpu->cpu_ns } };
	p->shown = true;
	p->shown_bytes = 0;
	return true;
}

bool perf_emit(struct perf *p, const struct record **out)
{
	*out = &p->record;
	if (p->shown)
		return true;
	for (;;) {
		const struct merge_entry *top = merge_top(&p->merge);
		if (!top || top->time_ns >= p->safe_ns)
			return emit_cpu_time(p);
		struct perf_ring *ring = &p->rings[top->source];
		uint32_t size_bytes = perf_ring_record_bytes(ring, ring->tail);
		p->shown_ring = top->source;
		p->shown_bytes = size_bytes;
		p->emitted_ns = top->time_ns;
		const uint8_t *bytes = perf_ring_record(ring, ring->tail, size_bytes, p->scratch);
		if (!perf_ring_is_void(ring) && decode(p, bytes, size_bytes)) {
			p->shown = true;
			return true;
		}
		advance(p, top->source, size_bytes);
	}
}

void perf_emit_consume(struct perf *p)
{
	if (!p->shown)
		return;
	p->shown = false;
	if (!p->shown_bytes) {
		p->cpu_times_at++;
		return;
	}
	if (p->record.kind == RECORD_EXIT && !perf_is_wide(p)) {
		const struct perf_thread *thread = perf_threads_find(&p->threads, p->record.tid);
		if (thread && thread->exited)
			perf_threads_remove(&p->threads, p->record.tid);
	}
	advance(p, p->shown_ring, p->shown_bytes);
}
