// SPDX-License-Identifier: MIT
#include "symbol/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/vec.h"

enum {
	WORKER_STACK_BYTES = 16 << 20, /* demangling recurses: see demangle.c */
	WORKER_PATIENCE_S = 4,
};

struct request_queue {
	VEC(struct symbol_request) requests;
};

struct symbol_worker {
	struct symbol_resolver *resolver; /* the thread's while it runs */
	pthread_t thread;
	int event_fd; /* counts 1 while `answers` are not all taken */

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t submitted, answered;
	struct request_queue waiting;
	VEC(struct symbol_answer) answers;
	size_t taken; /* answers before this one are the caller's already */
	uint32_t unanswered;
	bool stop;
};

static void signal_answers(struct symbol_worker *w)
{
	const uint64_t one = 1;
	ssize_t ignored = write(w->event_fd, &one, sizeof(one)); /* cannot fail below 2^64 */
	(void)ignored;
}

static void clear_answers(struct symbol_worker *w)
{
	uint64_t count;
	ssize_t ignored = read(w->event_fd, &count, sizeof(count)); /* EAGAIN: nothing to clear */
	(void)ignored;
	w->answers.count = 0;
	w->taken = 0;
}

static void answer(struct symbol_worker *w, const struct symbol_request *request)
{
	struct symbol_answer a = { .token = request->token };
	if (request->object)
		symbol_resolve(w->resolver, request->object, request->vaddr, &a.result);
	else
		symbol_resolve_kernel(w->resolver, request->vaddr, &a.result);
	object_unref(request->object);
	pthread_mutex_lock(&w->lock);
	/* Room was made at submit: each request has its answer. */
	if (vec_push(&w->answers, a) && w->answers.count == w->taken + 1)
		signal_answers(w);
	w->unanswered--;
	pthread_cond_broadcast(&w->answered);
	pthread_mutex_unlock(&w->lock);
}

/* Takes all that waits, so that the lock is held shortly. @return false at the end */
static bool next_batch(struct symbol_worker *w, struct request_queue *batch)
{
	pthread_mutex_lock(&w->lock);
	while (!w->stop && !w->waiting.requests.count)
		pthread_cond_wait(&w->submitted, &w->lock);
	struct request_queue swap = w->waiting;
	w->waiting = *batch;
	*batch = swap;
	bool go_on = !w->stop;
	pthread_mutex_unlock(&w->lock);
	return go_on;
}

static bool stopping(struct symbol_worker *w)
{
	return __atomic_load_n(&w->stop, __ATOMIC_RELAXED);
}

static void *worker_main(void *context)
{
	struct symbol_worker *w = context;
	struct request_queue batch = { 0 };
	while (next_batch(w, &batch)) {
		size_t i = 0;
		for (; i < batch.requests.count && !stopping(w); i++)
			answer(w, &batch.requests.at[i]);
		for (; i < batch.requests.count; i++)
			object_unref(batch.requests.at[i].object);
		batch.requests.count = 0;
	}
	for (size_t i = 0; i < batch.requests.count; i++)
		object_unref(batch.requests.at[i].object);
	vec_free(&batch.requests);
	return NULL;
}

/* The thread takes no signals: they are for the event loop. */
static int start_thread(struct symbol_worker *w)
{
	sigset_t all, before;
	pthread_attr_t attributes;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, WORKER_STACK_BYTES);
	int rc = pthread_create(&w->thread, &attributes, worker_main, w);
	pthread_attr_destroy(&attributes);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		pthread_setname_np(w->thread, "perfprof-names");
	return -rc;
}

static void worker_free(struct symbol_worker *w)
{
	for (size_t i = 0; i < w->waiting.requests.count; i++)
		object_unref(w->waiting.requests.at[i].object);
	vec_free(&w->waiting.requests);
	vec_free(&w->answers);
	symbol_resolver_destroy(w->resolver);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->submitted);
	pthread_cond_destroy(&w->answered);
	if (w->event_fd >= 0)
		close(w->event_fd);
	free(w);
}

int symbol_worker_start(const struct symbol_config *config, struct symbol_worker **out,
			struct error *err)
{
	struct symbol_worker *w = calloc(1, sizeof(*w));
	if (!w)
		return fail(err, -ENOMEM, "out of memory");
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->submitted, NULL);
	pthread_cond_init(&w->answered, &monotonic);
	pthread_condattr_destroy(&monotonic);
	w->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int rc = w->event_fd < 0 ? fail_errno(err, "cannot make an event descriptor")
				 : symbol_resolver_create(config, &w->resolver, err);
	if (rc == 0) {
		rc = start_thread(w);
		if (rc < 0)
			fail(err, rc, "cannot start the thread that names addresses: %s",
			     strerror(-rc));
	}
	if (rc < 0) {
		worker_free(w);
		return rc;
	}
	*out = w;
	return 0;
}

int symbol_worker_fd(const struct symbol_worker *w)
{
	return w->event_fd;
}

int symbol_worker_submit(struct symbol_worker *w, const struct symbol_request *request)
{
	int rc = -ENOMEM;
	pthread_mutex_lock(&w->lock);
	if (vec_reserve(&w->answers, w->answers.count + w->unanswered + 1) &&
	    vec_push(&w->waiting.requests, *request)) {
		if (request->object)
			object_ref(request->object);
		w->unanswered++;
		pthread_cond_signal(&w->submitted);
		rc = 0;
	}
	pthread_mutex_unlock(&w->lock);
	return rc;
}

bool symbol_worker_take(struct symbol_worker *w, struct symbol_answer *out)
{
	pthread_mutex_lock(&w->lock);
	bool any = w->taken < w->answers.count;
	if (any) {
		*out = w->answers.at[w->taken++];
		if (w->taken == w->answers.count)
			clear_answers(w);
	}
	pthread_mutex_unlock(&w->lock);
	return any;
}

uint32_t symbol_worker_pending(const struct symbol_worker *w)
{
	struct symbol_worker *mutable = (struct symbol_worker *)(uintptr_t)w;
	pthread_mutex_lock(&mutable->lock);
	uint32_t pending = w->unanswered + (uint32_t)(w->answers.count - w->taken);
	pthread_mutex_unlock(&mutable->lock);
	return pending;
}

bool symbol_worker_wait(struct symbol_worker *w, int timeout_ms)
{
	uint64_t until =
		monotonic_ns() + (uint64_t)(timeout_ms < 0 ? 0 : timeout_ms) * NSEC_PER_MSEC;
	const struct timespec deadline = { .tv_sec = (time_t)(until / NSEC_PER_SEC),
					   .tv_nsec = (long)(until % NSEC_PER_SEC) };
	int rc = 0;
	pthread_mutex_lock(&w->lock);
	while (w->unanswered && rc == 0)
		rc = pthread_cond_timedwait(&w->answered, &w->lock, &deadline);
	bool all = !w->unanswered;
	pthread_mutex_unlock(&w->lock);
	return all;
}

uint64_t symbol_worker_cpu_ns(const struct symbol_worker *w)
{
	clockid_t clock;
	return pthread_getcpuclockid(w->thread, &clock) == 0 ? clock_ns(clock) : 0;
}

/* A file system that does not answer holds the thread for a while: what it owns is left to it. */
static bool has_ended(struct symbol_worker *w)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WORKER_PATIENCE_S;
	if (pthread_timedjoin_np(w->thread, NULL, &until) == 0)
		return true;
	pthread_detach(w->thread);
	return false;
}

void symbol_worker_destroy(struct symbol_worker *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	__atomic_store_n(&w->stop, true, __ATOMIC_RELAXED);
	pthread_cond_signal(&w->submitted);
	pthread_mutex_unlock(&w->lock);
	if (has_ended(w))
		worker_free(w);
}
