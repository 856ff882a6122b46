/* SPDX-License-Identifier: MIT */
#ifndef RECORD_RECORD_H
#define RECORD_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * What every sampler emits, whatever its source. All times are CLOCK_MONOTONIC in nanoseconds; pids
 * and tids are as perfprof's own pid namespace sees them. Pointers lead into the sampler's memory
 * (a ring, a file) and are valid until the record is consumed.
 */

enum record_kind {
	RECORD_NONE,
	RECORD_SAMPLE,
	RECORD_MMAP,
	RECORD_COMM,
	RECORD_FORK,
	RECORD_EXIT,
	RECORD_LOST,
	RECORD_THROTTLE,
	RECORD_CPU,
};

/* General registers in DWARF order for x86-64 (psABI, figure 3.36), then the program counter. */
enum {
	REGISTER_COUNT = 17,
	REGISTER_RBX = 3,
	REGISTER_RBP = 6,
	REGISTER_RSP = 7,
	REGISTER_PC = 16
};

/* What a sample says of the stack in user mode. */
enum record_user_half {
	USER_HALF_COPIED,  /* registers and a copy of the stack: what we ask for ourselves */
	USER_HALF_CHAIN,   /* only the chain that the kernel found by frame pointers */
	USER_HALF_WALKED,  /* walked by the sampler, as far as it could */
	USER_HALF_MISSING, /* no more than where the tick hit */
};

struct record_sample {
	uint64_t pc; /* where the tick hit: user or kernel */
	enum record_user_half user_half;
	bool in_kernel;    /* the tick hit kernel mode */
	bool fixed_period; /* the event could not be jittered (an inherited copy) */
	bool abi_32bit;
	bool has_registers;                 /* false for kernel threads */
	uint64_t registers[REGISTER_COUNT]; /* of user mode, also when the tick hit the kernel */
	const uint64_t *
		kernel_pcs; /* innermost first, no context markers; unaligned reads are fine on x86 */
	uint32_t kernel_pc_count;
	/* Without registers and copy: the pc, then return addresses as they are, innermost first;
	 * unaligned too. */
	const uint64_t *user_pcs;
	uint32_t user_pc_count;
	uint64_t cpu_ns;      /* that this sample stands for; 0: see RECORD_CPU of its thread */
	const uint8_t *stack; /* copy that begins at registers[REGISTER_RSP] */
	uint32_t stack_size_bytes; /* what was really copied */
	/* What the sampler has walked itself, as unwind_walk() gives it, innermost first. If that is not
	 * the whole, `registers` are those of the frame where it stopped: only pc, rsp and rbp are
	 * known, the stack is copied from there, and `is_caller` says that pc is a return address. */
	const uint64_t *walked_pcs;
	uint32_t walked_count;
	bool walked_whole, is_caller;
	bool walk_in_doubt; /* mappings changed since: then `registers` and `stack` are the whole's */
	uint64_t mappings_as_of_ns; /* how new the mappings were by which it walked */
	bool stack_copy_full; /* the copy has the maximum size: the stack may go on behind it */
};

enum { BUILD_ID_MAX = 20 };

struct record_mmap {
	uint64_t start, end; /* addresses in the process */
	uint64_t file_off;   /* of `start` */
	bool executable;
	bool is_elf;       /* known to be, by what it holds (a memfd) */
	bool has_build_id; /* then device and inode are 0 */
	uint8_t build_id_size;
	uint8_t build_id[BUILD_ID_MAX];
	uint64_t device; /* (major << 32) | minor */
	uint64_t inode;
	const char *
		path; /* as the kernel names it: a file, "//anon", "[vdso]", "/memfd:x (deleted)" */
};

struct record_comm {
	const char *comm;
	bool is_exec;
};

struct record_fork {
	pid_t parent_pid, parent_tid; /* pid != parent_pid: a process; else a thread */
};

struct record_lost {
	uint64_t count;
};

struct record_cpu {
	uint64_t
		cpu_ns; /* CPU time of this thread inside the window; records of one thread add up */
};

struct record {
	enum record_kind kind;
	uint64_t time_ns;
	pid_t pid, tid;
	union {
		struct record_sample sample;
		struct record_mmap mmap;
		struct record_comm comm;
		struct record_fork fork;
		struct record_lost lost;
		struct record_cpu cpu;
	};
};

#endif
