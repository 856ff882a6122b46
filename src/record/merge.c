// SPDX-License-Identifier: MIT
#include "record/merge.h"

#include <errno.h>
#include <stdlib.h>

int merge_init(struct merge *m, uint32_t sources)
{
	*m = (struct merge){ .capacity = sources };
	m->heap = calloc(sources ? sources : 1, sizeof(*m->heap));
	return m->heap ? 0 : -ENOMEM;
}

void merge_deinit(struct merge *m)
{
	free(m->heap);
	*m = (struct merge){ 0 };
}

static bool before(const struct merge_entry *a, const struct merge_entry *b)
{
	return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->source < b->source;
}

static void sink(struct merge *m)
{
	struct merge_entry moving = m->heap[0];
	uint32_t at = 0;
	for (;;) {
		uint32_t child = 2 * at + 1;
		if (child >= m->count)
			break;
		if (child + 1 < m->count && before(&m->heap[child + 1], &m->heap[child]))
			child++;
		if (!before(&m->heap[child], &moving))
			break;
		m->heap[at] = m->heap[child];
		at = child;
	}
	m->heap[at] = moving;
}

bool merge_push(struct merge *m, uint32_t source, uint64_t time_ns)
{
	if (m->count == m->capacity)
		return false;
	struct merge_entry moving = { .time_ns = time_ns, .source = source };
	uint32_t at = m->count++;
	while (at && before(&moving, &m->heap[(at - 1) / 2])) {
		m->heap[at] = m->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	m->heap[at] = moving;
	return true;
}

void merge_pop(struct merge *m)
{
	if (!m->count)
		return;
	m->heap[0] = m->heap[--m->count];
	if (m->count)
		sink(m);
}

void merge_advance(struct merge *m, uint64_t time_ns)
{
	m->heap[0].time_ns = time_ns;
	sink(m);
}
