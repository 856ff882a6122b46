// SPDX-License-Identifier: MIT
#include "perfprof.h"

#include "lib/lib.h"

string_id *lib_text_fact(struct profile_meta *m, enum perfprof_text_fact fact)
{
	switch (fact) {
	case PERFPROF_TEXT_COMMAND: return &m->command;
	case PERFPROF_TEXT_BACKEND: return &m->backend;
	case PERFPROF_TEXT_UNWIND: return &m->unwind;
	case PERFPROF_TEXT_EVENT: return &m->event;
	case PERFPROF_TEXT_HOST: return &m->host;
	case PERFPROF_TEXT_KERNEL: return &m->kernel;
	default: return NULL;
	}
}

uint64_t *lib_wide_fact(struct profile_meta *m, enum perfprof_number_fact fact)
{
	switch (fact) {
	case PERFPROF_NUMBER_START_UNIX_NS: return &m->start_unix_ns;
	case PERFPROF_NUMBER_DURATION_NS: return &m->duration_ns;
	case PERFPROF_NUMBER_LOST_SAMPLES: return &m->lost_samples;
	case PERFPROF_NUMBER_THROTTLED: return &m->throttled;
	case PERFPROF_NUMBER_FIXED_PERIOD_SAMPLES: return &m->fixed_period_samples;
	case PERFPROF_NUMBER_PROFILER_CPU_NS: return &m->profiler_cpu_ns;
	case PERFPROF_NUMBER_PROFILER_KERNEL_NS: return &m->profiler_kernel_ns;
	case PERFPROF_NUMBER_PROFILER_WRITTEN_BYTES: return &m->profiler_written_bytes;
	case PERFPROF_NUMBER_UNSAMPLED_CPU_NS: return &m->unsampled_cpu_ns;
	case PERFPROF_NUMBER_UNSAMPLED_KERNEL_NS: return &m->unsampled_kernel_ns;
	default: return NULL;
	}
}

uint32_t *lib_narrow_fact(struct profile_meta *m, enum perfprof_number_fact fact)
{
	switch (fact) {
	case PERFPROF_NUMBER_CPUS: return &m->cpus;
	case PERFPROF_NUMBER_RATE_HZ: return &m->rate_hz;
	case PERFPROF_NUMBER_WANTED_RATE_HZ: return &m->wanted_rate_hz;
	default: return NULL;
	}
}

bool *lib_flag_fact(struct profile_meta *m, enum perfprof_number_fact fact)
{
	switch (fact) {
	case PERFPROF_NUMBER_KERNEL_SAMPLED: return &m->kernel_sampled;
	case PERFPROF_NUMBER_FOREIGN: return &m->foreign;
	default: return NULL;
	}
}

const char *perfprof_fact_text(const struct perfprof_profile *p, enum perfprof_text_fact fact)
{
	const string_id *text = lib_text_fact(&p->model->meta, fact);
	return text ? profile_string(p->model, *text) : "";
}

uint64_t perfprof_fact_number(const struct perfprof_profile *p, enum perfprof_number_fact fact)
{
	struct profile_meta *m = &p->model->meta;
	const uint64_t *wide = lib_wide_fact(m, fact);
	const uint32_t *narrow = lib_narrow_fact(m, fact);
	const bool *flag = lib_flag_fact(m, fact);
	return wide ? *wide : narrow ? *narrow : flag ? *flag : 0;
}

uint64_t perfprof_total_samples(const struct perfprof_profile *p)
{
	return profile_total_count(p->model);
}

uint64_t perfprof_total_cpu_ns(const struct perfprof_profile *p)
{
	return profile_total_cpu_ns(p->model);
}

size_t perfprof_pid_count(const struct perfprof_profile *p)
{
	return p->model->meta.pid_count;
}

uint32_t perfprof_pid(const struct perfprof_profile *p, size_t index)
{
	return index < perfprof_pid_count(p) ? p->model->meta.pids[index] : 0;
}

size_t perfprof_note_count(const struct perfprof_profile *p)
{
	return p->model->meta.note_count;
}

const char *perfprof_note(const struct perfprof_profile *p, size_t index)
{
	return index < perfprof_note_count(p)
		       ? profile_string(p->model, p->model->meta.notes[index])
		       : "";
}

size_t perfprof_reason_count(const struct perfprof_profile *p)
{
	return p->model->meta.reason_count;
}

static struct profile_reason reason_at(const struct perfprof_profile *p, size_t index)
{
	if (index >= perfprof_reason_count(p))
		return (struct profile_reason){ 0 };
	return p->model->meta.reasons[index];
}

const char *perfprof_reason_id(const struct perfprof_profile *p, size_t index)
{
	return profile_string(p->model, reason_at(p, index).id);
}

const char *perfprof_reason_sentence(const struct perfprof_profile *p, size_t index)
{
	return profile_string(p->model, reason_at(p, index).sentence);
}

uint64_t perfprof_reason_samples(const struct perfprof_profile *p, size_t index)
{
	return reason_at(p, index).samples;
}
