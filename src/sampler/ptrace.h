/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_PTRACE_H
#define SAMPLER_PTRACE_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "base/map.h"
#include "base/vec.h"
#include "process/descendants.h"
#include "sampler/ptrace_credit.h"
#include "sampler/ptrace_ring.h"
#include "sampler/sampler.h"

/*
 * The inside of sampler_ptrace, shared by its files:
 *	ptrace.c          the ops: what the session's thread calls
 *	ptrace_tracer.c   the thread that traces: its loop, and what it is asked for
 *	ptrace_events.c   what threads stop for: signals, births, exec, ends
 *	ptrace_look.c     looks which thread runs
 *	ptrace_sample.c   reads a thread that has stopped
 *	ptrace_threads.c  who is traced
 *	ptrace_proc.c     what /proc says of a thread
 *	ptrace_maps.c     new mappings
 *	ptrace_credit.c   which looks count
 *	ptrace_restart.c  system calls to begin again
 *	ptrace_ring.c     records on their way to the session
 *
 * Only the thread that has seized others may ask for anything of them, so there is one thread for all of
 * it. When it ends, by itself or because perfprof was killed, the kernel lets go of all threads as they
 * are: nobody has to be stopped for that.
 */

enum {
	PTRACE_STACK_BYTES = 64 << 10,
	PTRACE_STOP_MOST_US = 512,
};

enum ptrace_state {
	PTRACE_RUNS,
	PTRACE_WAITS_FOR_EXEC, /* nothing counts before its exec */
	PTRACE_INTERRUPTED,    /* asked to stop, and has not yet */
	PTRACE_ENDED,          /* a child of ours, whose status the session will take */
};

struct ptrace_thread {
	pid_t tid; /* 0: a free row */
	pid_t pid;
	enum ptrace_state state;
	int stat_fd, clock_fd; /* /proc/PID/task/TID/stat and schedstat; -1: opened each time */
	uint32_t quiet;        /* looks in a row between which it did not run */
	uint32_t samples;
	uint64_t cpu_base_ns; /* its CPU clock when the window began */
	uint64_t comm_read_ns;
	char comm[16];
	struct ptrace_credit credit;
};

/* A CPU that we may run on. */
struct ptrace_cpu {
	int number;
	uint64_t due_ns;   /* when to look at it */
	uint64_t since_ns; /* when a thread of ours was seen there last */
};

enum ptrace_moment {
	PTRACE_MOMENT_OF_CHANCE,
	PTRACE_MOMENT_LATE,        /* counts only for threads that have far too few samples */
	PTRACE_MOMENT_OF_AN_EVENT, /* something happened in a target: it is no chance that we are here */
};

struct ptrace_range { /* an executable mapping, as told last */
	uint64_t start, end, file_off, device, inode;
	uint64_t path_hash;
};
typedef VEC(struct ptrace_range) ptrace_ranges;

struct ptrace_process {
	pid_t pid; /* 0: a free row */
	uint32_t threads;
	int maps_fd, size_fd; /* /proc/PID/maps and statm; -1: not open */
	ptrace_ranges ranges;
	uint64_t maps_read_ns, maps_cost_ns;
	uint64_t pages;   /* of all mappings, when they were read */
	uint64_t born_ns; /* of its image */
};

enum ptrace_request_kind {
	PTRACE_ASK_NOTHING,
	PTRACE_ASK_ADD,
	PTRACE_ASK_ADD_ON_EXEC,
	PTRACE_ASK_ARM
};

/* What the session's thread asks of the tracer's; it waits for the answer. */
struct ptrace_request {
	enum ptrace_request_kind kind;
	pid_t pid;
	struct error *err;
	int answer;
};

struct ptrace_sampler {
	struct sampler base;
	struct sampler_config config;
	struct sampler_stats stats; /* what is known at the beginning */
	uint64_t period_ns;

	/* Between the two threads. */
	pthread_t thread;
	bool has_thread;
	_Atomic pid_t tracer_tid;
	pthread_mutex_t lock;
	pthread_cond_t answered;
	struct ptrace_request request;
	_Atomic bool ending;
	_Atomic uint64_t samples, lost, restarted, stopped_ns;
	_Atomic uint32_t thread_count;
	_Atomic pid_t child; /* of ours: CMD */
	_Atomic uint64_t child_cpu_ns;
	struct ptrace_ring ring;
	struct sigaction sigchld_before, kick_before;

	/* The tracer's own. */
	struct random random;
	timer_t timer;
	bool has_timer, armed;
	VEC(struct ptrace_cpu) cpus;
	size_t here; /* the one that we are on, of these */
	struct {
		uint64_t looks, late, displaced;
		uint32_t stop_us[PTRACE_STOP_MOST_US]; /* how long stops lasted */
	} counts;
	enum ptrace_moment moment; /* of the look at hand */
	bool lags;                 /* whom it found has too few samples */
	pid_t displaced;           /* whose place we have taken, */
	uint64_t displaced_ns;     /* and when; 0: none of theirs */
	int counted_fd;            /* of our own thread; -1 */
	uint64_t came_ns;          /* when we did, by its own clock; 0: not known, or of no use */
	size_t active_count;       /* threads that ran lately */
	uint64_t next_look_ns;
	uint64_t told_lost;
	VEC(struct ptrace_thread) threads; /* row 0 is none */
	struct map64 thread_rows;          /* by tid */
	VEC(struct ptrace_process) processes;
	struct map64 process_rows; /* by pid */
	uint32_t round;            /* the thread whose turn it is, of those that are quiet */
	uint8_t *stack;            /* PTRACE_STACK_BYTES */
	char *text;                /* of a file of /proc */
	size_t text_bytes;
};

/* ptrace_tracer.c */
int ptrace_tracer_start(struct ptrace_sampler *p, struct error *err);
void ptrace_tracer_end(struct ptrace_sampler *p);
/** Asks the tracer's thread, and waits for its answer. */
int ptrace_tracer_ask(struct ptrace_sampler *p, enum ptrace_request_kind kind, pid_t pid,
		      struct error *err);
/** The signal that wakes the tracer. */
int ptrace_kick_signal(void);

/* ptrace_threads.c */
struct ptrace_thread *ptrace_thread_find(struct ptrace_sampler *p, pid_t tid);
struct ptrace_process *ptrace_process_find(struct ptrace_sampler *p, pid_t pid);
struct ptrace_thread *ptrace_thread_add(struct ptrace_sampler *p, pid_t pid, pid_t tid);
void ptrace_thread_remove(struct ptrace_sampler *p, struct ptrace_thread *t);
/** Seizes all threads of a process. @return 0; -ESRCH; -EPERM and others with `err` set */
int ptrace_seize_process(struct ptrace_sampler *p, pid_t pid, struct error *err);
int ptrace_seize_on_exec(struct ptrace_sampler *p, pid_t pid, struct error *err);
/** Notes the CPU clocks as those before the window. */
void ptrace_begin_window(struct ptrace_sampler *p);
/** Tells the CPU time of all that are still there. */
void ptrace_end_window(struct ptrace_sampler *p);
/** Tells what a thread has used inside the window. */
void ptrace_tell_cpu(struct ptrace_sampler *p, const struct ptrace_thread *t, uint64_t cpu_ns);
void ptrace_threads_deinit(struct ptrace_sampler *p);

/* ptrace_proc.c */
/** @return its CPU clock, exact for a thread that is not on a CPU; 0 if it is gone */
uint64_t ptrace_proc_cpu_ns(struct ptrace_thread *t);
/** @return the CPU that a thread is or was on last, and whether it runs or waits for it; -1 if it is gone */
int ptrace_proc_place(struct ptrace_thread *t, bool *out_runs);
/** @return descriptor of what the scheduler says of a thread; -1 if it is gone, or the kernel does not say */
int ptrace_proc_open_counted(pid_t pid, pid_t tid);
/** @return when the scheduler last counted its time, by its CPU's own clock; 0 if that is not known */
uint64_t ptrace_proc_counted_ns(int fd);
void ptrace_proc_close(struct ptrace_thread *t);
/** @return whether the name has changed since it was read last */
bool ptrace_proc_comm(struct ptrace_thread *t);
bool ptrace_proc_is_thread_of(pid_t pid, pid_t tid);
/** @return the process that a thread belongs to, and its parent; 0 if it is gone */
pid_t ptrace_proc_leader(pid_t tid, pid_t *out_parent);

/* ptrace_maps.c */
/** Tells mappings that are new since the last time, if it is time to look, or if `pc` lies in none that is known. */
void ptrace_maps_look(struct ptrace_sampler *p, struct ptrace_process *process, uint64_t pc,
		      uint64_t now_ns);
/** Reads what there is. @param tell false: the session knows it already */
void ptrace_maps_read(struct ptrace_sampler *p, struct ptrace_process *process, uint64_t now_ns,
		      bool tell);
void ptrace_maps_forget(struct ptrace_process *process);

/* ptrace_events.c */
enum ptrace_event_result {
	PTRACE_EVENT_NONE,
	PTRACE_EVENT_TAKEN,
	PTRACE_EVENT_WOKEN, /* by a signal: the timer's, as a rule */
};
/** Looks at one thread that has stopped or ended, if there is one. */
enum ptrace_event_result ptrace_event_take(struct ptrace_sampler *p, bool wait);

/* ptrace_look.c */
/** @return 0 or negative errno */
int ptrace_look_init(struct ptrace_sampler *p);
/**
 * Looks at the CPU that we are on, and asks the thread that we have displaced there to stop.
 * @return when to look again
 */
uint64_t ptrace_look(struct ptrace_sampler *p, uint64_t now_ns);

/* ptrace_sample.c */
/** A thread that was asked to stop has done so: samples it, and lets it run. */
void ptrace_sample_stopped(struct ptrace_sampler *p, struct ptrace_thread *t);

/* Every record goes out by this; what finds no room is counted if it is a sample. */
void ptrace_tell(struct ptrace_sampler *p, const struct record *record, const void *extra,
		 size_t extra_bytes);

#endif
