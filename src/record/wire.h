/* SPDX-License-Identifier: MIT */
#ifndef RECORD_WIRE_H
#define RECORD_WIRE_H

/*
 * What the BPF programs write into their ring. Integer types only, explicit padding. Times are
 * CLOCK_MONOTONIC; pids and tids are as perfprof's own pid namespace sees them.
 */
#ifdef __bpf__
#include "vmlinux.h"
#else
#include <stdint.h>
#endif

enum wire_kind {
	WIRE_SAMPLE = 1,
	WIRE_EXEC, /* struct wire_task: a process has its new image */
	WIRE_EXIT, /* struct wire_task: a thread has ended, or the time until now of one that ends */
};

struct wire_head {
	uint32_t kind;
	uint32_t size_bytes; /* of the whole record */
	uint64_t time_ns;
	int32_t pid, tid;
};

struct wire_task {
	struct wire_head head;
	uint64_t cpu_ns; /* that the thread has run since it began */
};

enum wire_flag {
	WIRE_IN_KERNEL = 1, /* the tick hit kernel mode */
	WIRE_HAS_USER = 2,  /* user registers are there */
	WIRE_32BIT = 4,     /* user mode runs 32-bit code */
	WIRE_WHOLE = 8,     /* user_count frames lead to the outermost one */
	/* registers.pc is a return address: the frames before it were walked */
	WIRE_IS_CALLER = 16,
	WIRE_STACK_FULL = 32, /* the stack may go on behind what was copied */
	/* Something was mapped since mappings_as_of: registers and stack are those of the first frame, for
	 * whoever finds that the frames were walked by mappings that were gone. */
	WIRE_IN_DOUBT = 64,
};

enum {
	WIRE_REGISTERS = 17, /* DWARF's order, then the pc, as in record/record.h */
	WIRE_KERNEL_FRAMES_MAX = 127,
	WIRE_USER_FRAMES_MAX = 16384,
	WIRE_STACK_MAX_BYTES = 65536,
};

/*
 * Followed by kernel_count + user_count program counters (innermost first; user ones as unwind_walk()
 * gives them), then stack_bytes of the stack from registers[REGISTER_RSP] on. Without WIRE_WHOLE the
 * reader goes on from the registers; if frames were walked, only pc, rsp and rbp are known.
 */
struct wire_sample {
	struct wire_head head;
	uint32_t flags;
	uint32_t kernel_count, user_count;
	uint32_t stack_bytes;
	uint64_t pc;             /* where the tick hit */
	uint64_t mappings_as_of; /* how new the mappings were by which it was walked; ns */
	uint64_t registers[WIRE_REGISTERS];
};
_Static_assert(sizeof(struct wire_head) == 24, "shared with BPF");
_Static_assert(sizeof(struct wire_sample) == 56 + 8 * WIRE_REGISTERS, "shared with BPF");

#endif
