// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Deadlines stand on a wheel: adding and removing is a pointer or two, and a
 * call whose deadline is rounds away is passed over once a round.
 */

#include "workers/gateway/calls.h"

#include <stddef.h>
#include <string.h>

#include "protocol/base/err.h"
#include "protocol/base/memory.h"
#include "workers/gateway/hooked.h"

enum {
	CHUNK = 64 /* calls asked for at a time */
};

/* place_of finds the same link in a neighbour: same list, same offset. */
static struct call_place *
place_of(struct call *call, size_t offset)
{
	return (struct call_place *)(void *)((char *)call + offset);
}

static void
add_to(struct call_list *list, struct call *call, size_t offset)
{
	struct call_place *place = place_of(call, offset);

	place->next = list->first;
	place->back = &list->first;
	if (list->first != NULL)
		place_of(list->first, offset)->back = &place->next;
	list->first = call;
}

static void
take_off(struct call *call, size_t offset)
{
	struct call_place *place = place_of(call, offset);

	if (place->back == NULL)
		return;
	*place->back = place->next;
	if (place->next != NULL)
		place_of(place->next, offset)->back = place->back;
	*place = (struct call_place){.next = NULL};
}

void
calls_of_client(struct call_list *list, struct call *call)
{
	add_to(list, call, offsetof(struct call, by_client));
}

void
calls_forget_client(struct call *call)
{
	take_off(call, offsetof(struct call, by_client));
	call->client = NULL;
}

void
calls_credit_due(struct call_list *list, struct call *call)
{
	if (call->by_credit.back == NULL)
		add_to(list, call, offsetof(struct call, by_credit));
}

void
calls_credit_done(struct call *call)
{
	take_off(call, offsetof(struct call, by_credit));
}

void
calls_init(struct calls *c, uint64_t now_ms)
{
	*c = (struct calls){.swept_tick = now_ms / CALL_TICK_MS};
}

static void
free_hooked(struct call *call)
{
	if (call->hooked == NULL)
		return;
	memory_free(call->hooked->request_bytes);
	memory_free(call->hooked->response_bytes);
	memory_free(call->hooked);
	call->hooked = NULL;
}

static void
free_texts(struct call *call)
{
	memory_free(call->overflow);
	memory_free(call->kept);
	memory_free(call->ask);
	memory_free(call->pick);
	free_hooked(call);
	call->overflow = call->kept = NULL;
	call->ask = NULL;
	call->pick = NULL;
}

void
calls_finish(struct calls *c)
{
	for (uint32_t i = 0; i < c->chunk_count; i++) {
		for (unsigned k = 0; k < CHUNK; k++)
			free_texts(&c->chunks[i][k]);
		memory_free(c->chunks[i]);
	}
	memory_free(c->chunks);
	*c = (struct calls){.idle = NULL};
}

static void
more_calls(struct calls *c)
{
	struct call *chunk = memory_new(CHUNK * sizeof(struct call));

	c->chunks =
	    memory_grow(c->chunks, (c->chunk_count + 1) * sizeof(*c->chunks));
	c->chunks[c->chunk_count++] = chunk;
	for (unsigned i = 0; i < CHUNK; i++) {
		chunk[i].by_client.next = c->idle;
		c->idle = &chunk[i];
	}
}

struct call *
calls_start(struct calls *c, const struct call_texts *texts)
{
	size_t bytes = (size_t)texts->ref.len + texts->request_id.len +
	    texts->correlation.len + texts->args.len + texts->facts.len;

	if (c->idle == NULL)
		more_calls(c);
	struct call *call = c->idle;
	c->idle = call->by_client.next;
	memset(call, 0, offsetof(struct call, inside));
	call->is_in_flight = true;
	call->serial = ++c->serial;
	c->count++;
	char *at = call->inside;
	if (bytes > sizeof(call->inside))
		at = call->overflow = memory_new(bytes);
	call->ref = text_keep(texts->ref, &at);
	call->request_id = text_keep(texts->request_id, &at);
	call->correlation = text_keep(texts->correlation, &at);
	call->args = text_keep(texts->args, &at);
	call->facts = text_keep(texts->facts, &at);
	return call;
}

void
calls_keep(struct call *call, struct text args, struct text facts)
{
	char *at = memory_new((size_t)args.len + facts.len + 1);

	INVARIANT(call->kept == NULL);
	call->kept = at;
	call->args = text_keep(args, &at);
	call->facts = text_keep(facts, &at);
}

void
calls_arm(struct calls *c, struct call *call, uint64_t deadline_ms)
{
	call->deadline_ms = deadline_ms;
	calls_rest(c, call, deadline_ms);
}

void
calls_rest(struct calls *c, struct call *call, uint64_t until_ms)
{
	/* a bucket is looked at when its time is over, never early */
	uint64_t tick = until_ms / CALL_TICK_MS + 1;

	take_off(call, offsetof(struct call, by_deadline));
	if (tick <= c->swept_tick)
		tick = c->swept_tick + 1;
	call->due_ms = until_ms;
	add_to(&c->wheel[tick % CALL_WHEEL], call,
	    offsetof(struct call, by_deadline));
}

void
calls_finish_one(struct calls *c, struct call *call)
{
	INVARIANT(call->is_in_flight);
	take_off(call, offsetof(struct call, by_client));
	take_off(call, offsetof(struct call, by_deadline));
	take_off(call, offsetof(struct call, by_credit));
	free_texts(call);
	call->is_in_flight = false;
	call->by_client.next = c->idle;
	c->idle = call;
	c->count--;
}

struct call *
calls_next_due(struct calls *c, uint64_t now_ms)
{
	uint64_t now_tick = now_ms / CALL_TICK_MS;

	/* after a long stop one round over the wheel sees everything */
	if (now_tick > c->swept_tick + CALL_WHEEL)
		c->swept_tick = now_tick - CALL_WHEEL;
	for (; c->swept_tick < now_tick; c->swept_tick++) {
		struct call *call =
		    c->wheel[(c->swept_tick + 1) % CALL_WHEEL].first;

		for (; call != NULL; call = call->by_deadline.next) {
			if (call->due_ms <= now_ms)
				return call;
		}
	}
	return NULL;
}

void
calls_each(struct calls *c, void (*visit)(void *ctx, struct call *), void *ctx)
{
	for (uint32_t i = 0; i < c->chunk_count; i++)
		for (unsigned k = 0; k < CHUNK; k++)
			if (c->chunks[i][k].is_in_flight)
				visit(ctx, &c->chunks[i][k]);
}
