/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_BUILDER_H
#define PROFILE_BUILDER_H

#include "profile/profile.h"

/*
 * Grows a profile sample by sample. Owned by one thread. Adding a sample of a known stack allocates
 * nothing. Names may come at any time before builder_freeze().
 */

struct builder;

int builder_create(struct builder **out, struct error *err);
void builder_destroy(struct builder *b);

struct builder_module {
	const char *path;
	const uint8_t *build_id; /* may be NULL */
	size_t build_id_size;
	bool deleted;
	bool is_main; /* CMD's binary: becomes module 1 */
};

/**
 * Always a new row; rows with equal build-ids (else equal paths and no build-ids) become one at
 * freeze, under the path of CMD's binary, else of a file that still exists, else the first in order.
 * @return 0 without memory
 */
module_id builder_add_module(struct builder *b, const struct builder_module *m);

/**
 * Says which byte of the file lies at `vaddr`, from the executable segment's program header; without
 * it, file offsets are taken to equal addresses.
 */
void builder_set_file_offset(struct builder *b, module_id m, uint64_t vaddr, uint64_t file_off);

/** A build-id that became known later (when the file was opened). */
void builder_set_build_id(struct builder *b, module_id m, const uint8_t *build_id, size_t size);

/** Interns a frame by (module, vaddr, kind). @param out_is_new may be NULL. @return 0 without memory */
frame_id builder_frame(struct builder *b, module_id module, uint64_t vaddr, enum frame_kind kind,
		       bool *out_is_new);

/** Corrects the address of a frame of which only the offset in its file was known. */
void builder_set_frame_vaddr(struct builder *b, frame_id frame, uint64_t vaddr);

/**
 * For readers of files whose addresses name nothing (0 in collapsed stacks): always a new row, which
 * the caller interns by what the file knows. Rows of equal content become one at freeze.
 */
frame_id builder_new_frame(struct builder *b, module_id module, uint64_t vaddr,
			   enum frame_kind kind);

/** For readers: a build-id as a file spells it. @return 0 or -ENOMEM */
int builder_set_build_id_text(struct builder *b, module_id m, const char *build_id);

/** For readers: the range that a file claims; without it, it is that of the module's frames. */
void builder_set_module_range(struct builder *b, module_id m, uint64_t start_vaddr,
			      uint64_t limit_vaddr);

/** Interns the stack that has `frame` on top of (inside) `parent`. @return 0 without memory */
stack_id builder_stack(struct builder *b, stack_id parent, frame_id frame);

/** Interns a label set. @return 0 without memory */
thread_id builder_thread(struct builder *b, uint32_t pid, uint32_t tid, const char *comm);

/**
 * Says which of several runs label sets and CPU time belong to from now on, 1 to N. Until then it is 0:
 * there is but one.
 */
void builder_set_run(struct builder *b, uint32_t run);

/** Adds to meta.run_cpu_ns: the CPU time of the run that ended. @return 0 or -ENOMEM */
int builder_end_run(struct builder *b, uint64_t cpu_ns);

/** Says when sampling began: times of samples are kept relative to it. Until then it is 0. */
void builder_set_start(struct builder *b, uint64_t start_ns);

enum {
	TIME_BUDGET_BYTES = 24 << 20, /* what sessions use unless they are told otherwise */
	TIME_BUDGET_MOST_BYTES = 28
				 << 20, /* our message must stay below 32 MiB (docs/capture.md) */
};

/**
 * Says how many bytes of a capture, unpacked, times may take; TIME_BUDGET_MOST_BYTES unless told. Beyond
 * it they are kept in cells of 20 ms, doubled as needed. 0: none are kept. Call before samples are added.
 */
void builder_set_time_budget(struct builder *b, size_t budget_bytes);

/**
 * Counts one sample. Once warm, all that grows is the list of times: some five bytes a sample, to the
 * budget.
 *
 * @param time_ns   when it was taken, by the clock of builder_set_start()
 * @param leaf      innermost
 * @param truncated id of the reason, or "" for a whole stack. When it is not "", the caller has made
 *                  builder_frame(b, none, 0, FRAME_TRUNCATED) the outermost frame of the stack.
 * @return 0 or -ENOMEM
 */
int builder_sample(struct builder *b, uint64_t time_ns, thread_id thread, stack_id leaf,
		   const char *truncated);

/* Samples that are alike but for their times. */
struct builder_row {
	thread_id thread;
	stack_id leaf;
	const char *truncated; /* as of builder_sample() */
	bool completed;        /* its outer frames were read after the sample */
	uint64_t count, cpu_ns;
};

/** Counts one sample (`count` is 1), as builder_sample(). @return 0 or -ENOMEM */
int builder_sample_row(struct builder *b, uint64_t time_ns, const struct builder_row *row);

/** For readers: a row of a file that has added its samples up. @return 0 or -ENOMEM */
int builder_add_counts(struct builder *b, thread_id thread, stack_id leaf, const char *truncated,
		       uint64_t count, uint64_t cpu_ns);

typedef struct {
	uint32_t v;
} draft_sample_id;

/** As builder_add_counts(), for those who know times too. @return 0 without memory */
draft_sample_id builder_add_row(struct builder *b, const struct builder_row *row);

/**
 * For readers: says when `count` of a row's samples were taken; it counts none. At best in order of time.
 * @param time_ns since sampling began. @return 0 or -ENOMEM
 */
int builder_add_time(struct builder *b, draft_sample_id row, uint64_t time_ns, uint32_t count);

/** For readers of times that are in cells: as profile.time_cell_ns. @return 0 or -ENOMEM */
int builder_set_time_cell(struct builder *b, uint64_t cell_ns);

struct builder_line {
	const char *name, *system_name, *file; /* NULL is "" */
	uint32_t line, start_line;
};

/**
 * Names a frame, again if need be: `lines` innermost first; those without a name are left out.
 * Copies. @return 0 or -ENOMEM
 */
int builder_name_frame(struct builder *b, frame_id frame, const struct builder_line *lines,
		       size_t count);

/* Code that took the place of other code: what a frame is from a moment on. */
struct builder_change {
	frame_id frame;
	uint64_t from_ns; /* by the clock of builder_set_start() */
	frame_id then;
};

/**
 * Moves samples whose time is known to the stacks that they had at that time. To be called once, at the
 * end. @param changes are sorted. @return 0 or -ENOMEM
 */
int builder_change_frames(struct builder *b, struct builder_change *changes, size_t count);

/**
 * For a frame without a name: the address of its function's first byte, where unwind rows give it.
 * Frames that get neither are called by their own address.
 */
void builder_frame_function_start(struct builder *b, frame_id frame, uint64_t start_vaddr);

struct builder_unnamed {
	frame_id frame;
	uint64_t vaddr;
	const char *path, *build_id; /* of its module, interned; "" if unknown */
};

/**
 * Goes to the next frame in a file that has no name, nor the place of its function.
 * @param at zeroed for the first one. @return false behind the last one
 */
bool builder_next_unnamed(const struct builder *b, struct builder_unnamed *at);

struct builder_kernel_frame {
	frame_id frame;
	uint64_t pc;
	const char *name; /* NULL: none */
};

/** Goes to the next frame in the kernel. @param at zeroed for the first one. @return false behind the last one */
bool builder_next_kernel(const struct builder *b, struct builder_kernel_frame *at);

/** Adds CPU time of a thread (all label sets of (pid, tid) share it), spread over its samples at freeze. */
int builder_thread_cpu(struct builder *b, uint32_t pid, uint32_t tid, uint64_t cpu_ns);

/**
 * The facts of the run; the caller fills numbers and uses builder_intern() for strings. Its lists
 * stay empty: they are filled by builder_note(), builder_target_pid(), builder_reason() and
 * builder_end_run().
 */
struct profile_meta *builder_meta(struct builder *b);
string_id builder_intern(struct builder *b, const char *text);
/** Adds to meta.notes, meta.pids, meta.reasons. @return 0 or -ENOMEM */
int builder_note(struct builder *b, const char *sentence);
int builder_target_pid(struct builder *b, uint32_t pid);
/** Says what a target is called in its own pid namespace; in the order of builder_target_pid(), some left out. */
void builder_target_inner_pid(struct builder *b, uint32_t pid, uint32_t inner);
/** Says in words what a reason's id means; freeze counts its samples and leaves out those without. */
int builder_reason(struct builder *b, const char *id, const char *sentence);

/** For readers: source lines; those in files of no function are left out at freeze. @return 0 or -ENOMEM */
int builder_source(struct builder *b, const struct profile_source *source);

uint64_t builder_sample_count(const struct builder *b);
/**
 * For readers of text: no more distinct steps of stacks than a text of this size has. Beside real names one takes 12
 * bytes and more; what one letter stands for could cost 20 times the text in memory.
 */
void builder_limit_stacks(struct builder *b, size_t text_bytes);
/** Why builder_stack() returned 0. @return -EFBIG or -ENOMEM, with the sentence */
int builder_stack_failed(const struct builder *b, struct error *err);
/** @return how many rows of stacks there are */
size_t builder_stack_count(const struct builder *b);

/** Frees what finds rows: from here on nothing may be added, only frozen. */
void builder_seal(struct builder *b);

/**
 * Makes a frozen copy in canonical order: equal input in any order gives equal tables (strings,
 * modules, functions, frames, stacks and samples sorted by content). The builder goes on.
 * Threads' CPU time is spread evenly over their samples; that of threads without one goes to
 * meta.unsampled_cpu_ns.
 *
 * @return 0 or -ENOMEM
 */
int builder_freeze(const struct builder *b, struct profile **out, struct error *err);

#endif
