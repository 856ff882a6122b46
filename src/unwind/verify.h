/* SPDX-License-Identifier: MIT */
#ifndef UNWIND_VERIFY_H
#define UNWIND_VERIFY_H

#include "unwind/unwind.h"

/*
 * Does a stack hold what calls leave? Each return address must follow a call instruction. That finds
 * frames that a wrong rule made up, not those that it left out.
 */
enum unwind_return {
	RETURN_NOT_CHECKED, /* there is no file with the code */
	RETURN_FOLLOWS_CALL,
	RETURN_FOLLOWS_NO_CALL,
	RETURN_EXCEPTED, /* nothing called it: where a signal handler returns to, a thread's or context's
			    start */
};

struct unwind_place {
	enum unwind_return state;
	bool was_injected; /* its caller did not call it: a signal interrupted it */
};

/** @param before the bytes that end where the return address points to; up to 7 are looked at */
bool unwind_is_behind_call(const uint8_t *before, size_t size_bytes);

/**
 * Looks at one pc of unwind_walk()'s other than the first.
 * @param env no stack; its read_memory gives code of files
 */
void unwind_look_at_place(const struct unwind_env *env, uint64_t pc, struct unwind_place *out);

#endif
