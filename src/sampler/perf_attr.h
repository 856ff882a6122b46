/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_PERF_ATTR_H
#define SAMPLER_PERF_ATTR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/perf_event.h>

#include "sampler/sampler.h"

/* What this kernel and these rights allow, beside the least that we need (Linux 4.8). */
struct perf_features {
	bool kernel;         /* kernel mode may be sampled */
	bool inherit_thread; /* inheritance can be limited to threads (5.13) */
};

/* The content of a sample, and who is followed. */
struct perf_shape {
	struct perf_features features;
	enum sampler_scope scope;
	bool children;            /* processes inherit too, not only threads */
	uint32_t stack_bytes;     /* multiple of 8, at most PERF_STACK_MAX */
	uint32_t watermark_bytes; /* of the ring, before a poll(2) would wake; nobody polls */
};

enum {
	PERF_STACK_MAX =
		65528, /* kernel/events/core.c: sample_stack_user is a multiple of 8 below 64 KiB */
	PERF_REGISTER_COUNT = 17,
};

/** The sampling event: one for each (thread, CPU), in wider scopes one a CPU. Starts disabled, on exec
 * enabled if wanted. */
void perf_attr_sampling(const struct perf_shape *shape, uint64_t period_ns, bool on_exec,
			struct perf_event_attr *out);

/** The event that owns a CPU's ring: it counts nothing, and lives as long as the sampler. */
void perf_attr_ring_owner(uint32_t watermark_bytes, struct perf_event_attr *out);

/**
 * An event that samples nothing, but reports what happens beside: mappings, names, forks, ends. Its
 * records have the same trailer as those of a sampling event.
 */
void perf_attr_sideband(struct perf_event_attr *out);

/**
 * An event that counts nothing and is not inherited. Beside it in a thread, the kernel does not
 * treat the thread's context and its children's as equal and swap them at a switch
 * (kernel/events/core.c, context_equiv), after which our events would serve the child and die with
 * it.
 */
void perf_attr_fence(struct perf_event_attr *out);

/** perf_event_open(2) with PERF_FLAG_FD_CLOEXEC. @return descriptor, or -1 and errno */
int perf_open(struct perf_event_attr *attr, pid_t tid, int cpu);
/** The same for the threads of a control group. */
int perf_open_cgroup(struct perf_event_attr *attr, int cgroup_fd, int cpu);

#endif
