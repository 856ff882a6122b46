// SPDX-License-Identifier: MIT
#include "sampler/replay_queue.h"

#include <errno.h>
#include <string.h>

void replay_queue_deinit(struct replay_queue *q)
{
	for (size_t i = 0; i < q->heap.count; i++)
		free(q->heap.at[i].bytes);
	vec_free(&q->heap);
	q->held_bytes = 0;
}

static bool before(const struct replay_queued *a, const struct replay_queued *b)
{
	return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->number < b->number;
}

int replay_queue_push(struct replay_queue *q, const struct replay_queued *what)
{
	struct replay_queued moving = *what;
	moving.number = q->next_number++;
	moving.bytes = malloc(what->size_bytes);
	if (!moving.bytes || !vec_push(&q->heap, moving)) {
		free(moving.bytes);
		return -ENOMEM;
	}
	memcpy(moving.bytes, what->bytes, what->size_bytes);
	q->held_bytes += what->size_bytes + sizeof(moving);
	struct replay_queued *heap = q->heap.at;
	size_t at = q->heap.count - 1;
	while (at && before(&moving, &heap[(at - 1) / 2])) {
		heap[at] = heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap[at] = moving;
	return 0;
}

struct replay_queued replay_queue_pop(struct replay_queue *q)
{
	struct replay_queued *heap = q->heap.at;
	struct replay_queued first = heap[0];
	struct replay_queued moving = heap[--q->heap.count];
	size_t at = 0;
	for (;;) {
		size_t child = 2 * at + 1;
		if (child >= q->heap.count)
			break;
		if (child + 1 < q->heap.count && before(&heap[child + 1], &heap[child]))
			child++;
		if (!before(&heap[child], &moving))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = moving;
	q->held_bytes -= first.size_bytes + sizeof(first);
	return first;
}
