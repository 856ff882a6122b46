// SPDX-License-Identifier: MIT
#include "sampler/bpf_spaces.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

enum { MAPPINGS_BYTES = LAYOUT_MAPPINGS_MAX * sizeof(struct layout_mapping) };

int bpf_spaces_open(struct bpf_spaces *s, int spaces_fd, int mappings_fd, struct error *err)
{
	*s = (struct bpf_spaces){ .spaces_fd = spaces_fd };
	void *at = mmap(NULL, MAPPINGS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, mappings_fd, 0);
	if (at == MAP_FAILED)
		return fail_errno(err, "cannot map the BPF mappings");
	s->mappings = at;
	struct bpf_region all = { 0, LAYOUT_MAPPINGS_MAX };
	if (!vec_push(&s->free, all) || !vec_push(&s->live, (struct bpf_region){ 0, 0 }))
		return fail(err, -ENOMEM, "out of memory");
	return 0;
}

void bpf_spaces_close(struct bpf_spaces *s)
{
	if (s->mappings)
		munmap(s->mappings, MAPPINGS_BYTES);
	map64_deinit(&s->by_pid);
	vec_free(&s->live);
	vec_free(&s->live_free);
	vec_free(&s->free);
	vec_free(&s->retired);
	*s = (struct bpf_spaces){ 0 };
}

static bool take_free(struct bpf_spaces *s, uint32_t count, struct bpf_region *out)
{
	for (size_t i = 0; i < s->free.count; i++) {
		struct bpf_region *r = &s->free.at[i];
		if (r->count < count)
			continue;
		*out = (struct bpf_region){ r->first, count };
		r->first += count;
		r->count -= count;
		return true;
	}
	return false;
}

static int by_first(const void *a, const void *b)
{
	const struct bpf_region *x = a, *y = b;
	return x->first < y->first ? -1 : x->first > y->first;
}

static void join_free(struct bpf_spaces *s)
{
	size_t kept = 0;
	qsort(s->free.at, s->free.count, sizeof(s->free.at[0]), by_first);
	for (size_t i = 0; i < s->free.count; i++) {
		struct bpf_region r = s->free.at[i];
		struct bpf_region *last = kept ? &s->free.at[kept - 1] : NULL;
		if (last && last->first + last->count == r.first)
			last->count += r.count;
		else if (r.count)
			s->free.at[kept++] = r;
	}
	s->free.count = kept;
}

/*
 * The programs run inside an RCU read-side section (kernel/events/core.c), and this call waits for a
 * grace period: nobody reads a retired list any more. membarrier(2).
 */
static bool reclaim(struct bpf_spaces *s)
{
	if (!s->retired.count || syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0)
		return false;
	for (size_t i = 0; i < s->retired.count; i++)
		if (!vec_push(&s->free, s->retired.at[i]))
			return false;
	s->retired.count = 0;
	join_free(s);
	return true;
}

/* Without memory for the note the region is lost, which is better than used twice. */
static void retire(struct bpf_spaces *s, struct bpf_region region)
{
	if (region.count)
		vec_push(&s->retired, region);
}

static uint32_t row_of(struct bpf_spaces *s, pid_t pid)
{
	uint32_t row = map64_get(&s->by_pid, (uint64_t)pid);
	if (row)
		return row;
	if (s->live_free.count) {
		row = s->live_free.at[--s->live_free.count];
	} else {
		row = (uint32_t)s->live.count;
		if (!vec_push(&s->live, (struct bpf_region){ 0, 0 }))
			return 0;
	}
	return map64_put(&s->by_pid, (uint64_t)pid, row) ? row : 0;
}

int bpf_spaces_set(struct bpf_spaces *s, pid_t pid, const struct layout_mapping *mappings,
		   uint32_t count, uint64_t as_of_ns, struct error *err)
{
	struct bpf_region region = { 0, 0 };
	uint32_t row = row_of(s, pid);
	if (!row)
		return fail(err, -ENOMEM, "out of memory");
	if (count > LAYOUT_PROCESS_MAPPINGS_MAX)
		return fail(err, -ENOSPC, "process %d has more than %d executable mappings", pid,
			    LAYOUT_PROCESS_MAPPINGS_MAX);
	if (count && !take_free(s, count, &region) &&
	    (!reclaim(s) || !take_free(s, count, &region)))
		return fail(err, -ENOSPC, "more than %d executable mappings in all processes",
			    LAYOUT_MAPPINGS_MAX);
	if (count)
		memcpy(&s->mappings[region.first], mappings, count * sizeof(*mappings));
	struct layout_space space = { region.first, region.count, as_of_ns };
	int key = pid;
	if (bpf_map_update_elem(s->spaces_fd, &key, &space, BPF_ANY) < 0) {
		int status = -errno;
		retire(s, region);
		return fail(err, status, "cannot publish the mappings of %d: %s", pid,
			    strerror(-status));
	}
	retire(s, s->live.at[row]);
	s->live.at[row] = region;
	return 0;
}

void bpf_spaces_remove(struct bpf_spaces *s, pid_t pid)
{
	uint32_t row = map64_get(&s->by_pid, (uint64_t)pid);
	int key = pid;
	if (!row)
		return;
	bpf_map_delete_elem(s->spaces_fd, &key);
	retire(s, s->live.at[row]);
	s->live.at[row] = (struct bpf_region){ 0, 0 };
	map64_remove(&s->by_pid, (uint64_t)pid);
	vec_push(&s->live_free, row);
}
