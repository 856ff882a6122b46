/* SPDX-License-Identifier: MIT */
#ifndef UNWIND_GO_MARKS_H
#define UNWIND_GO_MARKS_H

#include "unwind/go_rows.h"

/*
 * Functions of Go's runtime, in assembly, that change stacks or that nothing calls. Which instructions do
 * it is found by their bytes. Source: Go, src/runtime/asm_amd64.s, sys_linux_amd64.s, of 1.16 to 1.26.
 */
enum go_mark_kind {
	MARK_PLAIN,
	MARK_ROOT,
	MARK_SIGNAL,    /* a signal handler returns here */
	MARK_INJECTED,  /* was made to look as if the interrupted instruction had called it */
	MARK_FRAME,     /* rsp is elsewhere; rbp, if anything, says where the frame is */
	MARK_MOVES_SP,  /* the same, while there is a frame: how rsp moves is not known */
	MARK_SYSTEM,    /* the same, or before 1.21 what the goroutine has saved */
	MARK_CGO,       /* the same, or before 1.21 what is on the stack at `record_off` */
	MARK_GIVES_UP,  /* calls the scheduler, which never comes back to this stack */
	MARK_MORESTACK, /* the goroutine has saved its caller's registers */
};

struct go_mark {
	uint32_t off; /* holds from here on */
	enum go_mark_kind kind;
	int32_t record_off;
};

enum { GO_MARKS_MAX = 8 };
struct go_marks {
	struct go_mark at[GO_MARKS_MAX]; /* by off */
	size_t count;
};

/** @return what all of a function is; MARK_PLAIN if that depends, or it is like any other */
enum go_mark_kind go_marks_whole(const struct go_function *f);

/** @param code the function's */
void go_marks_find(const struct go_rows *g, const struct go_function *f, const uint8_t *code,
		   struct go_marks *out);

/** Finds out what the runtime's own code tells: g->knows_saved and what follows it. */
void go_marks_look(struct go_rows *g, const struct object *o);

#endif
