/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_BPF_H
#define SAMPLER_BPF_H

#include "base/map.h"
#include "base/vec.h"
#include "record/merge.h"
#include "sampler/bpf_ring.h"
#include "sampler/bpf_spaces.h"
#include "sampler/bpf_store.h"
#include "sampler/jitter.h"
#include "sampler/perf_layout.h"
#include "sampler/perf_ring.h"
#include "sampler/sampler.h"

#include "bpf/sample.skel.h"

/* A CPU's clock and what ticks on it. */
struct bpf_clock {
	int fd, cpu;
	struct bpf_link *link;
	struct jitter_event jitter;
	uint64_t samples; /* of the counters, at the last look */
	uint64_t busy_ns; /* when they had grown last */
};

struct bpf_thread_time {
	pid_t pid, tid;
	uint64_t base_ns; /* CPU time before the window */
	uint64_t exec_ns; /* when it began its image, if that is in the window */
};

enum bpf_shown { SHOWN_NOTHING, SHOWN_RING, SHOWN_SIDEBAND, SHOWN_LOST, SHOWN_ENDED };

/*
 * The inside of sampler_bpf, shared by its files:
 *	bpf.c            the ops
 *	bpf_programs.c   loads the programs and hangs them onto clocks and tracepoints
 *	bpf_clocks.c     one clock a CPU, and its periods
 *	bpf_ring.c       the programs' records
 *	bpf_sideband.c   perf's records of mappings, names, forks and ends
 *	bpf_emit.c       both in the order of time, as records
 *	bpf_targets.c    who is followed, and the CPU time of their threads
 *	bpf_store.c      unwind rows
 *	bpf_spaces.c     mappings
 */
struct bpf {
	struct sampler base;
	struct sampler_config config;
	struct sampler_stats stats;
	struct sample_bpf *programs;
	struct bpf_ring ring;
	struct bpf_store store;
	struct bpf_spaces spaces;
	const struct layout_cpu *counters; /* by CPU number */
	uint32_t counter_count;
	uint64_t lost_seen;

	int *cpus;
	uint32_t cpu_count;
	struct bpf_clock *clocks;
	struct jitter jitter;
	bool disarmed;

	struct perf_ring *sideband;
	int *sideband_fds;
	struct perf_layout sideband_layout;
	struct merge merge;
	uint8_t *scratch;

	struct map64 followed; /* pid -> 1 */
	struct map64 thread_by_tid;
	VEC(struct bpf_thread_time) threads; /* row 0 unused */
	VEC(struct bpf_thread_time)
	ended; /* base_ns: what they ran; to be shown, from ended_at on */
	size_t ended_at;
	struct map64 taken; /* tids in `ended` that may be in /proc still */

	uint64_t safe_ns, emitted_ns;
	enum bpf_shown shown;
	struct record record;
};

/** Loads the programs with the settings of `b->config`. @return 0; negative errno, `err` names the lack */
int bpf_programs_load(struct bpf *b, struct error *err);
/** From now on ticks of those who are followed are samples. */
void bpf_programs_arm(struct bpf *b);
void bpf_programs_unload(struct bpf *b);

int bpf_clocks_open(struct bpf *b, struct error *err);
/** The window begins. They should have ticked for some milliseconds before, so that their phases are random. */
void bpf_clocks_arm(struct bpf *b);
/** Changes the periods that are due. @return when it wants to be called next */
uint64_t bpf_clocks_change(struct bpf *b, uint64_t now_ns);
void bpf_clocks_stop(struct bpf *b);
void bpf_clocks_close(struct bpf *b);

int bpf_sideband_open(struct bpf *b, struct error *err);
void bpf_sideband_scan(struct bpf *b);
/** @return the time of the earliest record, UINT64_MAX if there is none */
uint64_t bpf_sideband_time(const struct bpf *b);
/** Decodes it into b->record. @return false if it is of no interest */
bool bpf_sideband_decode(struct bpf *b);
void bpf_sideband_consume(struct bpf *b);
void bpf_sideband_close(struct bpf *b);

int bpf_targets_follow(struct bpf *b, pid_t pid, uint32_t state, struct error *err);
/** The window begins: notes the CPU time that lies before it. */
void bpf_targets_begin(struct bpf *b);
/** Keeps the list of those that are followed. @return false if the record is about somebody else */
bool bpf_targets_concern(struct bpf *b, const struct record *r);
/** A thread began to count with this much CPU time behind it. @param exec_ns 0 if it runs on */
void bpf_targets_base(struct bpf *b, pid_t pid, pid_t tid, uint64_t cpu_ns, uint64_t exec_ns);
/**
 * @param end_ns when it ended; 0: the scheduler's figure is up to date
 * @return CPU time of a thread inside the window
 */
uint64_t bpf_targets_end(struct bpf *b, pid_t tid, uint64_t cpu_ns, uint64_t end_ns);
/**
 * The window has ended: gives threads that have just ended the time to be freed, so that on_free tells what they
 * used, and notes what the others have used. What is told until now is in the ring then.
 */
void bpf_targets_await(struct bpf *b);
/** Notes the CPU time of all that still live. */
void bpf_targets_finish(struct bpf *b);

bool bpf_emit(struct bpf *b, const struct record **out);
void bpf_emit_consume(struct bpf *b);

#endif
