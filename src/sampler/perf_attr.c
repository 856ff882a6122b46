// SPDX-License-Identifier: MIT
#include "sampler/perf_attr.h"

#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <asm/perf_regs.h>

/* rax to rip without flags and segments, then r8 to r15; the kernel writes them in bit order. */
static uint64_t register_mask(void)
{
	uint64_t mask = 0;
	for (unsigned bit = PERF_REG_X86_AX; bit <= PERF_REG_X86_IP; bit++)
		mask |= UINT64_C(1) << bit;
	for (unsigned bit = PERF_REG_X86_R8; bit <= PERF_REG_X86_R15; bit++)
		mask |= UINT64_C(1) << bit;
	return mask;
}

static void attr_init(struct perf_event_attr *attr, uint64_t config)
{
	memset(attr, 0, sizeof(*attr));
	attr->size = sizeof(*attr);
	attr->type = PERF_TYPE_SOFTWARE;
	attr->config = config;
	attr->use_clockid = 1;
	attr->clockid = CLOCK_MONOTONIC;
	attr->watermark = 1;
}

/*
 * Not asked for are build-ids (attr.build_id): Linux then marks the same record as carrying one for all
 * other events too (kernel/events/core.c, perf_event_mmap_output), and a `perf record` beside us dies of it.
 */
static void report_tasks(struct perf_event_attr *attr)
{
	attr->sample_id_all = 1;
	attr->mmap = 1;
	attr->mmap2 = 1;
	attr->comm = 1;
	attr->comm_exec = 1;
	attr->task = 1;
}

void perf_attr_sampling(const struct perf_shape *shape, uint64_t period_ns, bool on_exec,
			struct perf_event_attr *out)
{
	attr_init(out, PERF_COUNT_SW_CPU_CLOCK);
	out->wakeup_watermark = shape->watermark_bytes;
	out->sample_period = period_ns;
	out->sample_type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID |
			   PERF_SAMPLE_TIME | PERF_SAMPLE_STREAM_ID | PERF_SAMPLE_REGS_USER |
			   PERF_SAMPLE_STACK_USER;
	if (shape->features.kernel)
		out->sample_type |= PERF_SAMPLE_CALLCHAIN;
	out->disabled = 1;
	out->enable_on_exec = on_exec;
	out->inherit = shape->scope == SCOPE_PROCESSES &&
		       (shape->children || shape->features.inherit_thread);
	out->inherit_thread = out->inherit && !shape->children;
	out->inherit_stat = out->inherit;
	out->exclude_kernel = !shape->features.kernel;
	out->exclude_hv = 1;
	out->exclude_idle = shape->scope == SCOPE_SYSTEM;
	out->exclude_callchain_user = 1;
	report_tasks(out);
	out->sample_regs_user = register_mask();
	out->sample_stack_user = shape->stack_bytes;
}

void perf_attr_ring_owner(uint32_t watermark_bytes, struct perf_event_attr *out)
{
	attr_init(out, PERF_COUNT_SW_DUMMY);
	out->wakeup_watermark = watermark_bytes;
	out->exclude_kernel = 1;
	out->exclude_hv = 1;
}

void perf_attr_sideband(struct perf_event_attr *out)
{
	attr_init(out, PERF_COUNT_SW_DUMMY);
	out->wakeup_watermark = UINT32_MAX;
	out->sample_type =
		PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_STREAM_ID;
	report_tasks(out);
}

void perf_attr_fence(struct perf_event_attr *out)
{
	attr_init(out, PERF_COUNT_SW_DUMMY);
	out->watermark = 0;
	out->disabled = 1;
	out->exclude_kernel = 1;
	out->exclude_hv = 1;
}

int perf_open(struct perf_event_attr *attr, pid_t tid, int cpu)
{
	return (int)syscall(SYS_perf_event_open, attr, tid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

int perf_open_cgroup(struct perf_event_attr *attr, int cgroup_fd, int cpu)
{
	unsigned long flags = PERF_FLAG_FD_CLOEXEC | PERF_FLAG_PID_CGROUP;
	return (int)syscall(SYS_perf_event_open, attr, cgroup_fd, cpu, -1, flags);
}
