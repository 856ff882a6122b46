/* SPDX-License-Identifier: MIT */
#ifndef SESSION_NAMES_H
#define SESSION_NAMES_H

#include "profile/builder.h"
#include "session/modules.h"
#include "symbol/worker.h"

/* Carries new addresses to the symbol worker and its answers into the builder. */

struct names;

int names_create(const struct symbol_config *config, struct builder *builder, struct names **out,
		 struct error *err);
/** Takes NULL. */
void names_destroy(struct names *n);
/** Readable when names_collect() has work. */
int names_fd(const struct names *n);

/**
 * Asks for the name of a new frame.
 *
 * @param code  where it lies; NULL for the kernel
 * @param vaddr the ELF's own, or the kernel's pc
 * @return 0 or -ENOMEM
 */
int names_ask(struct names *n, frame_id frame, struct code *code, uint64_t vaddr);
/** Frames of the kernel are not asked for until it is known whether it is the one that runs here. */
void names_hold_kernel(struct names *n);
/** It is. @return 0 or -ENOMEM */
int names_release_kernel(struct names *n);
/** @return true if frames of the kernel are held back */
bool names_has_kernel(const struct names *n);
/** Gives the builder the names that are there. @return 0 or -ENOMEM */
int names_collect(struct names *n);
/** Asks for frames whose files came after their first samples. Call at the end. @return 0 or -ENOMEM */
int names_ask_late(struct names *n);
/** @return true while answers are to come; names_fd() then becomes readable */
bool names_waiting(const struct names *n);
/** Gives functions' addresses to frames that have no name (yet). */
void names_finish(struct names *n);
uint64_t names_cpu_ns(const struct names *n);

#endif
