/* SPDX-License-Identifier: MIT */
#ifndef SESSION_STACKS_H
#define SESSION_STACKS_H

#include "process/process.h"
#include "profile/builder.h"
#include "record/record.h"
#include "session/modules.h"
#include "session/names.h"
#include "session/session.h"

/* Samples become stacks of the model: unwound, each pc turned into (module, address), interned. */

struct stacks;
struct jit;

/** @param config for the call: which unwinder, and whether with the kernel's frames */
int stacks_create(struct process_table *processes, struct modules *modules, struct names *names,
		  struct builder *builder, const struct session_config *config, struct stacks **out,
		  struct error *err);
/** Where frames of code that lies in no file come from; without it they have no names. */
void stacks_set_jit(struct stacks *s, struct jit *jit);
/** Takes NULL. */
void stacks_destroy(struct stacks *s);

/** Lets stacks that are larger than their copy be read on from the live process (completion.h). */
void stacks_set_completion(struct stacks *s, bool on);

/** @return whether such stacks came lately: the sooner samples are taken, the more can be read on */
bool stacks_are_urgent(const struct stacks *s, uint64_t now_ns);

/**
 * Counts a sample.
 *
 * @param may_wait false: what is missing will not be waited for any longer
 * @return 1 when counted; 0 if it must wait for rows (call again with the same sample); -ENOMEM
 */
int stacks_add(struct stacks *s, const struct record *r, bool may_wait);

/** Samples belong to another run from now on (builder_set_run()). */
void stacks_begin_run(struct stacks *s);

/** Call when mappings of a process changed. */
void stacks_forget(struct stacks *s, process_id p);
/** Call when files or rows arrived that samples did not wait for. */
void stacks_forget_all(struct stacks *s);

#endif
