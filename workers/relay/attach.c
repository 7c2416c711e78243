// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A gateway names itself by a number it has drawn at its start, and the
 * clients that may have memberships. Those it does not name are gone: they
 * left while nobody could tell us.
 */

#include <stdlib.h>
#include <string.h>

#include "protocol/base/memory.h"
#include "protocol/events.h"
#include "protocol/unpack.h"
#include "workers/kit/worker.h"
#include "workers/relay/relay.h"

struct named {
	uint64_t *clients; /* sorted */
	uint32_t count;
};

static int
compare(const void *a, const void *b)
{
	uint64_t left, right;

	memcpy(&left, a, sizeof(left));
	memcpy(&right, b, sizeof(right));
	return left < right ? -1 : left > right;
}

static bool
is_named(void *ctx, uint64_t client)
{
	const struct named *n = ctx;

	return n->count > 0 &&
	    bsearch(&client, n->clients, n->count, sizeof(client), compare) !=
	    NULL;
}

static enum err
read_named(struct unpacker *u, struct named *n)
{
	enum err e = unpack_array(u, &n->count);

	if (e != OK)
		return e;
	n->clients = memory_new(((size_t)n->count + 1) * sizeof(uint64_t));
	for (uint32_t i = 0; e == OK && i < n->count; i++)
		e = unpack_u64(u, &n->clients[i]);
	if (e == OK)
		qsort(n->clients, n->count, sizeof(uint64_t), compare);
	return e;
}

/* replace ends the lives of this gateway that came before. */
static void
replace(struct relay *r, uint32_t instance, uint64_t gateway)
{
	struct lane *lane = r->lanes.first, *next;

	for (; lane != NULL; lane = next) {
		next = lane->next;
		if (lane->instance == instance && lane->gateway != gateway)
			relay_gateway_over(r, lane, "replaced");
	}
}

/* attach args: [instance, life, [client, …], number drawn at its start]. */
void
attach_take(struct relay *r, struct link_session *session,
    const struct link_frame *frame)
{
	struct named named = {.clients = NULL};
	uint64_t life = 0, gateway = 0;
	uint32_t count, instance = 0;
	struct unpacker u;

	unpack_init(&u, frame->args);
	if (unpack_array(&u, &count) != OK || count < 4 ||
	    unpack_u32(&u, &instance) != OK || unpack_u64(&u, &life) != OK ||
	    read_named(&u, &named) != OK || unpack_u64(&u, &gateway) != OK ||
	    frame->credit == 0) {
		memory_free(named.clients);
		link_session_error(session, frame->id, TEXT("internal"),
		    TEXT("attach wants [instance, life, [clients], number] "
			 "and credit"));
		return;
	}
	if (lanes_of_session(&r->lanes, session) != NULL) {
		memory_free(named.clients);
		link_session_error(session, frame->id, TEXT("internal"),
		    TEXT("this link is attached already"));
		return;
	}
	relay_now(r);
	replace(r, instance, gateway);
	struct lane *lane = lanes_of_gateway(&r->lanes, gateway);
	if (lane == NULL)
		lane = lanes_add(&r->lanes, gateway);
	else
		lane_detach(lane);
	lane->instance = instance;
	lane->life = life;
	lane_attach(lane, session, frame->id, frame->credit);
	groups_gateway_left(r->groups, gateway, is_named, &named);
	memory_free(named.clients);
	event_note(EVENT_relay_gateway, "gateway=%u life=%llu clients=%u",
	    instance, (unsigned long long)life, named.count);
	lane_send(lane);
}

/* gone args: [[[client, channel], …]]; channel 0: the whole client. */
void
attach_gone(struct relay *r, struct lane *lane, const struct link_frame *frame)
{
	struct unpacker u;
	uint32_t count, pairs, two;

	relay_now(r);
	unpack_init(&u, frame->args);
	if (unpack_array(&u, &count) != OK || count < 1 ||
	    unpack_array(&u, &pairs) != OK)
		pairs = 0;
	for (uint32_t i = 0; i < pairs; i++) {
		struct endpoint at = {.gateway = lane->gateway};

		if (unpack_array(&u, &two) != OK || two != 2 ||
		    unpack_u64(&u, &at.client) != OK ||
		    unpack_u32(&u, &at.channel) != OK)
			break;
		groups_client_gone(r->groups, at);
	}
	buffer_truncate(&r->value, 0);
	enum err e = buffer_append(&r->value, "\xc0", 1);
	INVARIANT(e == OK);
	lane_result(lane, frame->id, buffer_text(&r->value));
}
