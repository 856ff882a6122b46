// SPDX-License-Identifier: MIT
#include "process/mappings.h"

#include <string.h>

struct mappings *mappings_create(void)
{
	struct mappings *m = calloc(1, sizeof(*m));
	if (m)
		m->references = 1;
	return m;
}

struct mappings *mappings_ref(struct mappings *m)
{
	m->references++;
	return m;
}

void mappings_unref(struct mappings *m)
{
	if (!m || --m->references)
		return;
	vec_free(&m->list);
	free(m);
}

static bool make_own(struct mappings **m)
{
	if ((*m)->references == 1)
		return true;
	struct mappings *copy = mappings_create();
	if (!copy || !vec_reserve(&copy->list, (*m)->list.count + 2)) {
		mappings_unref(copy);
		return false;
	}
	if ((*m)->list.count)
		memcpy(copy->list.at, (*m)->list.at, (*m)->list.count * sizeof(struct mapping));
	copy->list.count = (*m)->list.count;
	mappings_unref(*m);
	*m = copy;
	return true;
}

/* @return the number of mappings that end at or before `address` */
static size_t first_ending_after(const struct mappings *m, uint64_t address)
{
	size_t low = 0, high = m->list.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (m->list.at[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void cut_front(struct mapping *mapping, uint64_t start)
{
	mapping->file_off += start - mapping->start;
	mapping->start = start;
}

/* Puts `count` mappings in place of those in [from, to). Room was reserved. */
static void replace(struct mappings *m, size_t from, size_t to, const struct mapping *with,
		    size_t count)
{
	struct mapping *at = m->list.at;
	memmove(at + from + count, at + to, (m->list.count - to) * sizeof(*at));
	if (count)
		memcpy(at + from, with, count * sizeof(*at));
	m->list.count = m->list.count - (to - from) + count;
}

/* A JIT maps its memory piece by piece: a mapping that only goes on grows the one in front. */
static void join(struct mappings *m, size_t index)
{
	struct mapping *front = &m->list.at[index - 1];
	const struct mapping *mapping = &m->list.at[index];
	if (front->end != mapping->start || front->mapped.v != mapping->mapped.v ||
	    front->file_off + (front->end - front->start) != mapping->file_off)
		return;
	front->end = mapping->end;
	replace(m, index, index + 1, NULL, 0);
}

bool mappings_add(struct mappings **m, const struct mapping *mapping)
{
	if (mapping->end <= mapping->start)
		return true;
	if (!make_own(m) || !vec_reserve(&(*m)->list, (*m)->list.count + 2))
		return false;
	const struct mapping *at = (*m)->list.at;
	size_t from = first_ending_after(*m, mapping->start), to = from;
	while (to < (*m)->list.count && at[to].start < mapping->end)
		to++;
	struct mapping parts[3];
	size_t count = 0;
	if (to > from && at[from].start < mapping->start) {
		parts[count] = at[from];
		parts[count++].end = mapping->start;
	}
	parts[count++] = *mapping;
	if (to > from && at[to - 1].end > mapping->end) {
		parts[count] = at[to - 1];
		cut_front(&parts[count++], mapping->end);
	}
	replace(*m, from, to, parts, count);
	if (from && from == to)
		join(*m, from);
	return true;
}

const struct mapping *mappings_find(const struct mappings *m, uint64_t pc)
{
	size_t i = first_ending_after(m, pc);
	return i < m->list.count && m->list.at[i].start <= pc ? &m->list.at[i] : NULL;
}
