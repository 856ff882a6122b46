/* SPDX-License-Identifier: MIT */
#ifndef FORMAT_THREAD_SAMPLES_H
#define FORMAT_THREAD_SAMPLES_H

#include "base/vec.h"
#include "profile/profile.h"

/*
 * A profile's samples thread by thread, as the formats want them that keep a list a thread. Label sets
 * of one (pid, tid) are one thread, under the name that most of its samples have; where a file has no
 * ids, each name is a thread.
 */

struct thread_sample {
	stack_id stack;
	uint32_t thread; /* row of thread_samples.threads */
	uint64_t count, cpu_ns;
	uint64_t time_ns; /* as profile_time's; 0 unless thread_samples.timed */
};

struct sampled_thread {
	uint32_t pid, tid;
	string_id comm;
	uint64_t count, cpu_ns;
	size_t first, limit; /* rows first to limit - 1 of thread_samples.samples */
};

struct thread_samples {
	VEC(struct sampled_thread) threads; /* that with the most samples comes first */
	VEC(struct thread_sample) samples;
	bool timed; /* the samples of a thread are in order of time; else each stack stands there once */
};

/** @return whether the profile knows of each of its samples when it was taken */
bool thread_samples_have_times(const struct profile *p);

/**
 * @param timed wants samples in order of time; only if thread_samples_have_times()
 * @return 0 or -ENOMEM; call thread_samples_deinit() in either case
 */
int thread_samples_init(const struct profile *p, bool timed, struct thread_samples *out,
			struct error *err);
void thread_samples_deinit(struct thread_samples *t);

#endif
