/* SPDX-License-Identifier: MIT */
#ifndef SESSION_JIT_H
#define SESSION_JIT_H

#include "process/process.h"
#include "profile/builder.h"

/*
 * Names of code that lies in no file: what live processes say of it themselves (runtime/jit_files.h), read
 * while sampling goes on. Addresses are a process's own here; whose code was replaced is told apart by time.
 */

struct jit;

int jit_create(struct process_table *processes, struct builder *builder, struct jit **out,
	       struct error *err);
/** Takes NULL. */
void jit_destroy(struct jit *j);

/** The frame of an address; made at first use. @return 0 without memory */
frame_id jit_frame(struct jit *j, process_id p, uint64_t pc);

/** Reads some of what came, ten times a second; call it when there is time. @return 0 or -ENOMEM */
int jit_look(struct jit *j, uint64_t now_ns);

/** A process has ended, or becomes another program: what it wrote is whole now. @return 0 or -ENOMEM */
int jit_ended(struct jit *j, pid_t pid, uint64_t now_ns);

/** Names all frames by the time of their samples, and notes what could not be read. @return 0 or -ENOMEM */
int jit_finish(struct jit *j, uint64_t now_ns);

#endif
