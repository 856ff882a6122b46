// SPDX-License-Identifier: MIT
#include "process/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "process/live.h"
#include "process/mapped_files.h"
#include "process/mappings.h"

enum {
	TOMBSTONES = 256,   /* ended processes whose mappings are still kept */
	TWIN_NS = 10000000, /* while a sampler's events overlap, two report the same fork or exec */
};

struct image {
	struct process_info info;
	struct mappings *mappings; /* NULL: given up after the end */
	mapped_id binary;
	uint32_t live_threads;
	uint64_t born_ns; /* of the fork or exec; 0 if it was there before us */
	bool untouched;   /* nothing was mapped since exec */
};

struct process_table {
	struct strings strings;
	bool is_recorded;
	VEC(struct image) images;        /* by process_id */
	struct map64 current;            /* pid -> process_id */
	VEC(struct thread_info) threads; /* by thread_ref */
	struct map64 current_thread;     /* (process_id, tid) -> thread_ref */
	struct row_index
		thread_index; /* by (process_id, tid, comm): some change names all the time */
	struct map64 live;    /* tid -> process_id of each thread that has not ended */
	struct mapped_files files;
	process_id tombstones[TOMBSTONES];
	uint32_t tombstone_count;
};

int process_table_create(struct process_table **out, struct error *err)
{
	struct process_table *t = calloc(1, sizeof(*t));
	if (!t || strings_init(&t->strings) < 0 || !vec_push(&t->images, (struct image){ 0 }) ||
	    !vec_push(&t->threads, (struct thread_info){ { 0 }, 0, { 0 } }) ||
	    !mapped_files_init(&t->files)) {
		process_table_destroy(t);
		return fail(err, -ENOMEM, "out of memory");
	}
	*out = t;
	return 0;
}

void process_table_destroy(struct process_table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->images.count; i++)
		mappings_unref(t->images.at[i].mappings);
	vec_free(&t->images);
	vec_free(&t->threads);
	map64_deinit(&t->current);
	map64_deinit(&t->current_thread);
	index_deinit(&t->thread_index);
	map64_deinit(&t->live);
	mapped_files_deinit(&t->files);
	strings_deinit(&t->strings);
	free(t);
}

void process_table_set_recorded(struct process_table *t)
{
	t->is_recorded = true;
}

bool process_table_is_recorded(const struct process_table *t)
{
	return t->is_recorded;
}

const struct strings *process_strings(const struct process_table *t)
{
	return &t->strings;
}

static process_id find_current(const struct process_table *t, pid_t pid)
{
	return (process_id){ map64_get(&t->current, (uint64_t)pid) };
}

/* A new image; `mappings` (a reference) is taken over, NULL means none yet. */
static process_id add_image(struct process_table *t, pid_t pid, string_id comm,
			    struct mappings *mappings)
{
	struct image image = { .info = { .pid = pid, .comm = comm },
			       .mappings = mappings ? mappings : mappings_create() };
	process_id id = { (uint32_t)t->images.count };
	if (!image.mappings || !vec_push(&t->images, image)) {
		mappings_unref(image.mappings);
		return (process_id){ 0 };
	}
	return map64_put(&t->current, (uint64_t)pid, id.v) ? id : (process_id){ 0 };
}

/* Mappings stay for a while, since a sample of an ended process may be looked at late. */
static void bury(struct process_table *t, process_id p)
{
	if (t->images.at[p.v].info.exited)
		return;
	t->images.at[p.v].info.exited = true;
	process_id *slot = &t->tombstones[t->tombstone_count++ % TOMBSTONES];
	mappings_unref(t->images.at[slot->v].mappings);
	t->images.at[slot->v].mappings = NULL;
	*slot = p;
}

static void thread_ends(struct process_table *t, pid_t tid)
{
	process_id p = { map64_get(&t->live, (uint64_t)tid) };
	if (!p.v)
		return;
	map64_remove(&t->live, (uint64_t)tid);
	if (!--t->images.at[p.v].live_threads)
		bury(t, p);
}

static void thread_begins(struct process_table *t, process_id p, pid_t tid)
{
	if (map64_get(&t->live, (uint64_t)tid) == p.v || t->images.at[p.v].info.exited)
		return;
	t->images.at[p.v].live_threads++;
	thread_ends(t, tid); /* it was an earlier image's, or the number is used again */
	if (!map64_put(&t->live, (uint64_t)tid, p.v))
		t->images.at[p.v].live_threads--;
}

static uint64_t thread_key(process_id p, pid_t tid)
{
	return (uint64_t)p.v << 32 | (uint32_t)tid;
}

/* @return the row of this thread under this name, made if need be; 0 without memory */
static thread_ref intern_thread(struct process_table *t, const struct thread_info *row)
{
	uint64_t hash = hash_u64(thread_key(row->process, row->tid) ^ hash_u64(row->comm.v));
	uint32_t found;
	for (struct index_probe p = index_find(&t->thread_index, hash);
	     (found = index_next(&t->thread_index, &p));) {
		const struct thread_info *other = &t->threads.at[found];
		if (other->process.v == row->process.v && other->tid == row->tid &&
		    other->comm.v == row->comm.v)
			return (thread_ref){ found };
	}
	found = (uint32_t)t->threads.count;
	if (!vec_push(&t->threads, *row) || !index_add(&t->thread_index, hash, found))
		return (thread_ref){ 0 };
	return (thread_ref){ found };
}

static thread_ref add_thread(struct process_table *t, process_id p, pid_t tid, string_id comm)
{
	uint64_t key = thread_key(p, tid);
	thread_ref known = { map64_get(&t->current_thread, key) };
	thread_begins(t, p, tid);
	if (known.v && t->threads.at[known.v].comm.v == comm.v)
		return known;
	struct thread_info row = { .process = p, .tid = tid, .comm = comm };
	thread_ref ref = intern_thread(t, &row);
	return map64_put(&t->current_thread, key, ref.v) ? ref : (thread_ref){ 0 };
}

static string_id thread_comm(const struct process_table *t, process_id p, pid_t tid)
{
	thread_ref ref = { map64_get(&t->current_thread, thread_key(p, tid)) };
	return ref.v ? t->threads.at[ref.v].comm : t->images.at[p.v].info.comm;
}

static bool add_mapping(struct process_table *t, process_id p, const struct record_mmap *mmap,
			uint64_t since_ns)
{
	struct image *image = &t->images.at[p.v];
	if (!image->mappings || !mmap->executable)
		return false;
	image->untouched = false;
	mapped_id mapped = mapped_files_intern(&t->files, &t->strings, image->info.pid, mmap);
	bool anonymous = t->files.rows.at[mapped.v].kind == MAPPED_ANON;
	/* The offset in nothing is of no use, but neighbours in a JIT's memory shall join. */
	struct mapping mapping = { mmap->start, mmap->end, anonymous ? mmap->start : mmap->file_off,
				   mapped, since_ns };
	if (!mapped.v || !mappings_add(&image->mappings, &mapping))
		return false;
	if (!image->binary.v && t->files.rows.at[mapped.v].kind == MAPPED_FILE)
		image->binary = mapped;
	return true;
}

/* What /proc says of a live process, given piece by piece. */
struct live_context {
	struct process_table *t;
	process_id p;
};

static void live_mapping(void *context, const struct record_mmap *mmap)
{
	struct live_context *c = context;
	add_mapping(c->t, c->p, mmap, 0);
}

static void live_thread(void *context, pid_t tid, const char *comm)
{
	struct live_context *c = context;
	add_thread(c->t, c->p, tid, strings_intern(&c->t->strings, comm));
}

static int read_live(struct process_table *t, process_id p, struct error *err)
{
	struct live_context context = { t, p };
	struct live_process live;
	pid_t pid = t->images.at[p.v].info.pid;
	int r = live_read(pid, live_mapping, live_thread, &context, &live, err);
	struct process_info *info = &t->images.at[p.v].info;
	if (live.comm[0])
		info->comm = strings_intern(&t->strings, live.comm);
	info->parent_pid = live.parent_pid;
	info->start_ticks = live.start_ticks;
	return r;
}

int process_add_live(struct process_table *t, pid_t pid, struct error *err)
{
	process_id p = find_current(t, pid);
	if (!p.v || t->images.at[p.v].info.exited)
		p = add_image(t, pid, (string_id){ 0 }, NULL);
	return p.v ? read_live(t, p, err) : fail(err, -ENOMEM, "out of memory");
}

process_id process_find(struct process_table *t, pid_t pid)
{
	process_id p = find_current(t, pid);
	if (p.v)
		return p;
	p = add_image(t, pid, (string_id){ 0 }, NULL);
	if (p.v && !t->is_recorded)
		read_live(t, p, NULL); /* if it is gone already, its stacks have no mappings */
	return p;
}

static bool is_twin(const struct process_table *t, process_id p, uint64_t time_ns)
{
	const struct image *image = &t->images.at[p.v];
	return image->born_ns && !image->info.exited && time_ns - image->born_ns < TWIN_NS;
}

static bool apply_exec(struct process_table *t, const struct record *r)
{
	string_id comm = strings_intern(&t->strings, r->comm.comm);
	process_id before = find_current(t, r->pid);
	if (is_twin(t, before, r->time_ns) && t->images.at[before.v].untouched)
		return false;
	pid_t parent = before.v ? t->images.at[before.v].info.parent_pid : 0;
	process_id p = add_image(t, r->pid, comm, NULL);
	if (!p.v)
		return false;
	if (before.v)
		bury(t, before); /* that image has ended */
	t->images.at[p.v].info.parent_pid = parent;
	t->images.at[p.v].born_ns = r->time_ns;
	t->images.at[p.v].untouched = true;
	add_thread(t, p, r->tid, comm);
	return true;
}

static bool apply_comm(struct process_table *t, const struct record *r)
{
	if (r->comm.is_exec)
		return apply_exec(t, r);
	process_id p = process_find(t, r->pid);
	string_id comm = strings_intern(&t->strings, r->comm.comm);
	if (!p.v)
		return false;
	if (r->pid == r->tid)
		t->images.at[p.v].info.comm = comm;
	add_thread(t, p, r->tid, comm);
	return false;
}

static bool apply_fork(struct process_table *t, const struct record *r)
{
	process_id parent = process_find(t, r->fork.parent_pid);
	if (!parent.v)
		return false;
	string_id comm = thread_comm(t, parent, r->fork.parent_tid);
	if (r->pid == r->fork.parent_pid) {
		add_thread(t, parent, r->tid, comm);
		return false;
	}
	process_id before = find_current(t, r->pid);
	if (is_twin(t, before, r->time_ns) &&
	    t->images.at[before.v].info.parent_pid == r->fork.parent_pid)
		return false;
	struct mappings *shared = t->images.at[parent.v].mappings;
	mapped_id binary = t->images.at[parent.v].binary;
	process_id p = add_image(t, r->pid, comm, shared ? mappings_ref(shared) : NULL);
	if (!p.v)
		return false;
	t->images.at[p.v].info.parent_pid = r->fork.parent_pid;
	t->images.at[p.v].binary = binary;
	t->images.at[p.v].born_ns = r->time_ns;
	add_thread(t, p, r->tid, comm);
	return true;
}

bool process_apply(struct process_table *t, const struct record *r)
{
	switch (r->kind) {
	case RECORD_MMAP: {
		process_id p = process_find(t, r->pid);
		return p.v && add_mapping(t, p, &r->mmap, r->time_ns);
	}
	case RECORD_COMM: return apply_comm(t, r);
	case RECORD_FORK: return apply_fork(t, r);
	case RECORD_EXIT: thread_ends(t, r->tid); return false;
	default: return false;
	}
}

thread_ref process_thread(struct process_table *t, process_id p, pid_t tid)
{
	thread_ref ref = { map64_get(&t->current_thread, thread_key(p, tid)) };
	return ref.v ? ref : add_thread(t, p, tid, thread_comm(t, p, tid));
}

const struct process_info *process_info(const struct process_table *t, process_id p)
{
	return &t->images.at[p.v < t->images.count ? p.v : 0].info;
}

const struct thread_info *thread_info(const struct process_table *t, thread_ref r)
{
	return &t->threads.at[r.v < t->threads.count ? r.v : 0];
}

uint32_t process_thread_count(const struct process_table *t)
{
	return (uint32_t)t->threads.count;
}

uint32_t process_count(const struct process_table *t)
{
	return (uint32_t)t->images.count;
}

const struct mapping *process_mappings(const struct process_table *t, process_id p,
				       size_t *out_count)
{
	const struct mappings *m = p.v < t->images.count ? t->images.at[p.v].mappings : NULL;
	*out_count = m ? m->list.count : 0;
	return m ? m->list.at : NULL;
}

const struct mapping *process_mapping(const struct process_table *t, process_id p, uint64_t pc)
{
	const struct mappings *m = p.v < t->images.count ? t->images.at[p.v].mappings : NULL;
	return m ? mappings_find(m, pc) : NULL;
}

mapped_id process_binary(const struct process_table *t, process_id p)
{
	return t->images.at[p.v < t->images.count ? p.v : 0].binary;
}

const struct mapped_file *process_mapped(const struct process_table *t, mapped_id m)
{
	return &t->files.rows.at[m.v < t->files.rows.count ? m.v : 0];
}

uint32_t process_mapped_count(const struct process_table *t)
{
	return (uint32_t)t->files.rows.count;
}
