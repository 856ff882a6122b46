/* SPDX-License-Identifier: MIT */
#ifndef SESSION_MODULES_H
#define SESSION_MODULES_H

#include "base/log.h"
#include "process/process.h"
#include "profile/builder.h"
#include "session/loader.h"
#include "unwind/unwind.h"

/*
 * What is known of each mapped file: its open object, its unwind rows and its row in the builder.
 * Files with one build-id share their object and rows.
 */

enum code_state {
	CODE_WANTED, /* the loader was asked to open it */
	CODE_OPEN,   /* the object is there, rows were not asked for yet */
	CODE_COMPILING,
	CODE_READY, /* `table` is there */
	CODE_NO_CFI,
	CODE_UNREADABLE,
};

struct code {         /* shared by modules with equal build-ids */
	uint32_t row; /* its own */
	enum code_state state;
	bool late; /* a sample has waited for it in vain: the next ones do not wait */
	struct object *object;
	struct unwind_table *table;
};

struct modules;

/* Where the files of a recorded profile are looked for, besides their paths. */
struct modules_recorded {
	const char *build_id_dir; /* perf's cache, ~/.debug; borrowed; NULL: none */
	bool has_our_vdso;        /* it was recorded under the kernel that runs here */
};

int modules_create(struct process_table *processes, struct builder *builder, const struct log *log,
		   struct modules **out, struct error *err);
/** Takes NULL. */
void modules_destroy(struct modules *m);
/** For a table of recorded processes. May be called again, until the first mapping is seen. */
void modules_set_recorded(struct modules *m, const struct modules_recorded *recorded);
/** @return how many files could not be opened for want of descriptors */
uint32_t modules_without_descriptor(const struct modules *m);
/** Readable when modules_collect() has work. */
int modules_fd(const struct modules *m);

/** Asks for every mapped file that was not asked for yet. @return 0 or -ENOMEM */
int modules_open_new(struct modules *m);
/**
 * A file was mapped once more: if it could not be opened where it was first seen (that process had
 * ended, or its root was another), it is tried here. @return 0 or -ENOMEM
 */
int modules_seen_again(struct modules *m, process_id p, const struct record_mmap *mmap);
/**
 * Takes what the loader has finished.
 * @return true if samples were counted without it: what was remembered of addresses is stale
 */
bool modules_collect(struct modules *m);
/** @return a number that grows whenever a file was opened or rows have come */
uint32_t modules_progress(const struct modules *m);

/** @return true while the loader works; modules_fd() then becomes readable */
bool modules_waiting(const struct modules *m);

/** The shared state behind a mapped file; rows are asked for when `want_rows`. */
struct code *modules_code(struct modules *m, mapped_id mapped, bool want_rows);
/**
 * The builder's row; made at first use. Until the file is open, addresses are only offsets in it: they
 * have a row of their own, lest they be taken for the addresses that they are not. Rows of one file
 * become one at freeze.
 */
module_id modules_row(struct modules *m, mapped_id mapped);
/** The row of "[kernel.kallsyms]". */
module_id modules_kernel(struct modules *m);
/** The mapped file becomes module 1 (CMD's binary). Call before its row is made. */
void modules_set_main(struct modules *m, mapped_id mapped);
uint64_t modules_cpu_ns(const struct modules *m);

#endif
