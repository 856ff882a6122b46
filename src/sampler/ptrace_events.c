// SPDX-License-Identifier: MIT
#include "sampler/ptrace.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "base/clock.h"

/*
 * Nothing is waited for in the sense of wait(2) but ends: WNOWAIT looks at a stop and leaves it as it is. A stop
 * that was taken away has no signal any more; if perfprof were killed then, before it said how to go
 * on, the signal would be lost (kernel/exit.c, wait_task_stopped).
 */
enum {
	LOOK_AT = WNOWAIT | WEXITED | WSTOPPED | __WALL | __WNOTHREAD,
	TAKE_END = WEXITED | WNOHANG | __WALL | __WNOTHREAD,
	PAUSE_MS = 1,
};

static void go_on(pid_t tid, int signal_number)
{
	ptrace(PTRACE_CONT, tid, NULL, (long)signal_number);
}

/* Lets it be as it is: stopped as a whole process, as SIGSTOP and ^Z have it, until SIGCONT. */
static void stay_stopped(pid_t tid)
{
	ptrace(PTRACE_LISTEN, tid, NULL, NULL);
}

static void tell_birth(struct ptrace_sampler *p, const struct ptrace_thread *t, pid_t parent_pid,
		       pid_t parent_tid)
{
	struct record record = { .kind = RECORD_FORK,
				 .time_ns = monotonic_ns(),
				 .pid = t->pid,
				 .tid = t->tid,
				 .fork = { parent_pid, parent_tid } };
	ptrace_tell(p, &record, NULL, 0);
}

/* A process begins with what its parent has mapped. */
static void inherit_ranges(struct ptrace_process *child, const struct ptrace_process *parent)
{
	if (!parent || child == parent || child->ranges.count ||
	    !vec_reserve(&child->ranges, parent->ranges.count + 1))
		return;
	if (parent->ranges.count)
		memcpy(child->ranges.at, parent->ranges.at,
		       parent->ranges.count * sizeof(parent->ranges.at[0]));
	child->ranges.count = parent->ranges.count;
}

static void adopt(struct ptrace_sampler *p, pid_t tid, pid_t pid, pid_t parent_pid,
		  pid_t parent_tid)
{
	struct ptrace_thread *t = ptrace_thread_add(p, pid, tid);
	if (!t)
		return;
	struct ptrace_thread *parent = ptrace_thread_find(p, parent_tid);
	if (parent)
		memcpy(t->comm, parent->comm, sizeof(t->comm));
	inherit_ranges(ptrace_process_find(p, pid), ptrace_process_find(p, parent_pid));
	tell_birth(p, t, parent_pid, parent_tid);
}

/* The child's own first stop may come before its parent's word of it, or after. */
static void on_birth(struct ptrace_sampler *p, struct ptrace_thread *parent)
{
	unsigned long message = 0;
	pid_t pid = parent->pid, parent_tid = parent->tid;
	if (ptrace(PTRACE_GETEVENTMSG, parent_tid, NULL, &message) < 0)
		return;
	pid_t tid = (pid_t)message;
	go_on(parent_tid, 0);
	if (ptrace_thread_find(p, tid))
		return;
	bool is_thread = ptrace_proc_is_thread_of(pid, tid);
	if (is_thread || p->config.children)
		adopt(p, tid, is_thread ? pid : tid, pid, parent_tid);
}

/* The first stop of a thread that is not known yet. */
static void on_newborn(struct ptrace_sampler *p, pid_t tid)
{
	pid_t parent_pid = 0, pid = ptrace_proc_leader(tid, &parent_pid);
	bool is_thread = pid && pid != tid;
	if (pid && (is_thread || p->config.children)) {
		adopt(p, tid, pid, is_thread ? pid : parent_pid, is_thread ? pid : parent_pid);
		go_on(tid, 0);
	} else { /* made by clone(2) and no thread */
		ptrace(PTRACE_DETACH, tid, NULL, NULL);
	}
}

static void tell_exec(struct ptrace_sampler *p, struct ptrace_thread *t)
{
	uint64_t now_ns = monotonic_ns();
	ptrace_proc_comm(t);
	t->comm_read_ns = now_ns;
	struct record record = { .kind = RECORD_COMM,
				 .time_ns = now_ns,
				 .pid = t->pid,
				 .tid = t->tid,
				 .comm = { t->comm, true } };
	ptrace_tell(p, &record, t->comm, strlen(t->comm) + 1);
	struct ptrace_process *process = ptrace_process_find(p, t->pid);
	ptrace_maps_forget(process);
	process->born_ns = now_ns;
	ptrace_maps_read(p, process, now_ns, true);
}

/* Exec by a thread that does not lead its process: it takes the leader's number, which has ended. */
static void take_over(struct ptrace_sampler *p, pid_t pid, pid_t former_tid)
{
	struct ptrace_thread *former = ptrace_thread_find(p, former_tid);
	struct ptrace_thread *leader = ptrace_thread_find(p, pid);
	if (!former || !leader || former == leader)
		return;
	ptrace_tell_cpu(p, leader, leader->credit.cpu_ns);
	uint64_t cpu_base_ns = former->cpu_base_ns;
	struct ptrace_credit credit = former->credit;
	ptrace_thread_remove(p, former);
	leader = ptrace_thread_find(p, pid);
	ptrace_proc_close(leader);
	leader->cpu_base_ns = cpu_base_ns;
	leader->credit = credit;
}

static void on_exec(struct ptrace_sampler *p, pid_t tid)
{
	unsigned long former = 0;
	if (ptrace(PTRACE_GETEVENTMSG, tid, NULL, &former) == 0 && (pid_t)former != tid)
		take_over(p, tid, (pid_t)former);
	struct ptrace_thread *t = ptrace_thread_find(p, tid);
	if (t) {
		ptrace_proc_close(t);
		if (t->state == PTRACE_WAITS_FOR_EXEC) {
			t->cpu_base_ns = ptrace_proc_cpu_ns(t);
			ptrace_credit_begin(&t->credit, t->cpu_base_ns, monotonic_ns());
		}
		t->state = PTRACE_RUNS;
		tell_exec(p, t);
	}
	go_on(tid, 0);
}

/* PTRACE_EVENT_STOP: what we asked for, a new thread, or a stop of the whole process. */
static void on_stop_event(struct ptrace_sampler *p, pid_t tid, int signal_number)
{
	struct ptrace_thread *t = ptrace_thread_find(p, tid);
	if (signal_number != SIGTRAP) {
		if (t && t->state == PTRACE_INTERRUPTED)
			t->state = PTRACE_RUNS;
		stay_stopped(tid);
	} else if (!t) {
		on_newborn(p, tid);
	} else if (t->state == PTRACE_INTERRUPTED) {
		ptrace_sample_stopped(p, t);
	} else {
		go_on(tid, 0);
	}
}

static void on_stop(struct ptrace_sampler *p, pid_t tid, int status)
{
	struct ptrace_thread *t = ptrace_thread_find(p, tid);
	int signal_number = status & 0xff, event = status >> 8;
	/* Any stop answers an interrupt. */
	if (t && t->state == PTRACE_INTERRUPTED && event != PTRACE_EVENT_STOP)
		t->state = PTRACE_RUNS;
	switch (event) {
	case PTRACE_EVENT_STOP: on_stop_event(p, tid, signal_number); break;
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		if (t)
			on_birth(p, t);
		else
			go_on(tid, 0);
		break;
	case PTRACE_EVENT_EXEC: on_exec(p, tid); break;
	case 0: go_on(tid, signal_number); break;
	default: go_on(tid, 0); break;
	}
}

/* A zombie that is traced still has its clock. The status of a child of ours is for the session. */
static void on_end(struct ptrace_sampler *p, pid_t tid)
{
	struct ptrace_thread *t = ptrace_thread_find(p, tid);
	bool is_child = tid == atomic_load(&p->child);
	if (t && t->state != PTRACE_ENDED) {
		struct record record = {
			.kind = RECORD_EXIT, .time_ns = monotonic_ns(), .pid = t->pid, .tid = tid
		};
		uint64_t cpu_ns = ptrace_proc_cpu_ns(t);
		ptrace_tell_cpu(p, t, cpu_ns ? cpu_ns : t->credit.cpu_ns);
		ptrace_tell(p, &record, NULL, 0);
		t->state = PTRACE_ENDED;
	}
	if (is_child)
		return;
	siginfo_t info;
	if (t)
		ptrace_thread_remove(p, t);
	waitid(P_PID, (id_t)tid, &info, TAKE_END);
}

enum ptrace_event_result ptrace_event_take(struct ptrace_sampler *p, bool wait)
{
	siginfo_t info = { 0 };
	if (waitid(P_ALL, 0, &info, LOOK_AT | (wait ? 0 : WNOHANG)) < 0) {
		if (wait && errno == ECHILD) /* nobody is left, or not there yet */
			poll(NULL, 0, PAUSE_MS);
		return errno == EINTR ? PTRACE_EVENT_WOKEN : PTRACE_EVENT_NONE;
	}
	if (!info.si_pid)
		return PTRACE_EVENT_NONE;
	bool ended = info.si_code == CLD_EXITED || info.si_code == CLD_KILLED ||
		     info.si_code == CLD_DUMPED;
	if (!ended) {
		on_stop(p, info.si_pid, info.si_status);
		return PTRACE_EVENT_TAKEN;
	}
	bool stays = info.si_pid == atomic_load(&p->child);
	on_end(p, info.si_pid);
	if (!stays)
		return PTRACE_EVENT_TAKEN;
	/* Until the session takes its status it is the last of the list, and hides nobody. */
	if (wait)
		poll(NULL, 0, PAUSE_MS);
	return PTRACE_EVENT_NONE;
}
