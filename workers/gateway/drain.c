// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * First no new connection and no new call; then, when the last call in flight
 * has ended or most of the time is over, the sockets are closed one after the
 * other, so that their clients do not all come back in the same millisecond.
 */

#include "workers/gateway/gateway.h"
#include "workers/gateway/settle.h"

enum {
	STEP_MS = 2,     /* between two closes, at most */
	CLOSING_MS = 500 /* of the time allowed, kept for closing */
};

/* close_next says goodbye to one client that has not heard it yet. */
static bool
close_next(struct gateway *g)
{
	for (struct client *c = g->clients.first; c != NULL; c = c->next) {
		if (c->state == CLIENT_CLOSING)
			continue;
		settle_leaving(c);
		client_close(c, WEBSOCKET_RESTART, "draining");
		return true;
	}
	return false;
}

/* clients_per_step spreads those that are left over the time that is left. */
static uint32_t
clients_per_step(const struct gateway *g, uint64_t now_ms)
{
	uint64_t left_ms =
	    g->drain_until_ms > now_ms ? g->drain_until_ms - now_ms : 1;

	return (uint32_t)(g->clients.count * STEP_MS / left_ms) + 1;
}

static void
on_drain_timer(void *ctx)
{
	struct gateway *g = ctx;
	uint64_t now_ms = loop_now_ms(g->loop);
	bool is_late = now_ms + CLOSING_MS >= g->drain_until_ms;

	if (!g->is_closing && g->calls.count > 0 && !is_late) {
		loop_timer_start(
		    g->loop, &g->drain, g->drain_until_ms - CLOSING_MS);
		return;
	}
	g->is_closing = true;
	for (uint32_t n = clients_per_step(g, now_ms); n > 0; n--) {
		if (!close_next(g))
			break;
	}
	if (g->clients.count == 0)
		worker_drained(g->worker);
	else
		loop_timer_start(g->loop, &g->drain, now_ms + STEP_MS);
}

void
drain_begin(struct gateway *g, uint32_t allowed_ms)
{
	uint32_t ms = g->options->drain_timeout_ms;

	if (g->is_draining)
		return;
	g->is_draining = true;
	g->drain_until_ms =
	    loop_now_ms(g->loop) + (ms < allowed_ms ? ms : allowed_ms);
	g->drain = (struct loop_timer){.due = on_drain_timer, .ctx = g};
	door_close(&g->door);
	loop_timer_start(g->loop, &g->drain, loop_now_ms(g->loop));
}

void
drain_look(struct gateway *g)
{
	if (g->is_draining && (g->calls.count == 0 || g->is_closing))
		loop_timer_start(
		    g->loop, &g->drain, loop_now_ms(g->loop) + STEP_MS);
}
