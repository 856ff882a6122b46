// SPDX-License-Identifier: MIT
#include "profile/pprof_put.h"

uint64_t pprof_period_ns(uint32_t rate_hz)
{
	return rate_hz ? (UINT64_C(1000000000) + rate_hz / 2) / rate_hz : 0;
}

/* In the order of profile_fact_text(). */
void pprof_put_inner_pid(struct pprof_put *w, uint32_t pid, uint32_t inner)
{
	if (!inner)
		return;
	protobuf_put_varint(&w->part, pid);
	protobuf_put_varint(&w->part, inner);
}

void pprof_put_fact(struct pprof_put *w, unsigned which, const char *text)
{
	static const uint32_t fields[] = {
		CAPTURE_COMMAND, CAPTURE_BACKEND, CAPTURE_UNWIND,    CAPTURE_EVENT,
		CAPTURE_HOST,    CAPTURE_KERNEL,  CAPTURE_SELECTION,
	};
	protobuf_put_text(&w->message, fields[which], text);
}

void pprof_put_numbers(struct pprof_put *w, const struct profile_meta *m)
{
	struct strbuf *out = &w->message;
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
	protobuf_put_uint(out, CAPTURE_PROFILER_KERNEL_NS, m->profiler_kernel_ns);
	protobuf_put_uint(out, CAPTURE_PROFILER_WRITTEN_BYTES, m->profiler_written_bytes);
	protobuf_put_uint(out, CAPTURE_WANTED_RATE_HZ, m->wanted_rate_hz);
	protobuf_put_uint(out, CAPTURE_CHECKED_RETURNS, m->checked_returns);
	protobuf_put_uint(out, CAPTURE_WRONG_RETURNS, m->wrong_returns);
	protobuf_put_uint(out, CAPTURE_SAMPLES_BEFORE, m->samples_before);
}
