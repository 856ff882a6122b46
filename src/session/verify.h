/* SPDX-License-Identifier: MIT */
#ifndef SESSION_VERIFY_H
#define SESSION_VERIFY_H

#include "base/map.h"
#include "profile/profile.h"
#include "unwind/verify.h"

/* Checks the stacks of a session (--verify): each place once, each sample's return addresses counted. */
struct verify {
	struct map64 places; /* key -> verdict */
};

/**
 * @param env  no stack; its read_memory gives code of files
 * @param key  a number that the address space has of its own, in bits that no pc uses
 * @param pcs  as unwind_walk() gives them
 * @param meta in which they are counted
 * @return 0 or -ENOMEM
 */
int verify_stack(struct verify *v, const struct unwind_env *env, uint64_t key, const uint64_t *pcs,
		 uint32_t count, struct profile_meta *meta);

/** What was found out of addresses is stale. */
void verify_forget(struct verify *v);

#endif
