// SPDX-License-Identifier: MIT
#include "sampler/bpf.h"

#include <string.h>

static void decode_sample(struct bpf *b, const struct wire_sample *w)
{
	const uint64_t *pcs = (const uint64_t *)(const void *)(w + 1);
	struct record_sample *s = &b->record.sample;
	b->record.kind = RECORD_SAMPLE;
	s->pc = w->pc;
	s->in_kernel = w->flags & WIRE_IN_KERNEL;
	s->abi_32bit = w->flags & WIRE_32BIT;
	s->has_registers = w->flags & WIRE_HAS_USER;
	memcpy(s->registers, w->registers, sizeof(s->registers));
	s->kernel_pcs = pcs;
	s->kernel_pc_count = w->kernel_count;
	s->user_half = USER_HALF_WALKED;
	s->walked_pcs = pcs + w->kernel_count;
	s->walked_count = w->user_count;
	s->walked_whole = w->flags & WIRE_WHOLE;
	s->walk_in_doubt = w->flags & WIRE_IN_DOUBT;
	s->is_caller = w->flags & WIRE_IS_CALLER;
	s->mappings_as_of_ns = w->mappings_as_of;
	s->stack = (const uint8_t *)(pcs + w->kernel_count + w->user_count);
	s->stack_size_bytes = w->stack_bytes;
	s->stack_copy_full = w->flags & WIRE_STACK_FULL;
	b->stats.samples++;
}

/* @return false if the record is for us alone */
static bool decode(struct bpf *b, const struct wire_head *head)
{
	const struct wire_task *task = (const void *)head;
	memset(&b->record, 0, sizeof(b->record));
	b->record.time_ns = head->time_ns;
	b->record.pid = head->pid;
	b->record.tid = head->tid;
	switch (head->kind) {
	case WIRE_SAMPLE: decode_sample(b, (const void *)head); return true;
	case WIRE_EXIT:
		b->record.kind = RECORD_CPU;
		b->record.cpu.cpu_ns = bpf_targets_end(b, head->tid, task->cpu_ns, head->time_ns);
		return b->record.cpu.cpu_ns > 0;
	default:
		bpf_targets_base(b, head->pid, head->tid, task->cpu_ns, head->time_ns);
		return false;
	}
}

static uint64_t lost_count(const struct bpf *b)
{
	uint64_t lost = 0;
	for (uint32_t i = 0; i < b->counter_count; i++)
		lost += __atomic_load_n(&b->counters[i].lost, __ATOMIC_RELAXED);
	return lost;
}

static bool emit_lost(struct bpf *b)
{
	uint64_t lost = lost_count(b);
	if (lost == b->lost_seen)
		return false;
	b->record = (struct record){ .kind = RECORD_LOST,
				     .time_ns = b->emitted_ns,
				     .lost = { lost - b->lost_seen } };
	b->lost_seen = lost;
	b->shown = SHOWN_LOST;
	return true;
}

static bool emit_ended(struct bpf *b)
{
	if (b->ended_at == b->ended.count)
		return false;
	const struct bpf_thread_time *t = &b->ended.at[b->ended_at];
	b->record = (struct record){ .kind = RECORD_CPU,
				     .time_ns = b->emitted_ns,
				     .pid = t->pid,
				     .tid = t->tid,
				     .cpu = { t->base_ns } };
	b->shown = SHOWN_ENDED;
	return true;
}

bool bpf_emit(struct bpf *b, const struct record **out)
{
	*out = &b->record;
	while (b->shown == SHOWN_NOTHING) {
		const struct wire_head *head = bpf_ring_peek(&b->ring);
		uint64_t ring_ns = head ? head->time_ns : UINT64_MAX;
		uint64_t sideband_ns = bpf_sideband_time(b);
		uint64_t time_ns = ring_ns < sideband_ns ? ring_ns : sideband_ns;
		if (time_ns >= b->safe_ns)
			return emit_lost(b) || emit_ended(b);
		b->emitted_ns = time_ns;
		if (sideband_ns <= ring_ns) {
			b->shown = SHOWN_SIDEBAND;
			if (!bpf_sideband_decode(b))
				bpf_emit_consume(b);
		} else {
			b->shown = SHOWN_RING;
			if (!decode(b, head))
				bpf_emit_consume(b);
		}
	}
	return true;
}

void bpf_emit_consume(struct bpf *b)
{
	switch (b->shown) {
	case SHOWN_RING: bpf_ring_consume(&b->ring); break;
	case SHOWN_SIDEBAND: bpf_sideband_consume(b); break;
	case SHOWN_ENDED: b->ended_at++; break;
	case SHOWN_LOST:
	case SHOWN_NOTHING: break;
	}
	b->shown = SHOWN_NOTHING;
}
