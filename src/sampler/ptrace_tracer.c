// SPDX-License-Identifier: MIT
#include "sampler/ptrace.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	/* The timer rings again and again: a signal that comes just before we go to sleep wakes nobody. */
	RING_AGAIN_NS = 300 * 1000,
	LATE_NS = 100 * 1000,
	EVENTS_IN_A_ROW = 64,
	CONTROL_BYTES = 4 << 20, /* of the ring that samples leave to what must not be lost */
};

int ptrace_kick_signal(void)
{
	return SIGRTMIN + 4;
}

void ptrace_tell(struct ptrace_sampler *p, const struct record *record, const void *extra,
		 size_t extra_bytes)
{
	bool is_sample = record->kind == RECORD_SAMPLE;
	bool written = ptrace_ring_write(&p->ring, record, extra, extra_bytes,
					 is_sample ? CONTROL_BYTES : 0);
	if (!is_sample)
		return;
	atomic_fetch_add_explicit(written ? &p->samples : &p->lost, 1, memory_order_relaxed);
}

static void tell_lost(struct ptrace_sampler *p)
{
	uint64_t lost = atomic_load_explicit(&p->lost, memory_order_relaxed);
	struct record record = { .kind = RECORD_LOST,
				 .time_ns = monotonic_ns(),
				 .lost = { lost - p->told_lost } };
	if (lost == p->told_lost)
		return;
	p->told_lost = lost;
	ptrace_tell(p, &record, NULL, 0);
}

static void answer(struct ptrace_sampler *p)
{
	pthread_mutex_lock(&p->lock);
	struct ptrace_request *r = &p->request;
	switch (r->kind) {
	case PTRACE_ASK_ADD: r->answer = ptrace_seize_process(p, r->pid, r->err); break;
	case PTRACE_ASK_ADD_ON_EXEC: r->answer = ptrace_seize_on_exec(p, r->pid, r->err); break;
	case PTRACE_ASK_ARM: ptrace_begin_window(p); break;
	case PTRACE_ASK_NOTHING: break;
	}
	if (r->kind != PTRACE_ASK_NOTHING)
		pthread_cond_signal(&p->answered);
	r->kind = PTRACE_ASK_NOTHING;
	pthread_mutex_unlock(&p->lock);
}

static void set_timer(struct ptrace_sampler *p, uint64_t at_ns)
{
	struct itimerspec when = {
		.it_value = { (time_t)(at_ns / NSEC_PER_SEC), (long)(at_ns % NSEC_PER_SEC) },
		.it_interval = { 0, RING_AGAIN_NS },
	};
	timer_settime(p->timer, TIMER_ABSTIME, &when, NULL);
}

/*
 * A look counts if we slept when it was due, and the timer woke us at once: then whose place we have taken is chance.
 * If we were late, the scheduler may have had us wait until that thread did a system call.
 */
static void look_if_due(struct ptrace_sampler *p, bool woken_by_timer)
{
	uint64_t now_ns = monotonic_ns();
	if (now_ns < p->next_look_ns)
		return;
	p->moment = !woken_by_timer                      ? PTRACE_MOMENT_OF_AN_EVENT
		    : now_ns < p->next_look_ns + LATE_NS ? PTRACE_MOMENT_OF_CHANCE
							 : PTRACE_MOMENT_LATE;
	p->next_look_ns = p->armed ? ptrace_look(p, now_ns) : now_ns + 10 * NSEC_PER_MSEC;
	tell_lost(p);
}

/* Sleeps until something is due or has happened, and does it. */
static void turn(struct ptrace_sampler *p)
{
	answer(p);
	set_timer(p, p->next_look_ns);
	enum ptrace_event_result result = ptrace_event_take(p, true);
	look_if_due(p, result == PTRACE_EVENT_WOKEN);
	for (int i = 0; result == PTRACE_EVENT_TAKEN && i < EVENTS_IN_A_ROW; i++)
		result = ptrace_event_take(p, false);
}

static bool make_timer(struct ptrace_sampler *p)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID,
				  .sigev_signo = ptrace_kick_signal() };
	event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	p->has_timer = timer_create(CLOCK_MONOTONIC, &event, &p->timer) == 0;
	return p->has_timer;
}

/*
 * A timer that rings for us shall put us in the place of whoever runs on that CPU, at once: that is what makes the
 * moment a random one of the target's. The scheduler does that sooner for those who ask for little at a
 * time (since Linux 6.12), and never for SCHED_IDLE, which we may have inherited.
 */
static void take_precedence(void)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime_ns, deadline_ns, period_ns;
	} wish = { .size = sizeof(wish), .runtime_ns = 100 * 1000 };
	struct sched_param first = { .sched_priority = 1 };
	wish.nice = getpriority(PRIO_PROCESS, 0);
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first) < 0)
		syscall(SYS_sched_setattr, 0, &wish, 0);
}

/* @return the time in us that `percent` of the stops did not exceed */
static unsigned stop_us_at(const struct ptrace_sampler *p, unsigned percent)
{
	uint64_t all = 0, seen = 0;
	unsigned us = 0;
	for (unsigned i = 0; i < PTRACE_STOP_MOST_US; i++)
		all += p->counts.stop_us[i];
	for (; us < PTRACE_STOP_MOST_US && seen * 100 < all * percent; us++)
		seen += p->counts.stop_us[us];
	return us;
}

static void log_counts(const struct ptrace_sampler *p)
{
	log_debug(p->config.log, LOG_SAMPLER,
		  "%llu looks, %llu of them late, %llu found a thread; stopped for %u us (median), "
		  "%u us (99 %%); %llu calls begun again",
		  (unsigned long long)p->counts.looks, (unsigned long long)p->counts.late,
		  (unsigned long long)p->counts.displaced, stop_us_at(p, 50), stop_us_at(p, 99),
		  (unsigned long long)atomic_load(&p->restarted));
}

static void *tracer_main(void *argument)
{
	struct ptrace_sampler *p = argument;
	sigset_t kick;
	sigemptyset(&kick);
	sigaddset(&kick, ptrace_kick_signal());
	pthread_sigmask(SIG_UNBLOCK, &kick, NULL);
	take_precedence();
	bool ready = make_timer(p) && ptrace_look_init(p) == 0;
	atomic_store(&p->tracer_tid, ready ? (pid_t)syscall(SYS_gettid) : -1);
	while (ready && !atomic_load(&p->ending))
		turn(p);
	ptrace_end_window(p);
	tell_lost(p);
	log_counts(p);
	if (p->has_timer)
		timer_delete(p->timer);
	return NULL; /* the kernel lets go of all that we have seized */
}

static void do_nothing(int number)
{
	(void)number;
}

int ptrace_tracer_start(struct ptrace_sampler *p, struct error *err)
{
	struct sigaction kick = { .sa_handler = do_nothing };
	struct sigaction no_stops = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP };
	sigset_t all, before;
	sigfillset(&all);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->answered, NULL);
	sigaction(ptrace_kick_signal(), &kick, &p->kick_before);
	/* The session waits for ends of children, not for each of our stops. */
	sigaction(SIGCHLD, &no_stops, &p->sigchld_before);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(&p->thread, NULL, tracer_main, p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		return fail(err, -r, "cannot start a thread: %s", strerror(r));
	p->has_thread = true;
	while (!atomic_load(&p->tracer_tid))
		usleep(50);
	return atomic_load(&p->tracer_tid) < 0 ? fail(err, -EAGAIN, "cannot make a timer") : 0;
}

/* pthread_join() returns when the thread has given up its memory: it lets go of others later. */
static void await_end(pid_t tid)
{
	enum { TRIES = 20000, PAUSE_US = 50 };
	pid_t pid = getpid();
	for (int i = 0; i < TRIES && syscall(SYS_tgkill, pid, tid, 0) == 0; i++)
		usleep(PAUSE_US);
}

void ptrace_tracer_end(struct ptrace_sampler *p)
{
	if (!p->has_thread)
		return;
	atomic_store(&p->ending, true);
	pthread_kill(p->thread, ptrace_kick_signal()); /* lost, it is followed by the timer's */
	pthread_join(p->thread, NULL);
	if (atomic_load(&p->tracer_tid) > 0)
		await_end(atomic_load(&p->tracer_tid));
	p->has_thread = false;
	sigaction(ptrace_kick_signal(), &p->kick_before, NULL);
	sigaction(SIGCHLD, &p->sigchld_before, NULL);
	pthread_cond_destroy(&p->answered);
	pthread_mutex_destroy(&p->lock);
}

int ptrace_tracer_ask(struct ptrace_sampler *p, enum ptrace_request_kind kind, pid_t pid,
		      struct error *err)
{
	pthread_mutex_lock(&p->lock);
	p->request = (struct ptrace_request){ .kind = kind, .pid = pid, .err = err };
	pthread_kill(p->thread, ptrace_kick_signal());
	while (p->request.kind != PTRACE_ASK_NOTHING)
		pthread_cond_wait(&p->answered, &p->lock);
	int answered = p->request.answer;
	pthread_mutex_unlock(&p->lock);
	return answered;
}
