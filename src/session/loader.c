// SPDX-License-Identifier: MIT
#include "session/loader.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { LOADER_PATIENCE_MS = 500 };

struct load_job {
	struct load_job *next;
	enum load_kind kind;
	uint32_t token;
	struct mapped_open what; /* LOAD_OBJECT */
	struct object *object;   /* LOAD_ROWS */
	struct load_result result;
};

struct load_queue {
	struct load_job *first, **last;
};

struct loader {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct load_queue urgent, normal, done;
	int event_fd;
	bool stop, stopped;
};

static void queue_init(struct load_queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static void queue_push(struct load_queue *q, struct load_job *job)
{
	job->next = NULL;
	*q->last = job;
	q->last = &job->next;
}

static struct load_job *queue_pop(struct load_queue *q)
{
	struct load_job *job = q->first;
	if (job) {
		q->first = job->next;
		if (!q->first)
			q->last = &q->first;
	}
	return job;
}

static void job_free(struct load_job *job)
{
	free(job->what.path);
	object_unref(job->object);
	free(job);
}

static void job_do(struct load_job *job, struct file_roots *roots)
{
	struct load_result *r = &job->result;
	r->kind = job->kind;
	r->token = job->token;
	if (job->kind == LOAD_OBJECT)
		r->status = mapped_open(roots, &job->what, &r->object, &r->error);
	else
		r->status = unwind_table_create(job->object, &r->table, &r->error);
}

static void *loader_main(void *argument)
{
	struct loader *l = argument;
	struct file_roots roots = { .count = 0 };
	pthread_mutex_lock(&l->lock);
	while (!l->stop) {
		struct load_job *job = queue_pop(&l->urgent);
		if (!job)
			job = queue_pop(&l->normal);
		if (!job) {
			pthread_cond_wait(&l->wake, &l->lock);
			continue;
		}
		pthread_mutex_unlock(&l->lock);
		job_do(job, &roots);
		pthread_mutex_lock(&l->lock);
		queue_push(&l->done, job);
		eventfd_write(l->event_fd, 1);
	}
	l->stopped = true;
	pthread_mutex_unlock(&l->lock);
	file_roots_deinit(&roots);
	return NULL;
}

int loader_start(struct loader **out, struct error *err)
{
	struct loader *l = calloc(1, sizeof(*l));
	if (!l)
		return fail(err, -ENOMEM, "out of memory");
	queue_init(&l->urgent);
	queue_init(&l->normal);
	queue_init(&l->done);
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->wake, NULL);
	l->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->event_fd < 0) {
		int r = fail_errno(err, "cannot make an eventfd");
		free(l);
		return r;
	}
	int code = pthread_create(&l->thread, NULL, loader_main, l);
	if (code) {
		close(l->event_fd);
		free(l);
		return fail(err, -code, "cannot start a thread: %s", strerror(code));
	}
	pthread_setname_np(l->thread, "perfprof-load");
	*out = l;
	return 0;
}

int loader_fd(const struct loader *l)
{
	return l->event_fd;
}

static int loader_push(struct loader *l, struct load_queue *q, struct load_job *job)
{
	pthread_mutex_lock(&l->lock);
	queue_push(q, job);
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->lock);
	return 0;
}

int loader_open(struct loader *l, uint32_t token, const struct mapped_open *what)
{
	struct load_job *job = calloc(1, sizeof(*job));
	char *path = strdup(what->path);
	if (!job || !path) {
		free(job);
		free(path);
		return -ENOMEM;
	}
	job->kind = LOAD_OBJECT;
	job->token = token;
	job->what = *what;
	job->what.path = path;
	return loader_push(l, &l->normal, job);
}

int loader_rows(struct loader *l, uint32_t token, struct object *object)
{
	struct load_job *job = calloc(1, sizeof(*job));
	if (!job)
		return -ENOMEM;
	job->kind = LOAD_ROWS;
	job->token = token;
	job->object = object_ref(object);
	return loader_push(l, &l->urgent, job);
}

bool loader_take(struct loader *l, struct load_result *out)
{
	pthread_mutex_lock(&l->lock);
	struct load_job *job = queue_pop(&l->done);
	if (!job) {
		eventfd_t ignored;
		eventfd_read(l->event_fd, &ignored);
	}
	pthread_mutex_unlock(&l->lock);
	if (!job)
		return false;
	*out = job->result;
	job_free(job);
	return true;
}

uint64_t loader_cpu_ns(const struct loader *l)
{
	clockid_t id;
	return pthread_getcpuclockid(l->thread, &id) ? 0 : clock_ns(id);
}

static bool loader_join(struct loader *l)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += LOADER_PATIENCE_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	if (!pthread_timedjoin_np(l->thread, NULL, &until))
		return true;
	pthread_detach(l->thread);
	return false;
}

void loader_destroy(struct loader *l)
{
	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	l->stop = true;
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->lock);
	if (!loader_join(l))
		return;
	struct load_job *job;
	struct load_result r;
	while (loader_take(l, &r)) {
		object_unref(r.object);
		unwind_table_destroy(r.table);
	}
	while ((job = queue_pop(&l->urgent)) || (job = queue_pop(&l->normal)))
		job_free(job);
	pthread_cond_destroy(&l->wake);
	pthread_mutex_destroy(&l->lock);
	close(l->event_fd);
	free(l);
}
