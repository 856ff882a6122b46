/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_PERF_FAMILIES_H
#define SAMPLER_PERF_FAMILIES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/map.h"
#include "base/vec.h"
#include "sampler/jitter.h"
#include "sampler/perf_attr.h"
#include "sampler/perf_ring.h"

/*
 * A family is what we open for one thread: an event on each CPU, and all copies of them that the
 * thread's descendants inherit. Closing it ends the copies too. Family 0 is none.
 */
enum perf_family_state { FAMILY_FREE, FAMILY_OPEN, FAMILY_CLOSED };

struct perf_family {
	enum perf_family_state state;
	bool on_exec;
	bool branched; /* copies of it exist or existed */
	pid_t pid, tid;
	int fence_fd;  /* see perf_attr_fence(); valid while FAMILY_OPEN, -1 in wider scopes */
	bool ended;    /* the thread that it was opened for has ended */
	bool disowned; /* threads with copies of it got events of their own */
	uint64_t cpu_before_ns; /* of the thread in the window, until this family was opened */
	uint64_t copies_ns;     /* counted by copies that have ended */
	uint64_t own_samples;   /* not those of copies */
	uint32_t owned;         /* threads whose samples come from here, by the latest assignment */
	uint64_t idle_ns;       /* since when `owned` is 0; 0: it is not */
	uint64_t closed_ns;
};

struct perf_sampling_event {
	int fd;
	uint64_t id;
	uint32_t family;
	bool dirty; /* in the list of those that delivered since their last change */
	struct jitter_event jitter;
};

struct perf_families {
	const struct perf_shape *shape; /* borrowed */
	const struct perf_ring *rings;  /* borrowed */
	uint32_t cpu_count;
	VEC(struct perf_family) family;
	VEC(struct perf_sampling_event) event; /* family f has events f * cpu_count ... */
	struct map64 by_id;                    /* event id -> index in `event` */
	uint32_t open_count;
};

/** @return 0 or -ENOMEM */
int perf_families_init(struct perf_families *f, const struct perf_shape *shape,
		       const struct perf_ring *rings, uint32_t cpu_count);
void perf_families_deinit(struct perf_families *f);

/**
 * Opens a family, disabled.
 *
 * @param tid in wider scopes -1 for all threads, or the descriptor of a control group's folder
 * @return its number; negative errno (-ESRCH when the thread is gone)
 */
int perf_family_open(struct perf_families *f, struct jitter *jitter, pid_t pid, pid_t tid,
		     bool on_exec);

int perf_family_enable(struct perf_families *f, uint32_t family);
void perf_family_disable(struct perf_families *f, uint32_t family);

/** Closes the events; the family's samples up to `now_ns` are still known by it. */
void perf_family_close(struct perf_families *f, uint32_t family, uint64_t now_ns);

/** Forgets closed families all of whose samples are out. */
void perf_families_reap(struct perf_families *f, uint64_t drained_until_ns);

/** @return the event with this id, or NULL */
static inline struct perf_sampling_event *perf_families_event(struct perf_families *f, uint64_t id)
{
	uint32_t row = map64_get(&f->by_id, id);
	return row ? &f->event.at[row] : NULL;
}

static inline struct perf_sampling_event *perf_family_events(struct perf_families *f,
							     uint32_t family)
{
	return &f->event.at[(size_t)family * f->cpu_count];
}

#endif
