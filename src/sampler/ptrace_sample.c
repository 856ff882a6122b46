// SPDX-License-Identifier: MIT
#include "sampler/ptrace.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "base/clock.h"
#include "process/memory.h"
#include "sampler/ptrace_restart.h"

enum {
	COMM_EARLY_SAMPLES = 4, /* a thread's name is set soon after its birth, or hardly ever */
	COMM_PAUSE_NS = 20 * 1000 * 1000,
};

/* The registers of a 32-bit thread (i386: struct user_regs_struct), as PTRACE_GETREGSET gives them. */
struct compat_registers {
	uint32_t ebx, ecx, edx, esi, edi, ebp, eax, ds, es, fs, gs, orig_eax, eip, cs, eflags, esp,
		ss;
};

union registers {
	struct user_regs_struct wide;
	struct compat_registers narrow;
};

struct stopped {
	struct ptrace_thread *t;
	union registers at;
	size_t bytes; /* of `at` */
	bool is_32bit;
};

static bool read_registers(struct stopped *s)
{
	struct iovec io = { &s->at, sizeof(s->at) };
	if (ptrace(PTRACE_GETREGSET, s->t->tid, (void *)NT_PRSTATUS, &io) < 0)
		return false;
	s->bytes = io.iov_len;
	s->is_32bit = io.iov_len == sizeof(struct compat_registers);
	return true;
}

/*
 * The call that the thread went to sleep in meanwhile shall not be seen to return early. Waiting signals are
 * another matter: they would have ended it without us.
 */
static void repair_call(struct ptrace_sampler *p, struct stopped *s)
{
	struct iovec io = { &s->at, s->bytes };
	int64_t result = s->is_32bit ? (int32_t)s->at.narrow.eax : (int64_t)s->at.wide.rax;
	int64_t call = s->is_32bit ? (int32_t)s->at.narrow.orig_eax : (int64_t)s->at.wide.orig_rax;
	if (result != -EINTR || call < 0 ||
	    !ptrace_restart_is_possible(s->is_32bit, (uint64_t)call))
		return;
	if (s->is_32bit)
		s->at.narrow.eax = (uint32_t)PTRACE_RESTART_RESULT;
	else
		s->at.wide.rax = (uint64_t)(int64_t)PTRACE_RESTART_RESULT;
	if (ptrace(PTRACE_SETREGSET, s->t->tid, (void *)NT_PRSTATUS, &io) == 0)
		atomic_fetch_add_explicit(&p->restarted, 1, memory_order_relaxed);
}

/* In DWARF order (psABI, figure 3.36). */
static void put_registers(const struct user_regs_struct *r, uint64_t *out)
{
	const uint64_t in_order[REGISTER_COUNT] = { r->rax, r->rdx, r->rcx, r->rbx, r->rsi, r->rdi,
						    r->rbp, r->rsp, r->r8,  r->r9,  r->r10, r->r11,
						    r->r12, r->r13, r->r14, r->r15, r->rip };
	memcpy(out, in_order, sizeof(in_order));
}

static void tell_comm(struct ptrace_sampler *p, struct ptrace_thread *t, uint64_t now_ns)
{
	struct record record = { .kind = RECORD_COMM,
				 .time_ns = now_ns,
				 .pid = t->pid,
				 .tid = t->tid,
				 .comm = { t->comm, false } };
	bool early = t->samples < COMM_EARLY_SAMPLES;
	if (!early && now_ns < t->comm_read_ns + COMM_PAUSE_NS)
		return;
	t->comm_read_ns = now_ns;
	if (ptrace_proc_comm(t))
		ptrace_tell(p, &record, t->comm, strlen(t->comm) + 1);
}

static void tell_sample(struct ptrace_sampler *p, const struct stopped *s,
			struct ptrace_process *process, size_t stack_bytes, uint64_t now_ns)
{
	struct ptrace_thread *t = s->t;
	struct record record = {
		.kind = RECORD_SAMPLE, .time_ns = now_ns, .pid = t->pid, .tid = t->tid
	};
	struct record_sample *sample = &record.sample;
	sample->user_half = USER_HALF_COPIED;
	sample->has_registers = true;
	sample->abi_32bit = s->is_32bit;
	if (s->is_32bit)
		sample->registers[REGISTER_PC] = s->at.narrow.eip;
	else
		put_registers(&s->at.wide, sample->registers);
	sample->pc = sample->registers[REGISTER_PC];
	sample->stack_size_bytes = (uint32_t)stack_bytes;
	sample->stack_copy_full = stack_bytes == PTRACE_STACK_BYTES;
	ptrace_maps_look(p, process, sample->pc, now_ns);
	tell_comm(p, t, now_ns);
	t->samples++;
	ptrace_tell(p, &record, p->stack, stack_bytes);
}

static void count_stop(struct ptrace_sampler *p, uint64_t stopped_ns)
{
	uint64_t us = stopped_ns / 1000;
	atomic_fetch_add_explicit(&p->stopped_ns, stopped_ns, memory_order_relaxed);
	p->counts.stop_us[us < PTRACE_STOP_MOST_US ? us : PTRACE_STOP_MOST_US - 1]++;
}

void ptrace_sample_stopped(struct ptrace_sampler *p, struct ptrace_thread *t)
{
	struct stopped s = { .t = t };
	struct ptrace_process *process = ptrace_process_find(p, t->pid);
	size_t stack_bytes = 0;
	uint64_t now_ns = monotonic_ns();
	bool wanted = p->armed && process && read_registers(&s);
	t->state = PTRACE_RUNS;
	if (wanted)
		repair_call(p, &s);
	if (wanted && !s.is_32bit)
		stack_bytes =
			process_read_some(t->tid, s.at.wide.rsp, p->stack, PTRACE_STACK_BYTES);
	ptrace(PTRACE_CONT, t->tid, NULL, NULL);
	count_stop(p, monotonic_ns() - now_ns);
	if (!wanted)
		return;
	ptrace_credit_sampled(&t->credit, p->period_ns);
	tell_sample(p, &s, process, stack_bytes, now_ns);
}
