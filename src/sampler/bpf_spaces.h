/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_BPF_SPACES_H
#define SAMPLER_BPF_SPACES_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/map.h"
#include "base/vec.h"
#include "bpf/layout.h"

/*
 * The mappings of all processes, as the BPF programs read them. A process's list is written anew as a
 * whole; the one before is used again only after a grace period, since a walk may still read it.
 */

struct bpf_region { /* of the array of mappings */
	uint32_t first, count;
};

struct bpf_spaces {
	int spaces_fd;
	struct layout_mapping *mappings;
	struct map64 by_pid;            /* -> row of `live` */
	VEC(struct bpf_region) live;    /* row 0 unused */
	VEC(uint32_t) live_free;        /* rows of `live` */
	VEC(struct bpf_region) free;    /* sorted by `first`, neighbours joined */
	VEC(struct bpf_region) retired; /* a walk may still read them */
};

int bpf_spaces_open(struct bpf_spaces *s, int spaces_fd, int mappings_fd, struct error *err);
void bpf_spaces_close(struct bpf_spaces *s);

/**
 * Replaces what is known of a process.
 *
 * @param mappings sorted by start, without overlaps
 * @param as_of_ns all that was mapped before is in the list
 * @return 0; -ENOSPC if there is no room: its samples are then finished in user space
 */
int bpf_spaces_set(struct bpf_spaces *s, pid_t pid, const struct layout_mapping *mappings,
		   uint32_t count, uint64_t as_of_ns, struct error *err);

/** Forgets a process that has ended. */
void bpf_spaces_remove(struct bpf_spaces *s, pid_t pid);

#endif
