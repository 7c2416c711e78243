// SPDX-License-Identifier: MIT
/* pool_rows - rings of calls, and a heap of what is due. */

#include "workers/worker_pool/pool_rows.h"

#include <stddef.h>

#include "protocol/base/err.h"
#include "protocol/base/memory.h"

void
pool_ring_append(struct pool_work **head, struct pool_work *work)
{
	if (*head == NULL) {
		work->next = work->before = work;
		*head = work;
		return;
	}
	work->next = *head;
	work->before = (*head)->before;
	work->before->next = work;
	(*head)->before = work;
}

void
pool_ring_remove(struct pool_work **head, struct pool_work *work)
{
	if (work->next == work) {
		*head = NULL;
	} else {
		work->next->before = work->before;
		work->before->next = work->next;
		if (*head == work)
			*head = work->next;
	}
	work->next = work->before = NULL;
}

struct pool_work **
pool_line_of(struct pool *p, const struct pool_work *work)
{
	if (work->line == LINE_NONE)
		return NULL;
	if (work->line == LINE_BOUND)
		return &p->runners[work->runner].bound;
	if (work->line == LINE_RUNNING)
		return &p->runners[work->runner].running;
	return &p->lines[work->line];
}

void
pool_line_move(struct pool *p, struct pool_work *work, enum pool_line line)
{
	struct pool_work **from = pool_line_of(p, work);

	if (from != NULL)
		pool_ring_remove(from, work);
	work->line = (uint8_t)line;
	if (line != LINE_NONE)
		pool_ring_append(pool_line_of(p, work), work);
}

static bool
is_before(const struct pool_work *a, const struct pool_work *b)
{
	return a->due_ms != b->due_ms ? a->due_ms < b->due_ms
				      : a->number < b->number;
}

static void
put(struct pool_heap *heap, uint32_t at, struct pool_work *work)
{
	heap->at[at] = work;
	work->heap_at = at;
}

/* settle moves the call at `at` up, then down, to where it belongs. */
static void
settle(struct pool_heap *heap, uint32_t at)
{
	struct pool_work *work = heap->at[at];

	for (; at > 1 && is_before(work, heap->at[at / 2]); at /= 2)
		put(heap, at, heap->at[at / 2]);
	for (uint32_t child = at * 2; child <= heap->count; child = at * 2) {
		if (child < heap->count &&
		    is_before(heap->at[child + 1], heap->at[child]))
			child++;
		if (!is_before(heap->at[child], work))
			break;
		put(heap, at, heap->at[child]);
		at = child;
	}
	put(heap, at, work);
}

void
pool_heap_set(struct pool_heap *heap, struct pool_work *work, uint64_t due_ms)
{
	work->due_ms = due_ms;
	if (work->heap_at == 0) {
		if (heap->count + 1 >= heap->size) {
			heap->size = heap->size == 0 ? 64 : heap->size * 2;
			heap->at = memory_grow(
			    heap->at, sizeof(struct pool_work *) * heap->size);
		}
		put(heap, ++heap->count, work);
	}
	settle(heap, work->heap_at);
}

void
pool_heap_remove(struct pool_heap *heap, struct pool_work *work)
{
	uint32_t at = work->heap_at;
	struct pool_work *last;

	if (at == 0)
		return;
	INVARIANT(at <= heap->count && heap->at[at] == work);
	work->heap_at = 0;
	last = heap->at[heap->count--];
	if (last == work)
		return;
	put(heap, at, last);
	settle(heap, at);
}

void
pool_leave(struct pool *p, struct pool_work *work)
{
	if (work->state == POOL_WORK_WAITING)
		p->waiting--;
	if (work->line == LINE_RUNNING) {
		p->running--;
		p->runners[work->runner].load--;
		p->runners[work->runner].abandoned -=
		    work->state == POOL_WORK_ABANDONED;
	}
	pool_line_move(p, work, LINE_NONE);
	pool_heap_remove(&p->heap, work);
	work->state = POOL_WORK_OUT;
}
