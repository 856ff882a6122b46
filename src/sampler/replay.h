/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_REPLAY_H
#define SAMPLER_REPLAY_H

#include "sampler/sampler.h"

/*
 * The records of a perf.data file (also one that perf wrote to a pipe) behind the ops of a sampler,
 * in order of time. Processes in it are those of another time or machine.
 */
extern const struct sampler_ops sampler_replay; /* it has no open: see replay_open() */

/** @return true if the first bytes are those of perf.data (any version, either byte order) */
bool replay_is(const void *bytes, size_t size_bytes);

/**
 * Reads what stands before the records.
 *
 * @param fd   borrowed until the sampler is destroyed
 * @param head what was read from `fd` already
 * @return 0; -EBADMSG if it is damaged or of a kind that is not read (`err` says which byte); other
 *         negative errno
 */
int replay_open(int fd, const void *head, size_t head_size_bytes, struct sampler **out,
		struct error *err);

struct replay_build_id {
	uint8_t size_bytes; /* 0: not known */
	uint8_t bytes[BUILD_ID_MAX];
};

/* What a file says beside its records; all of it is known once peek() has shown the last one. */
struct replay_facts {
	const char *command; /* of perf record; "" where it is not known, as below */
	const char *host, *release;
	uint32_t cpus; /* online; 0: not known */
	/* The kernel: its build-id, and where the first address of its text was. */
	struct replay_build_id kernel, vdso;
	const char *kernel_symbol;
	uint64_t kernel_symbol_pc;
	bool is_system_wide; /* perf record -a: no program is the one that was run */
	const char *event;   /* its name */
	bool is_clock;       /* periods are CPU time */
	enum record_user_half user_half;
	bool unfinished;            /* perf record was killed */
	bool disordered;            /* records were further apart than they could be held */
	uint64_t first_ns, last_ns; /* by the clock of the records, whichever that is */
	/* One moment by both clocks (perf record -k); 0: not known. */
	uint64_t moment_ns, moment_unix_ns;
	uint64_t idle_samples, guest_samples, unknown_samples; /* left out */
};
const struct replay_facts *replay_facts(const struct sampler *s);

/**
 * Names an event that was left out.
 * @return false when `number` (from 0) is beyond them
 */
bool replay_left_out(const struct sampler *s, size_t number, const char **out_name,
		     uint64_t *out_samples);

/** @return 0; if peek() has stopped before the end, negative errno: `err` says at which byte */
int replay_status(const struct sampler *s, struct error *err);

#endif
