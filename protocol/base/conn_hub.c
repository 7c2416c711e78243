// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Buffers are lent: a connection takes one when it has something to keep and
 * gives it back when it is empty. A gateway with ten thousand clients works
 * with the few dozen that are warm in the cache.
 */

#include "protocol/base/conn_hub.h"

#include "protocol/base/memory.h"

/* conn_hub_lend gives an empty buffer memory some other connection no longer
 * needs. */
void
conn_hub_lend(struct conn_hub *hub, struct buffer *b)
{
	if (b->memory != NULL || hub->spare_count == 0)
		return;
	struct buffer *spare = &hub->spares[--hub->spare_count];
	b->memory = spare->memory;
	b->size = spare->size;
}

void
conn_hub_give_back(struct conn_hub *hub, struct buffer *b)
{
	if (b->memory == NULL || buffer_used(b) > 0)
		return;
	if (b->size > CONN_SPARE_BYTES || hub->spare_count == CONN_SPARES) {
		buffer_release(b);
		return;
	}
	hub->spares[hub->spare_count++] = (struct buffer){
	    .memory = b->memory,
	    .size = b->size,
	};
	b->memory = NULL;
	b->size = b->start = b->end = 0;
}

void
conn_mark_dirty(struct conn *c)
{
	struct conn_hub *hub = c->hub;

	if (c->dirty_slot != 0)
		return;
	if (hub->dirty_count == hub->dirty_size) {
		hub->dirty_size =
		    hub->dirty_size > 0 ? hub->dirty_size * 2 : 64;
		hub->dirty = memory_grow(
		    hub->dirty, hub->dirty_size * sizeof(struct conn *));
	}
	hub->dirty[hub->dirty_count++] = c;
	c->dirty_slot = hub->dirty_count;
}

static void
reread(struct conn_hub *hub)
{
	uint32_t count = hub->dirty_count;

	for (uint32_t i = 0; i < count; i++) {
		struct conn *c = hub->dirty[i];

		if (c != NULL && c->is_rereading)
			conn_reread(c);
	}
}

/* clean forgets the list, but for those that must be read again. */
static void
clean(struct conn_hub *hub)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < hub->dirty_count; i++) {
		struct conn *c = hub->dirty[i];

		if (c == NULL)
			continue;
		c->dirty_slot = 0;
		if (!c->is_rereading)
			continue;
		hub->dirty[kept++] = c;
		c->dirty_slot = kept;
	}
	hub->dirty_count = kept;
	if (kept > 0)
		loop_post(hub->loop, &hub->again);
}

static void
on_turn_end(void *ctx)
{
	struct conn_hub *hub = ctx;

	if (hub->dirty_count > 0)
		reread(hub);
	for (struct loop_hook *h = hub->before; h != NULL; h = h->next)
		h->run(h->ctx);
	/* the list may grow meanwhile: `ended` writes to others, also to such
	 * as were flushed already, so those are taken off before */
	for (uint32_t i = 0; i < hub->dirty_count; i++) {
		struct conn *c = hub->dirty[i];

		if (c == NULL)
			continue;
		if (!c->is_rereading) {
			hub->dirty[i] = NULL;
			c->dirty_slot = 0;
		}
		conn_flush(c);
		if (c->failed != CONN_END_none)
			conn_fail(c);
	}
	if (hub->dirty_count > 0)
		clean(hub);
}

static void
knocked(void *ctx)
{
	(void)ctx; /* the turn it causes is all that was wanted */
}

void
conn_hub_init(struct conn_hub *hub, struct loop *loop)
{
	*hub = (struct conn_hub){.loop = loop};
	hub->scratch = memory_new(CONN_SCRATCH_BYTES);
	hub->turn_end = (struct loop_hook){.run = on_turn_end, .ctx = hub};
	hub->again = (struct loop_post){.run = knocked, .ctx = hub};
	loop_post_register(loop, &hub->again);
	loop_on_turn_end(loop, &hub->turn_end);
}

void
conn_hub_finish(struct conn_hub *hub)
{
	while (hub->spare_count > 0)
		memory_free(hub->spares[--hub->spare_count].memory);
	memory_free(hub->dirty);
	memory_free(hub->scratch);
	hub->dirty = NULL;
	hub->scratch = NULL;
}

void
conn_hub_before_flush(struct conn_hub *hub, struct loop_hook *hook)
{
	struct loop_hook **at = &hub->before;

	while (*at != NULL)
		at = &(*at)->next;
	hook->next = NULL;
	*at = hook;
}

void
conn_hub_forget_flush(struct conn_hub *hub, struct loop_hook *hook)
{
	struct loop_hook **at = &hub->before;

	while (*at != NULL && *at != hook)
		at = &(*at)->next;
	if (*at != NULL)
		*at = hook->next;
}
