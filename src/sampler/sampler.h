/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_SAMPLER_H
#define SAMPLER_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/log.h"
#include "record/record.h"
#include "unwind/rows.h"

/*
 * One source of samples behind one ops struct. The session asks for records in time order, one at
 * a time, and consumes each when it is done with it: a sample may so wait in its ring (for unwind
 * rows) and is never copied.
 */

enum sampler_scope {
	SCOPE_PROCESSES, /* what add_process() and add_on_exec() name, with their descendants */
	SCOPE_SYSTEM,    /* every thread on every CPU, but the idle task */
	SCOPE_CGROUP,    /* every thread in a control group or below it */
};

struct sampler_config {
	enum sampler_scope scope;
	int cgroup_fd;         /* SCOPE_CGROUP: the group's folder; borrowed by open() */
	uint32_t rate_hz;      /* samples per second of CPU time that are wanted */
	bool kernel;           /* sample kernel mode too, if permitted */
	bool children;         /* follow forks */
	bool jitter;           /* false only in tests and benches */
	uint32_t stack_bytes;  /* wanted size of the stack copy; 0 is the maximum (65,528) */
	uint64_t seed;         /* of the jitter; 0 takes one from getrandom(2) */
	const struct log *log; /* may be NULL */
};

struct sampler_stats {
	uint32_t rate_hz;      /* in force: lowered to the kernel's limit if that is less */
	uint32_t stack_bytes;  /* in force */
	uint64_t ring_bytes;   /* of all rings */
	uint32_t ring_samples; /* that one ring holds; it gets at most `rate_hz` a second */
	bool kernel;           /* in force */
	char remark[240]; /* what a reader of the profile must know of this source; may be "" */
	const char *rate_limit; /* what keeps `rate_hz` low; NULL: the kernel's limit */
	uint64_t samples, fixed_period_samples;
	uint64_t lost, throttled;
	uint64_t handed_over;    /* samples whose walk was finished in user space */
	uint64_t kernel_cost_ns; /* of our own programs, in the targets' time */
	uint64_t jitter_ioctls, generations;
	uint32_t threads;                /* with events open now */
	uint32_t threads_sharing, turns; /* so many share the events of so many; 0: none has to */
	uint64_t descriptors_wanted;     /* so that none has to */
	uint64_t nofile_soft; /* our RLIMIT_NOFILE before open() raised it: what a child of ours
				 shall get */
};

struct sampler;

/* An executable mapping whose rows were published. */
struct sampler_mapping {
	uint64_t start, end; /* in the process */
	uint64_t bias;       /* vaddr = pc - bias */
	uint32_t rows;       /* number from publish_rows() */
};

struct sampler_ops {
	const char *name; /* "perf" */

	/**
	 * Tries whether this source works here at all.
	 * @return 0; -EPERM/-EACCES/-ENOSYS with `err` naming the missing right and what grants it
	 */
	int (*probe)(const struct sampler_config *config, struct error *err);

	/**
	 * Makes a disarmed sampler.
	 * @return 0; -EPERM/-EACCES as probe(); with SCOPE_CGROUP -ENOENT, -EINVAL or -EBADF if the kernel
	 *	   cannot sample that hierarchy as one; other negative errno
	 */
	int (*open)(const struct sampler_config *config, struct sampler **out, struct error *err);

	/**
	 * Covers a live process with all its threads. In wider scopes only their CPU time is noted, so
	 * that what they use from now on is known.
	 * @return 0; -ESRCH; -EPERM/-EACCES (`err` names the right and the command that grants it)
	 */
	int (*add_process)(struct sampler *s, pid_t pid, struct error *err);

	/**
	 * Covers a child of ours that has not called execve yet: sampling starts at its exec.
	 * @return as add_process
	 */
	int (*add_on_exec)(struct sampler *s, pid_t pid, struct error *err);

	/** Starts sampling of what was added with add_process. @return 0 or negative errno */
	int (*arm)(struct sampler *s, struct error *err);

	/**
	 * Work that is due: changes periods, covers new threads directly. Call it at each turn of
	 * the loop.
	 * @return the time (CLOCK_MONOTONIC) at which it wants to be called next
	 */
	uint64_t (*rearm)(struct sampler *s, uint64_t now_ns);

	/**
	 * Lowers the rate, for all threads and from now on, to within some ms. NULL where it cannot be.
	 * @param rate_hz at least 1
	 */
	void (*set_rate)(struct sampler *s, uint32_t rate_hz);

	/*
	 * For samplers that walk stacks themselves; NULL for others, which leave it to the session.
	 * What is not published is walked by the session as well.
	 */

	/** Gives a module's rows. @return 0; -ENOSPC if there is no room; other negative errno */
	int (*publish_rows)(struct sampler *s, const struct unwind_rows *rows, uint32_t *out_number,
			    struct error *err);

	/**
	 * Replaces what is known of a process's mappings; they are as old as the last record that was
	 * consumed.
	 * @param mappings sorted by start, without overlaps
	 * @return 0; -ENOSPC if there is no room; other negative errno
	 */
	int (*publish_mappings)(struct sampler *s, pid_t pid,
				const struct sampler_mapping *mappings, size_t count,
				struct error *err);

	/**
	 * Shows the earliest record that is older than anything still to come.
	 *
	 * @param out points to storage of the sampler; valid until consume() or the next peek()
	 * @return true if there is one
	 */
	bool (*peek)(struct sampler *s, const struct record **out);

	/** Drops what peek() showed; its bytes are given back to the kernel. */
	void (*consume)(struct sampler *s);

	/**
	 * A child of ours has ended and is about to be waited for: what the kernel knows of it is gone
	 * then. May be NULL.
	 */
	void (*last_look)(struct sampler *s, pid_t pid);

	/** Stops sampling; peek() then goes on until all that was recorded is out, incl. final
	 * RECORD_CPU. */
	void (*disarm)(struct sampler *s);

	void (*stats)(const struct sampler *s, struct sampler_stats *out);

	/** Takes NULL. */
	void (*destroy)(struct sampler *s);
};

/* Every implementation's struct begins with this. */
struct sampler {
	const struct sampler_ops *ops;
};

/** perf_event_open(2) with cpu-clock, registers and stack copies. */
extern const struct sampler_ops sampler_perf;

/** BPF programs on per-CPU clocks, which walk stacks in the kernel. Only in builds with libbpf. */
extern const struct sampler_ops sampler_bpf;

/** ptrace(2): stops running threads one by one. For where perf_event_open(2) is refused. */
extern const struct sampler_ops sampler_ptrace;

/** @return the source of that name, NULL if this build has none */
const struct sampler_ops *sampler_find(const char *name);

#endif
