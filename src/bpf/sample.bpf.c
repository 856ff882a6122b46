// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * At each tick of a CPU's clock: whose tick is it, where did it hit, and who called that. The programs
 * beside keep the list of processes that are followed, which user space alone would learn too late.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/layout.h"
#include "record/wire.h"

/* Settings, fixed before loading. */
const volatile uint32_t filter = FILTER_TREE;
const volatile uint32_t follow_children = 1;
const volatile uint32_t pid_level = 0; /* of perfprof's pid namespace: 0 is the first one */
const volatile uint32_t pid_ns_inum = 0;

/* Set by user space when the window begins; who is followed is known from before. */
uint32_t armed = 0;

/* Behind each map stands who writes it. Sizes of 1 are set before loading. */

struct { /* the records; user space consumes */
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

struct { /* counters by CPU: programs */
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, uint32_t);
	__type(value, struct layout_cpu);
	__uint(max_entries, 1);
} cpus SEC(".maps");

struct block {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, uint32_t);
	__type(value, struct layout_chunk);
	__uint(max_entries, LAYOUT_BLOCK_CHUNKS);
} block_like SEC(".maps");

struct { /* rows and pages: user space */
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__type(key, uint32_t);
	__uint(max_entries, LAYOUT_BLOCKS_MAX);
	__array(values, struct block);
} blocks SEC(".maps");

struct { /* user space */
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, uint32_t);
	__type(value, struct layout_rule);
	__uint(max_entries, LAYOUT_RULES_MAX);
} rules SEC(".maps");

struct { /* user space */
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, uint32_t);
	__type(value, struct layout_table);
	__uint(max_entries, LAYOUT_TABLES_MAX);
} tables SEC(".maps");

struct { /* user space */
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, uint32_t);
	__type(value, struct layout_mapping);
	__uint(max_entries, LAYOUT_MAPPINGS_MAX);
} mappings SEC(".maps");

struct { /* by process: user space writes, programs delete at its end */
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, int32_t);
	__type(value, struct layout_space);
	__uint(max_entries, LAYOUT_PROCESSES_MAX);
} spaces SEC(".maps");

struct { /* when a process began its image; programs write and delete */
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, int32_t);
	__type(value, uint64_t);
	__uint(max_entries, LAYOUT_PROCESSES_MAX);
} images SEC(".maps");

struct { /* when a process asked for an address range last; programs write and delete */
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, int32_t);
	__type(value, uint64_t);
	__uint(max_entries, LAYOUT_PROCESSES_MAX);
} doubts SEC(".maps");

/* enum layout_target_state by process: user space adds, programs add children and delete */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, int32_t);
	__type(value, uint32_t);
	__uint(max_entries, LAYOUT_PROCESSES_MAX);
} targets SEC(".maps");

/* By address of the task, which is its own until it is freed: programs; user space reads what is left. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, uint64_t);
	__type(value, struct layout_ending);
	__uint(max_entries, LAYOUT_PROCESSES_MAX);
} endings SEC(".maps");

struct { /* the control group whose processes are sampled: user space */
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__type(key, uint32_t);
	__type(value, uint32_t);
	__uint(max_entries, 1);
} cgroups SEC(".maps");

#define INLINE static inline __attribute__((always_inline))

INLINE struct layout_chunk *map_chunk(uint32_t index)
{
	uint32_t block = index / LAYOUT_BLOCK_CHUNKS, chunk = index % LAYOUT_BLOCK_CHUNKS;
	void *inner = bpf_map_lookup_elem(&blocks, &block);
	return inner ? bpf_map_lookup_elem(inner, &chunk) : NULL;
}

INLINE struct layout_mapping *map_mapping(uint32_t index)
{
	return bpf_map_lookup_elem(&mappings, &index);
}

INLINE struct layout_table *map_table(uint32_t index)
{
	return bpf_map_lookup_elem(&tables, &index);
}

INLINE struct unwind_rule *map_rule(uint32_t index)
{
	struct layout_rule *rule = bpf_map_lookup_elem(&rules, &index);
	return rule ? &rule->rule : NULL;
}

INLINE long read_user(void *out, uint32_t size_bytes, uint64_t address)
{
	return bpf_probe_read_user(out, size_bytes, (const void *)address);
}

#include "bpf/walk.h"

struct { /* scratch by CPU: programs */
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, uint32_t);
	__type(value, struct walk);
	__uint(max_entries, 1);
} walks SEC(".maps");

/* A pid as perfprof's own namespace has it; 0 if it has none there. */
INLINE int32_t pid_of(struct task_struct *task)
{
	if (!pid_level)
		return task->pid;
	struct pid *pid = task->thread_pid;
	struct upid upid;
	if (!pid || pid->level < pid_level ||
	    bpf_probe_read_kernel(&upid, sizeof(upid),
				  (const char *)__builtin_preserve_access_index(&pid->numbers) +
					  pid_level * sizeof(upid)))
		return 0;
	unsigned int inum = 0;
	bpf_probe_read_kernel(&inum, sizeof(inum),
			      __builtin_preserve_access_index(&upid.ns->ns.inum));
	return inum == pid_ns_inum ? upid.nr : 0;
}

INLINE bool is_target(int32_t pid)
{
	if (!armed || !pid)
		return false;
	if (filter == FILTER_ALL)
		return true;
	if (filter == FILTER_CGROUP)
		return bpf_current_task_under_cgroup(&cgroups, 0) == 1;
	uint32_t *state = bpf_map_lookup_elem(&targets, &pid);
	return state && *state >= TARGET_ACTIVE;
}

INLINE void to_dwarf_order(const struct pt_regs *regs, uint64_t *out)
{
	out[0] = regs->ax;
	out[1] = regs->dx;
	out[2] = regs->cx;
	out[3] = regs->bx;
	out[4] = regs->si;
	out[5] = regs->di;
	out[6] = regs->bp;
	out[7] = regs->sp;
	out[8] = regs->r8;
	out[9] = regs->r9;
	out[10] = regs->r10;
	out[11] = regs->r11;
	out[12] = regs->r12;
	out[13] = regs->r13;
	out[14] = regs->r14;
	out[15] = regs->r15;
	out[16] = regs->ip;
}

enum {
	RPL_MASK = 3,   /* of a code segment's selector: 3 is user mode */
	USER_CS = 0x33, /* __USER_CS of 64-bit code (arch/x86/include/asm/segment.h) */
};

/* The registers of user mode: the tick's own, or those saved when the kernel was entered. */
INLINE void take_user_registers(struct bpf_perf_event_data *tick, struct task_struct *task,
				struct wire_sample *sample)
{
	struct pt_regs regs;
	if ((tick->regs.cs & RPL_MASK) == RPL_MASK) {
		regs.cs = tick->regs.cs;
		to_dwarf_order((const struct pt_regs *)&tick->regs, sample->registers);
	} else {
		sample->flags |= WIRE_IN_KERNEL;
		if (task->flags & PF_KTHREAD || !task->mm)
			return;
		const void *saved = (const void *)bpf_task_pt_regs(task);
		if (bpf_probe_read_kernel(&regs, sizeof(regs), saved))
			return;
		to_dwarf_order(&regs, sample->registers);
	}
	sample->flags |= WIRE_HAS_USER;
	if (regs.cs != USER_CS)
		sample->flags |= WIRE_32BIT;
}

struct loop {
	uint32_t cpu;
};

static long walk_one(uint32_t index, struct loop *loop)
{
	struct walk *w = bpf_map_lookup_elem(&walks, &loop->cpu);
	(void)index;
	return w && walk_frame(w) ? 0 : 1;
}

enum { PAGE_BYTES = 4096 };

/* User space goes on: with the stack from here on, as far as it can be read without a fault. */
INLINE void hand_over(struct walk *w)
{
	if (w->from_start) {
		if (!w->whole)
			w->sample.user_count = 0;
		w->at.rsp = w->sample.registers[7];
	} else if (w->sample.user_count) {
		w->sample.registers[16] = w->at.pc;
		w->sample.registers[7] = w->at.rsp;
		w->sample.registers[6] = w->at.rbp;
		w->sample.flags |= w->is_caller ? WIRE_IS_CALLER : 0;
	}
	uint64_t *to = &w->words[(w->sample.kernel_count + w->sample.user_count) % WALK_WORDS];
	uint32_t most = w->space.mapping_count && !w->from_start ? LAYOUT_HANDOVER_BYTES
								 : LAYOUT_UNKNOWN_BYTES;
	uint32_t part = PAGE_BYTES - w->at.rsp % PAGE_BYTES, done = 0;
	for (int i = 0; i < LAYOUT_UNKNOWN_BYTES / PAGE_BYTES; i++) {
		if (part > PAGE_BYTES || done > LAYOUT_UNKNOWN_BYTES - PAGE_BYTES || done >= most ||
		    read_user((char *)to + done, part, w->at.rsp + done))
			break;
		done += part;
		part = PAGE_BYTES;
	}
	w->sample.stack_bytes = done & ~7u;
	if (done >= most - PAGE_BYTES)
		w->sample.flags |= WIRE_STACK_FULL;
}

INLINE void find_space(struct walk *w, int32_t pid)
{
	struct layout_space *space = bpf_map_lookup_elem(&spaces, &pid);
	uint64_t *exec_ns = bpf_map_lookup_elem(&images, &pid);
	w->space.mapping_count = 0;
	w->from_start = 0;
	if (!space || (exec_ns && *exec_ns > space->as_of_ns))
		return;
	w->space = *space;
	w->sample.mappings_as_of = space->as_of_ns;
	uint64_t *doubt_ns = bpf_map_lookup_elem(&doubts, &pid);
	if (doubt_ns && *doubt_ns > space->as_of_ns) {
		w->sample.flags |= WIRE_IN_DOUBT;
		w->from_start = 1;
	}
}

INLINE void walk_user(struct walk *w, struct layout_cpu *counters, uint32_t cpu)
{
	struct loop loop = { cpu };
	if (!(w->sample.flags & WIRE_HAS_USER) || w->sample.flags & WIRE_32BIT)
		return;
	w->at.pc = w->sample.registers[16];
	w->at.rsp = w->sample.registers[7];
	w->at.rbp = w->sample.registers[6];
	w->is_caller = w->whole = 0;
	w->window_start = NO_WINDOW;
	w->mapping.start = w->mapping.end = 0;
	if (w->space.mapping_count)
		bpf_loop(WIRE_USER_FRAMES_MAX + 1, walk_one, &loop, 0);
	if (w->whole)
		w->sample.flags |= WIRE_WHOLE;
	else
		counters->handed_over++;
	if (!w->whole || w->sample.flags & WIRE_IN_DOUBT)
		hand_over(w);
}

INLINE void walk_kernel(struct bpf_perf_event_data *tick, struct walk *w)
{
	if (!(w->sample.flags & WIRE_IN_KERNEL))
		return;
	long bytes = bpf_get_stack(tick, w->words, WIRE_KERNEL_FRAMES_MAX * sizeof(uint64_t), 0);
	if (bytes > 0)
		w->sample.kernel_count = (uint32_t)bytes / sizeof(uint64_t);
}

INLINE void send(struct walk *w, struct layout_cpu *counters)
{
	uint32_t words = w->sample.kernel_count + w->sample.user_count;
	uint32_t size_bytes = sizeof(w->sample) + words * 8 + w->sample.stack_bytes;
	w->sample.head.size_bytes = size_bytes;
	if (size_bytes > sizeof(w->sample) + sizeof(w->words))
		return;
	if (bpf_ringbuf_output(&ring, &w->sample, size_bytes, BPF_RB_NO_WAKEUP))
		counters->lost++;
	else
		counters->samples++;
}

SEC("perf_event")
int on_tick(struct bpf_perf_event_data *tick)
{
	uint64_t begin_ns = bpf_ktime_get_ns();
	uint32_t cpu = bpf_get_smp_processor_id();
	struct layout_cpu *counters = bpf_map_lookup_elem(&cpus, &cpu);
	struct walk *w = bpf_map_lookup_elem(&walks, &cpu);
	struct task_struct *task = bpf_get_current_task_btf();
	if (!counters || !w)
		return 0;
	int32_t pid = pid_of(task->group_leader);
	if (!is_target(pid)) {
		counters->run_ns += bpf_ktime_get_ns() - begin_ns;
		return 0;
	}
	__builtin_memset(&w->sample, 0, sizeof(w->sample));
	w->sample.head.kind = WIRE_SAMPLE;
	w->sample.head.time_ns = begin_ns;
	w->sample.head.pid = pid;
	w->sample.head.tid = pid_of(task);
	w->sample.pc = tick->regs.ip;
	take_user_registers(tick, task, &w->sample);
	w->thread_pointer = task->thread.fsbase;
	find_space(w, pid);
	walk_kernel(tick, w);
	walk_user(w, counters, cpu);
	send(w, counters);
	counters->run_ns += bpf_ktime_get_ns() - begin_ns;
	return 0;
}

/* What our programs take counts wherever they run for those who are followed. */
INLINE void count_run(uint64_t begin_ns)
{
	uint32_t cpu = bpf_get_smp_processor_id();
	struct layout_cpu *counters = bpf_map_lookup_elem(&cpus, &cpu);
	if (counters)
		counters->run_ns += bpf_ktime_get_ns() - begin_ns;
}

INLINE bool tell(uint32_t kind, int32_t pid, int32_t tid, uint64_t cpu_ns)
{
	struct wire_task *record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record)
		return false;
	record->head.kind = kind;
	record->head.size_bytes = sizeof(*record);
	record->head.time_ns = bpf_ktime_get_ns();
	record->head.pid = pid;
	record->head.tid = tid;
	record->cpu_ns = cpu_ns;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return true;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	int32_t pid = pid_of(parent->group_leader), child_pid = pid_of(child);
	uint32_t active = TARGET_ACTIVE;
	uint64_t begin_ns = bpf_ktime_get_ns();
	(void)ctx;
	if (filter != FILTER_TREE || child->group_leader != child)
		return 0;
	/* A number that is used again: the process before is gone, even if its task is not freed yet. */
	if (bpf_map_lookup_elem(&targets, &child_pid))
		bpf_map_delete_elem(&targets, &child_pid);
	if (!follow_children)
		return 0;
	uint32_t *state = bpf_map_lookup_elem(&targets, &pid);
	if (state && *state == TARGET_ACTIVE) {
		bpf_map_update_elem(&targets, &child_pid, &active, BPF_ANY);
		count_run(begin_ns);
	}
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *binary)
{
	int32_t pid = pid_of(task->group_leader);
	uint64_t now_ns = bpf_ktime_get_ns();
	(void)ctx;
	(void)old_pid;
	(void)binary;
	uint32_t *state = bpf_map_lookup_elem(&targets, &pid);
	if (filter == FILTER_TREE && !state)
		return 0;
	bpf_map_update_elem(&images, &pid, &now_ns, BPF_ANY);
	if (state && *state == TARGET_WAITS_FOR_EXEC) {
		*state = TARGET_ACTIVE;
		tell(WIRE_EXEC, pid, pid_of(task), task->se.sum_exec_runtime);
	}
	count_run(now_ns);
	return 0;
}

/*
 * The first thing that the loader does for a library: from here on the published mappings may be older
 * than what is mapped (include/trace/events/mmap.h).
 */
SEC("tp_btf/vm_unmapped_area")
int on_mmap(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	int32_t pid = pid_of(task->group_leader);
	uint64_t now_ns = bpf_ktime_get_ns();
	(void)ctx;
	if (bpf_map_lookup_elem(&spaces, &pid)) {
		bpf_map_update_elem(&doubts, &pid, &now_ns, BPF_ANY);
		count_run(now_ns);
	}
	return 0;
}

/*
 * The scheduler counts a thread's CPU time at ticks and switches only, and much can follow here: the memory of a
 * process is given back, half a second a GB. So its time is told when the task is freed, and until then its
 * ticks count.
 */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	int32_t pid = pid_of(task->group_leader);
	uint64_t address = (uint64_t)task;
	(void)ctx;
	uint32_t *state = bpf_map_lookup_elem(&targets, &pid);
	if (filter == FILTER_TREE && !state)
		return 0;
	struct layout_ending ending = { pid, pid_of(task), task->se.sum_exec_runtime };
	bool kept = !bpf_map_update_elem(&endings, &address, &ending, BPF_ANY);
	if (!kept)
		tell(WIRE_EXIT, pid, ending.tid, ending.cpu_ns);
	if (task->signal->live.counter)
		return 0;
	if (state && kept)
		*state = TARGET_ENDED;
	else
		bpf_map_delete_elem(&targets, &pid);
	bpf_map_delete_elem(&spaces, &pid);
	bpf_map_delete_elem(&images, &pid);
	bpf_map_delete_elem(&doubts, &pid);
	return 0;
}

/* It has run for the last time, its parent has waited for it, and a grace period has passed. */
SEC("tp_btf/sched_process_free")
int BPF_PROG(on_free, struct task_struct *task)
{
	uint64_t address = (uint64_t)task;
	(void)ctx;
	struct layout_ending *found = bpf_map_lookup_elem(&endings, &address);
	if (!found)
		return 0;
	struct layout_ending ending = *found;
	if (tell(WIRE_EXIT, ending.pid, ending.tid, task->se.sum_exec_runtime))
		bpf_map_delete_elem(&endings, &address);
	else
		found->cpu_ns = task->se.sum_exec_runtime;
	uint32_t *state = bpf_map_lookup_elem(&targets, &ending.pid);
	if (state && *state == TARGET_ENDED && ending.tid == ending.pid)
		bpf_map_delete_elem(&targets, &ending.pid);
	return 0;
}

struct whoami {
	uint32_t level, inum;
};

/* Run once by user space: in which pid namespace perfprof itself lives. */
SEC("syscall")
int whoami(struct whoami *out)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pid *pid = task->thread_pid;
	struct upid upid;
	unsigned int inum = 0;
	if (!pid)
		return -1;
	out->level = pid->level;
	if (bpf_probe_read_kernel(&upid, sizeof(upid),
				  (const char *)__builtin_preserve_access_index(&pid->numbers) +
					  out->level * sizeof(upid)) ||
	    bpf_probe_read_kernel(&inum, sizeof(inum),
				  __builtin_preserve_access_index(&upid.ns->ns.inum)))
		return -1;
	out->inum = inum;
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
