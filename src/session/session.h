/* SPDX-License-Identifier: MIT */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/log.h"
#include "process/cgroup.h"
#include "profile/profile.h"
#include "sampler/sampler.h"
#include "session/child.h"

/*
 * The conductor: one event loop that moves records to the process table, samples through the
 * unwinder into the builder, addresses to the name worker and names back. It parses nothing.
 */

enum { SESSION_NO_TIMES = 1 }; /* a budget in which no time has room */

enum session_unwind { /* how stacks are walked */
		      SESSION_UNWIND_AUTO,
		      SESSION_UNWIND_DWARF, /* the same: rows where there is CFI, frame pointers elsewhere */
		      SESSION_UNWIND_FP,        /* by frame pointers only */
		      SESSION_UNWIND_LIBUNWIND, /* by libunwind */
};

struct session_config {
	char **command; /* `run`: NULL-terminated arguments; NULL for `attach` */
	uint32_t runs;  /* of it; 0 is 1. A status that is not 0, or a signal, ends them */
	const struct child_user *user; /* whom it runs as; NULL: us */
	const pid_t *pids;             /* `attach`: these processes, */
	size_t pid_count;
	bool system;                 /* or all of them, */
	const struct cgroup *cgroup; /* or those of a control group, */
	const char *cgroup_name;     /* as the user calls it */
	char **until;                /* NULL, or a command that is run beside: its end is ours */
	const struct sampler_ops *sampler;
	const struct sampler_ops *fallback; /* where `sampler` is not permitted; may be NULL */
	/* Where the kernel refuses that as well; may be NULL. Costs and risks are said with what refused. */
	const struct sampler_ops *last_resort;
	void (*on_last_resort)(void *context, const char *refusal); /* may be NULL */
	void *last_resort_context;
	struct sampler *replay;   /* a file instead (replay_open()): no CMD, no targets; borrowed */
	const char *build_id_dir; /* of `replay`: where perf keeps binaries; may be NULL */
	uint32_t rate_hz;
	uint32_t max_overhead_ppm; /* what sampling may cost of CPU time; 0: no limit */
	enum session_unwind unwind;
	uint64_t duration_ns;     /* 0: until the end of CMD or of all targets */
	size_t time_budget_bytes; /* of samples' times in the capture; 0: TIME_BUDGET_BYTES */
	bool children, kernel, inlines;
	bool verify;   /* check that return addresses follow calls */
	bool complete; /* read stacks that are larger than their copy on from the live process */
	const struct log *log; /* may be NULL */
	/** Called about twice a second while sampling; may be NULL. */
	void (*on_tick)(void *context, uint64_t samples, uint64_t elapsed_ns);
	void *tick_context;
	/**
	 * Takes a member of the journal (profile/journal.h), once a second and when sampling has stopped;
	 * may be NULL. Anything but 0 ends the journal. May be set until session_run(). `begins`: it is the
	 * first of a journal, which takes the place of what there may have been.
	 */
	int (*on_member)(void *context, const void *bytes, size_t size_bytes, bool begins);
	void *member_context;
};

/* How CMD stands. */
struct session_outcome {
	int exec_errno;  /* not 0: CMD could not be executed, nothing was sampled */
	bool exited;     /* `wait_status` is valid */
	int wait_status; /* of waitpid(2) */
	bool gave_up;    /* a second ^C: CMD is not waited for */
	bool hidden;     /* CMD took another user's rights: the kernel removed our events */
	uint32_t threads_sharing, turns; /* so many shared the events of so many; 0: none had to */
};

struct session;

/**
 * Makes everything ready; nothing runs yet. Blocks the signals that the session handles, so that
 * call it before any thread is started.
 *
 * @param config borrowed until session_destroy()
 * @return 0; -ESRCH (a PID that is not there); -EPERM, -EACCES (`err` names the right and the
 *         command that grants it); other negative errno
 */
int session_create(const struct session_config *config, struct session **out, struct error *err);

/** Starts CMD or sampling, returns when sampling has stopped. @return 0 or negative errno */
int session_run(struct session *s, struct error *err);

/** Waits for the last names and freezes the model. Call after session_run(). */
int session_profile(struct session *s, struct profile **out, struct error *err);

/** `run`: waits for CMD if it still runs (passing signals on) and says how it ended. */
void session_wait(struct session *s, struct session_outcome *out);

bool session_runs_command(const struct session *s);
/** @return the pid of CMD or of the first target; 0 if there is none */
pid_t session_target(const struct session *s);

/** Takes NULL. CMD, if it still runs, goes on. */
void session_destroy(struct session *s);

#endif
