// SPDX-License-Identifier: MIT
#include "perfprof.h"

#include "lib/lib.h"

/*
 * Rows by id. A row that is not there is row 0, whose fields are all zero; only samples and lines
 * have no such row.
 */

static uint32_t rows_behind_zero(size_t count)
{
	return count ? (uint32_t)(count - 1) : 0;
}

/* Samples. */

size_t perfprof_sample_count(const struct perfprof_profile *p)
{
	return p->model->sample_count;
}

static struct profile_sample sample_at(const struct perfprof_profile *p, size_t index)
{
	if (index >= p->model->sample_count)
		return (struct profile_sample){ 0 };
	return p->model->samples[index];
}

uint32_t perfprof_sample_stack(const struct perfprof_profile *p, size_t index)
{
	return sample_at(p, index).stack.v;
}

uint32_t perfprof_sample_thread(const struct perfprof_profile *p, size_t index)
{
	return sample_at(p, index).thread.v;
}

uint64_t perfprof_sample_samples(const struct perfprof_profile *p, size_t index)
{
	return sample_at(p, index).count;
}

uint64_t perfprof_sample_cpu_ns(const struct perfprof_profile *p, size_t index)
{
	return sample_at(p, index).cpu_ns;
}

const char *perfprof_sample_truncated(const struct perfprof_profile *p, size_t index)
{
	return profile_string(p->model, sample_at(p, index).truncated);
}

/* Times. */

size_t perfprof_time_count(const struct perfprof_profile *p)
{
	return p->model->time_count;
}

static struct profile_time time_at(const struct perfprof_profile *p, size_t index)
{
	if (index >= p->model->time_count)
		return (struct profile_time){ 0 };
	return p->model->times[index];
}

uint64_t perfprof_time_ns(const struct perfprof_profile *p, size_t index)
{
	return time_at(p, index).time_ns;
}

size_t perfprof_time_sample(const struct perfprof_profile *p, size_t index)
{
	return time_at(p, index).sample;
}

uint64_t perfprof_time_samples(const struct perfprof_profile *p, size_t index)
{
	return time_at(p, index).count;
}

uint64_t perfprof_time_cell_ns(const struct perfprof_profile *p)
{
	return p->model->time_cell_ns;
}

/* Threads. */

uint32_t perfprof_thread_count(const struct perfprof_profile *p)
{
	return rows_behind_zero(p->model->thread_count);
}

static struct profile_thread thread_at(const struct perfprof_profile *p, uint32_t thread)
{
	if (thread >= p->model->thread_count)
		return (struct profile_thread){ 0 };
	return p->model->threads[thread];
}

uint32_t perfprof_thread_pid(const struct perfprof_profile *p, uint32_t thread)
{
	return thread_at(p, thread).pid;
}

uint32_t perfprof_thread_tid(const struct perfprof_profile *p, uint32_t thread)
{
	return thread_at(p, thread).tid;
}

const char *perfprof_thread_comm(const struct perfprof_profile *p, uint32_t thread)
{
	return profile_string(p->model, thread_at(p, thread).comm);
}

/* Stacks. */

uint32_t perfprof_stack_count(const struct perfprof_profile *p)
{
	return rows_behind_zero(p->model->stack_count);
}

uint32_t perfprof_stack_parent(const struct perfprof_profile *p, uint32_t stack)
{
	return stack < p->model->stack_count ? p->model->stack_parent[stack].v : 0;
}

uint32_t perfprof_stack_frame(const struct perfprof_profile *p, uint32_t stack)
{
	return stack < p->model->stack_count ? p->model->stack_frame[stack].v : 0;
}

/* Frames. */

uint32_t perfprof_frame_count(const struct perfprof_profile *p)
{
	return rows_behind_zero(p->model->frame_count);
}

static struct profile_frame frame_at(const struct perfprof_profile *p, uint32_t frame)
{
	if (frame >= p->model->frame_count)
		return (struct profile_frame){ 0 };
	return p->model->frames[frame];
}

static struct profile_line line_at(const struct perfprof_profile *p, uint32_t frame, uint32_t index)
{
	struct profile_frame f = frame_at(p, frame);
	if (index >= f.line_count)
		return (struct profile_line){ 0 };
	return p->model->lines[f.first_line + index];
}

enum perfprof_kind perfprof_frame_kind(const struct perfprof_profile *p, uint32_t frame)
{
	switch (frame_at(p, frame).kind) {
	case FRAME_KERNEL: return PERFPROF_FRAME_KERNEL;
	case FRAME_JIT: return PERFPROF_FRAME_JIT;
	case FRAME_TRUNCATED: return PERFPROF_FRAME_TRUNCATED;
	default: return PERFPROF_FRAME_USER;
	}
}

uint32_t perfprof_frame_module(const struct perfprof_profile *p, uint32_t frame)
{
	return frame_at(p, frame).module.v;
}

uint64_t perfprof_frame_vaddr(const struct perfprof_profile *p, uint32_t frame)
{
	return frame_at(p, frame).vaddr;
}

uint32_t perfprof_frame_line_count(const struct perfprof_profile *p, uint32_t frame)
{
	return frame_at(p, frame).line_count;
}

uint32_t perfprof_frame_function(const struct perfprof_profile *p, uint32_t frame, uint32_t index)
{
	return line_at(p, frame, index).function.v;
}

uint32_t perfprof_frame_line(const struct perfprof_profile *p, uint32_t frame, uint32_t index)
{
	return line_at(p, frame, index).line;
}

/* Functions. */

uint32_t perfprof_function_count(const struct perfprof_profile *p)
{
	return rows_behind_zero(p->model->function_count);
}

static struct profile_function function_at(const struct perfprof_profile *p, uint32_t function)
{
	if (function >= p->model->function_count)
		return (struct profile_function){ 0 };
	return p->model->functions[function];
}

const char *perfprof_function_name(const struct perfprof_profile *p, uint32_t function)
{
	return profile_string(p->model, function_at(p, function).name);
}

const char *perfprof_function_system_name(const struct perfprof_profile *p, uint32_t function)
{
	return profile_string(p->model, function_at(p, function).system_name);
}

const char *perfprof_function_file(const struct perfprof_profile *p, uint32_t function)
{
	return profile_string(p->model, function_at(p, function).file);
}

uint32_t perfprof_function_start_line(const struct perfprof_profile *p, uint32_t function)
{
	return function_at(p, function).start_line;
}

int perfprof_function_is_unnamed(const struct perfprof_profile *p, uint32_t function)
{
	return function_at(p, function).unnamed;
}

/* Modules. */

uint32_t perfprof_module_count(const struct perfprof_profile *p)
{
	return rows_behind_zero(p->model->module_count);
}

static struct profile_module module_at(const struct perfprof_profile *p, uint32_t module)
{
	if (module >= p->model->module_count)
		return (struct profile_module){ 0 };
	return p->model->modules[module];
}

const char *perfprof_module_path(const struct perfprof_profile *p, uint32_t module)
{
	return profile_string(p->model, module_at(p, module).path);
}

const char *perfprof_module_build_id(const struct perfprof_profile *p, uint32_t module)
{
	return profile_string(p->model, module_at(p, module).build_id);
}

uint64_t perfprof_module_start_vaddr(const struct perfprof_profile *p, uint32_t module)
{
	return module_at(p, module).start_vaddr;
}

uint64_t perfprof_module_limit_vaddr(const struct perfprof_profile *p, uint32_t module)
{
	return module_at(p, module).limit_vaddr;
}

uint64_t perfprof_module_file_off(const struct perfprof_profile *p, uint32_t module)
{
	return module_at(p, module).file_off;
}

int perfprof_module_is_deleted(const struct perfprof_profile *p, uint32_t module)
{
	return module_at(p, module).deleted;
}
