// SPDX-License-Identifier: MIT
#include "sampler/perf_families.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"

static bool append_family(struct perf_families *f)
{
	if (!vec_push(&f->family, (struct perf_family){ 0 }))
		return false;
	if (!vec_reserve(&f->event, f->family.count * f->cpu_count)) {
		f->family.count--;
		return false;
	}
	while (f->event.count < f->family.count * f->cpu_count)
		f->event.at[f->event.count++] = (struct perf_sampling_event){ .fd = -1 };
	return true;
}

int perf_families_init(struct perf_families *f, const struct perf_shape *shape,
		       const struct perf_ring *rings, uint32_t cpu_count)
{
	memset(f, 0, sizeof(*f));
	f->shape = shape;
	f->rings = rings;
	f->cpu_count = cpu_count;
	return append_family(f) ? 0 : -ENOMEM;
}

static void forget_events(struct perf_families *f, uint32_t family)
{
	struct perf_sampling_event *events = perf_family_events(f, family);
	for (uint32_t i = 0; i < f->cpu_count; i++) {
		if (events[i].fd >= 0)
			close(events[i].fd);
		if (events[i].id)
			map64_remove(&f->by_id, events[i].id);
		bool dirty = events[i].dirty; /* its place in the list of dirty ones stays taken */
		events[i] = (struct perf_sampling_event){ .fd = -1, .dirty = dirty };
	}
}

void perf_families_deinit(struct perf_families *f)
{
	for (uint32_t i = 0; i < f->family.count; i++) {
		if (f->family.at[i].state == FAMILY_OPEN)
			cleanup_close(&f->family.at[i].fence_fd);
		forget_events(f, i);
	}
	vec_free(&f->family);
	vec_free(&f->event);
	map64_deinit(&f->by_id);
}

static uint32_t free_family(struct perf_families *f)
{
	for (uint32_t i = 1; i < f->family.count; i++)
		if (f->family.at[i].state == FAMILY_FREE)
			return i;
	return append_family(f) ? (uint32_t)f->family.count - 1 : 0;
}

static int open_event(struct perf_families *f, struct jitter *jitter, uint32_t index, pid_t tid,
		      bool on_exec)
{
	struct perf_sampling_event *event = &f->event.at[index];
	const struct perf_ring *ring = &f->rings[index % f->cpu_count];
	struct perf_event_attr attr;
	perf_attr_sampling(f->shape, jitter_begin(jitter, &event->jitter), on_exec, &attr);
	event->family = index / f->cpu_count;
	event->fd = f->shape->scope == SCOPE_CGROUP ? perf_open_cgroup(&attr, tid, ring->cpu)
						    : perf_open(&attr, tid, ring->cpu);
	if (event->fd < 0)
		return -errno;
	if (ioctl(event->fd, PERF_EVENT_IOC_ID, &event->id) < 0 ||
	    ioctl(event->fd, PERF_EVENT_IOC_SET_OUTPUT, ring->fd) < 0)
		return -errno;
	return map64_put(&f->by_id, event->id, index) ? 0 : -ENOMEM;
}

int perf_family_open(struct perf_families *f, struct jitter *jitter, pid_t pid, pid_t tid,
		     bool on_exec)
{
	uint32_t family = free_family(f);
	if (!family)
		return -ENOMEM;
	struct perf_event_attr fence;
	perf_attr_fence(&fence);
	bool fenced = f->shape->scope == SCOPE_PROCESSES;
	_cleanup_close_ int fence_fd = fenced ? perf_open(&fence, tid, -1) : -1;
	if (fenced && fence_fd < 0)
		return -errno;
	for (uint32_t i = 0; i < f->cpu_count; i++) {
		int r = open_event(f, jitter, family * f->cpu_count + i, tid, on_exec);
		if (r < 0) {
			forget_events(f, family);
			return r;
		}
	}
	f->family.at[family] = (struct perf_family){ .state = FAMILY_OPEN,
						     .on_exec = on_exec,
						     .pid = pid,
						     .tid = tid,
						     .fence_fd = take_fd(&fence_fd) };
	f->open_count++;
	return (int)family;
}

static int control(struct perf_families *f, uint32_t family, unsigned long request)
{
	const struct perf_sampling_event *events = perf_family_events(f, family);
	for (uint32_t i = 0; i < f->cpu_count; i++)
		if (events[i].fd >= 0 && ioctl(events[i].fd, request, 0) < 0)
			return -errno;
	return 0;
}

int perf_family_enable(struct perf_families *f, uint32_t family)
{
	return control(f, family, PERF_EVENT_IOC_ENABLE);
}

void perf_family_disable(struct perf_families *f, uint32_t family)
{
	control(f, family, PERF_EVENT_IOC_DISABLE);
}

void perf_family_close(struct perf_families *f, uint32_t family, uint64_t now_ns)
{
	struct perf_sampling_event *events = perf_family_events(f, family);
	for (uint32_t i = 0; i < f->cpu_count; i++) {
		if (events[i].fd >= 0)
			close(events[i].fd);
		events[i].fd = -1;
	}
	cleanup_close(&f->family.at[family].fence_fd);
	f->family.at[family].state = FAMILY_CLOSED;
	f->family.at[family].closed_ns = now_ns;
	f->open_count--;
}

void perf_families_reap(struct perf_families *f, uint64_t drained_until_ns)
{
	for (uint32_t i = 1; i < f->family.count; i++) {
		struct perf_family *family = &f->family.at[i];
		if (family->state != FAMILY_CLOSED || family->closed_ns >= drained_until_ns)
			continue;
		forget_events(f, i);
		*family = (struct perf_family){ .state = FAMILY_FREE };
	}
}
