/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#ifndef BPF_VMLINUX_H
#define BPF_VMLINUX_H

/*
 * The few kernel types that our programs look into, kept by hand: only fields that are used, in any
 * order. libbpf finds their offsets on the running kernel from its BTF (CO-RE), so that nothing here
 * depends on a version. Integer names as in <linux/types.h> and <stdint.h>, which BPF code may not
 * include.
 */
typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

typedef __u8 uint8_t;
typedef __s8 int8_t;
typedef __u16 uint16_t;
typedef __s16 int16_t;
typedef __u32 uint32_t;
typedef __s32 int32_t;
typedef __u64 uint64_t;
typedef __s64 int64_t;
typedef _Bool bool;
enum { false, true };
#define NULL ((void *)0)

/* From include/uapi/linux/bpf.h. */
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_CGROUP_ARRAY = 8,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum { BPF_F_MMAPABLE = 1 << 10 };
enum { BPF_ANY };
enum { BPF_RB_NO_WAKEUP = 1 };

/* From arch/x86/include/asm/ptrace.h: the order is the hardware's and the ABI's, no relocation. */
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip,
		cs, flags, sp, ss;
};
struct bpf_perf_event_data { /* include/uapi/linux/bpf_perf_event.h */
	struct pt_regs regs;
	__u64 sample_period;
	__u64 addr;
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct ns_common {
	unsigned int inum;
};
struct pid_namespace {
	struct ns_common ns;
};
struct upid {
	int nr;
	struct pid_namespace *ns;
};
struct pid {
	unsigned int level;
	struct upid numbers[1];
};
struct mm_struct {
	int map_count;
};
struct sched_entity {
	__u64 sum_exec_runtime;
};
typedef struct {
	int counter;
} atomic_t;
struct signal_struct {
	atomic_t live;
};
struct thread_struct {
	unsigned long fsbase;
};
struct task_struct {
	unsigned int flags;
	int pid, tgid;
	struct mm_struct *mm;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	struct signal_struct *signal;
	struct sched_entity se;
	struct thread_struct thread;
};
struct linux_binprm;
#pragma clang attribute pop

enum { PF_KTHREAD = 0x00200000 }; /* include/linux/sched.h */

#endif
