// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * When a generation ends the connection module has already handed over what
 * the node said before; only then are the rest of its calls settled.
 */

#include "protocol/link/link_client_private.h"

#include <unistd.h>

#include "protocol/base/conn_listen.h"
#include "protocol/base/memory.h"

enum {
	IN_FLIGHT = 65536,
	SEND_BYTES = 4 * 1024 * 1024,
	TICK_MS = LINK_PING_MS / 2,
	MESSAGE_ROOM =
	    64 * 1024, /* above LINK_MAX_BYTES in the conn's budget */
};

static void dial(struct link_client *c);

static void
set_state(struct link_client *c, enum link_state state, enum link_fault fault)
{
	bool is_change = c->state != state || fault != LINK_FAULT_none;

	if (c->state != state)
		c->state_since_ms = loop_now_ms(c->hub->loop);
	c->state = state;
	if (is_change && c->calls_back->state != NULL)
		c->calls_back->state(c->owner, state, fault);
}

/* settle answers for the node that will not. */
static void
settle(struct link_client *c)
{
	struct link_entry *entry;
	uint32_t hint = 0;

	while ((entry = link_calls_any(&c->calls, &hint)) != NULL) {
		void *call = entry->call;
		bool has_left = entry->ends_at != 0 &&
		    c->conn.written_count >= entry->ends_at;

		link_calls_remove(&c->calls, entry);
		c->lost_count++;
		c->calls_back->lost(c->owner, call,
		    has_left ? LINK_DISPATCHED_UNKNOWN : LINK_NOT_DISPATCHED);
	}
}

/* rest_ms doubles, with a jitter of a half so that gateways spread. */
static uint32_t
rest_ms(struct link_client *c)
{
	uint32_t shift = c->failures < 8 ? c->failures : 8;
	uint32_t ms = LINK_REDIAL_MIN_MS << shift;

	c->failures++;
	c->seed = c->seed * 6364136223846793005u + 1442695040888963407u;
	if (ms > LINK_REDIAL_MAX_MS)
		ms = LINK_REDIAL_MAX_MS;
	return ms / 2 + (uint32_t)(c->seed >> 33) % (ms / 2 + 1);
}

void
link_client_end(struct link_client *c, enum link_fault fault)
{
	if (c->phase == PHASE_RESTING)
		return;
	conn_close(&c->conn);
	c->phase = PHASE_RESTING;
	c->last_fault = fault;
	buffer_truncate(&c->waiting, 0);
	buffer_release(&c->waiting);
	c->rest_ms = rest_ms(c);
	loop_timer_start(
	    c->hub->loop, &c->timer, loop_now_ms(c->hub->loop) + c->rest_ms);
	set_state(c, LINK_DOWN, fault);
	settle(c);
}

/* ---- the connection -------------------------------------------------------
 */

static void
on_opened(void *ctx)
{
	struct link_client *c = ctx;
	uint32_t uid;

	/* another user's socket at that path must not see our calls */
	if (c->url.transport == LINK_IPC &&
	    (conn_peer_uid(c->conn.watch.fd, &uid) != OK ||
		(uid != geteuid() && uid != 0))) {
		link_client_end(c, LINK_FAULT_denied);
		return;
	}
	c->phase = PHASE_HANDSHAKE;
	link_peer_init(&c->peer, true, 0, loop_now_ms(c->hub->loop));
	link_client_greet(c);
}

static void
on_ended(void *ctx, enum conn_end why)
{
	struct link_client *c = ctx;

	link_client_end(c,
	    why == CONN_END_refused       ? LINK_FAULT_refused
		: why == CONN_END_tls     ? LINK_FAULT_denied
		: why == CONN_END_too_big ? LINK_FAULT_too_big
					  : LINK_FAULT_closed);
}

static void
on_room(void *ctx)
{
	link_client_send_batch(ctx);
}

static const struct conn_calls conn_table = {
    .opened = on_opened,
    .arrived = link_client_arrived,
    .room = on_room,
    .ended = on_ended,
};

void
link_client_now_live(struct link_client *c)
{
	c->phase = PHASE_LIVE;
	c->generations++;
	c->live_since_ms = loop_now_ms(c->hub->loop);
	loop_timer_start(c->hub->loop, &c->timer, c->live_since_ms + TICK_MS);
	set_state(c, LINK_LIVE, LINK_FAULT_none);
}

void
link_client_now_draining(struct link_client *c)
{
	if (c->state == LINK_LIVE)
		set_state(c, LINK_DRAINING, LINK_FAULT_none);
}

static void
tick(struct link_client *c)
{
	uint64_t now_ms = loop_now_ms(c->hub->loop);
	enum link_due due = link_peer_tick(&c->peer, now_ms);

	if (due == LINK_DUE_dead) {
		link_client_end(c, LINK_FAULT_dead);
		return;
	}
	/* a node that only greets and goes has not proved to live */
	if (now_ms - c->live_since_ms >= LINK_PING_MS)
		c->failures = 0;
	if (due == LINK_DUE_ping)
		link_client_say(c, FRAME_PING);
	loop_timer_start(c->hub->loop, &c->timer, now_ms + TICK_MS);
}

static void
on_timer(void *ctx)
{
	struct link_client *c = ctx;

	switch (c->phase) {
	case PHASE_RESTING:
		dial(c);
		return;
	case PHASE_DIALLING:
		link_client_end(c, LINK_FAULT_refused);
		return;
	case PHASE_HANDSHAKE:
		link_client_end(c, LINK_FAULT_handshake);
		return;
	case PHASE_GREETING:
		link_client_end(c, LINK_FAULT_hello);
		return;
	case PHASE_LIVE:
		tick(c);
		return;
	}
}

static void
dial(struct link_client *c)
{
	static const struct conn_limits limits = {
	    .read_bytes = LINK_MAX_BYTES + MESSAGE_ROOM,
	    .write_bytes = LINK_MAX_BYTES + SEND_BYTES + MESSAGE_ROOM,
	};
	bool is_tls = c->url.transport == LINK_TLS;

	conn_init(&c->conn, c->hub, &conn_table, c, limits);
	memset(c->asked, 0, sizeof(c->asked));
	c->phase = PHASE_DIALLING;
	c->dials++;
	loop_timer_start(
	    c->hub->loop, &c->timer, loop_now_ms(c->hub->loop) + LINK_DIAL_MS);
	if (conn_dial(&c->conn, (struct sockaddr *)&c->url.address,
		c->url.address_bytes, is_tls ? c->tls : NULL,
		is_tls ? c->url.host : NULL) != OK)
		link_client_end(c, LINK_FAULT_refused);
}

/* ---- the owner's side -----------------------------------------------------
 */

enum err
link_client_create(
    struct link_client **out, const struct link_client_options *o)
{
	struct link_url url;

	if (link_url_parse(o->url, &url) != OK)
		return ERR_MALFORMED;
	if (url.transport == LINK_TLS && o->tls == NULL)
		return ERR_DENIED;
	struct link_client *c = MEMORY_NEW(struct link_client);
	c->hub = o->hub;
	c->calls_back = o->calls;
	c->owner = o->owner;
	c->url = url;
	c->tls = o->tls;
	c->seed = o->seed;
	c->in_flight_limit = o->in_flight > 0 ? o->in_flight : IN_FLIGHT;
	c->state_since_ms = loop_now_ms(o->hub->loop);
	link_calls_init(&c->calls, o->life);
	buffer_init(&c->waiting, LINK_MAX_BYTES + SEND_BYTES);
	c->send_bytes = o->send_bytes > 0 ? o->send_bytes : SEND_BYTES;
	c->conn.watch.fd = -1;
	c->timer = (struct loop_timer){.due = on_timer, .ctx = c};
	c->hook = (struct loop_hook){.run = link_client_send_batch, .ctx = c};
	conn_hub_before_flush(c->hub, &c->hook);
	/* not from inside: the first dial may fail and call back */
	loop_timer_start(c->hub->loop, &c->timer, loop_now_ms(c->hub->loop));
	*out = c;
	return OK;
}

void
link_client_destroy(struct link_client **c)
{
	if (*c == NULL)
		return;
	conn_hub_forget_flush((*c)->hub, &(*c)->hook);
	loop_timer_stop((*c)->hub->loop, &(*c)->timer);
	conn_close(&(*c)->conn);
	buffer_finish(&(*c)->waiting);
	link_calls_finish(&(*c)->calls);
	memory_free(*c);
	*c = NULL;
}

enum link_state
link_client_state(const struct link_client *c)
{
	return c->state;
}

uint32_t
link_client_in_flight(const struct link_client *c)
{
	return c->calls.count;
}

void
link_client_facts(const struct link_client *c, struct link_client_facts *f)
{
	*f = (struct link_client_facts){
	    .state = c->state,
	    .last_fault = c->last_fault,
	    .is_unary = c->peer.is_unary,
	    .in_flight = c->calls.count,
	    .generations = c->generations,
	    .dials = c->dials,
	    .calls = c->call_count,
	    .lost = c->lost_count,
	    .late = c->late_count,
	    .boot = c->peer.boot,
	    .live_since_ms = c->live_since_ms,
	    .state_since_ms = c->state_since_ms,
	    .rest_ms = c->rest_ms,
	};
}
