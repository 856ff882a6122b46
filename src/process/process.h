/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_PROCESS_H
#define PROCESS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/strings.h"
#include "record/record.h"

/*
 * Who is profiled: processes with their images, threads and mappings. Fed by records in time order
 * and by /proc; owned by the event loop, no locks. Row 0 of each table means "none".
 */

typedef struct {
	uint32_t v;
} process_id; /* one image of one process: exec begins a new one */
typedef struct {
	uint32_t v;
} thread_ref; /* (process, tid, comm) */
typedef struct {
	uint32_t v;
} mapped_id; /* a mapped file, however many processes map it */

enum mapped_kind {
	MAPPED_FILE,
	MAPPED_VDSO,
	MAPPED_ANON,    /* JIT code and the like */
	MAPPED_SPECIAL, /* [vsyscall], [uprobes] */
};

/* Identity: build-id where the kernel gave it, else (device, inode) and path. */
struct mapped_file {
	enum mapped_kind kind;
	string_id path; /* without " (deleted)" */
	bool deleted;
	uint8_t build_id_size;
	uint8_t build_id[BUILD_ID_MAX];
	uint64_t device, inode;
	/* Where it was first seen, for whoever opens it. */
	pid_t seen_pid;
	uint64_t seen_start, seen_end;
};

struct mapping {             /* executable ones only; intervals of one process do not overlap */
	uint64_t start, end; /* in the process */
	uint64_t file_off;   /* of start */
	mapped_id mapped;
	uint64_t since_ns; /* when it was made; 0: before it was known, from /proc */
};

struct process_table;

int process_table_create(struct process_table **out, struct error *err);
void process_table_destroy(struct process_table *t);

/**
 * Its processes are those of a file: of another time, maybe another machine. /proc is never asked.
 * Call before anything is applied.
 */
void process_table_set_recorded(struct process_table *t);
bool process_table_is_recorded(const struct process_table *t);

/** The table's own strings (paths, comms). */
const struct strings *process_strings(const struct process_table *t);

/**
 * Takes a live process with threads and mappings from /proc.
 * @return 0; -ESRCH; -EACCES (`err` names the file)
 */
int process_add_live(struct process_table *t, pid_t pid, struct error *err);

/** Applies MMAP, COMM, FORK, EXIT. @return true if mappings changed (flush pc caches) */
bool process_apply(struct process_table *t, const struct record *r);

/**
 * @return the current image of a pid; a live process seen for the first time is read from /proc; 0 if
 *         unknown
 */
process_id process_find(struct process_table *t, pid_t pid);

/** The thread as it is named now; made on the fly. */
thread_ref process_thread(struct process_table *t, process_id p, pid_t tid);

struct process_info {
	pid_t pid, parent_pid;
	uint64_t start_ticks; /* field 22 of /proc/PID/stat; 0 if not known */
	string_id comm;
	bool exited; /* or gone by exec */
};
const struct process_info *process_info(const struct process_table *t, process_id p);

struct thread_info {
	process_id process;
	pid_t tid;
	string_id comm; /* at the time of the thread_ref */
};
const struct thread_info *thread_info(const struct process_table *t, thread_ref r);
uint32_t process_thread_count(const struct process_table *t); /* rows incl. row 0 */
uint32_t process_count(const struct process_table *t);        /* rows incl. row 0 */

/** @return the mapping that holds pc, or NULL. Valid until the next process_apply(). */
const struct mapping *process_mapping(const struct process_table *t, process_id p, uint64_t pc);

/** All mappings, sorted by start. Valid until the next process_apply(). */
const struct mapping *process_mappings(const struct process_table *t, process_id p,
				       size_t *out_count);

/** @return the file that exec mapped first: the program's own binary; none if not known */
mapped_id process_binary(const struct process_table *t, process_id p);

const struct mapped_file *process_mapped(const struct process_table *t, mapped_id m);
uint32_t process_mapped_count(const struct process_table *t); /* rows incl. row 0 */

#endif
