// SPDX-License-Identifier: MIT
#include "workers/gateway/door.h"

#include <sys/resource.h>
#include <unistd.h>

#include "protocol/events.h"
#include "protocol/log_rules.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/nodes.h"

/* siblings_average looks at what every living gateway says of itself. */
static uint64_t
siblings_average(struct gateway *g)
{
	uint64_t sum = 0, count = 0;

	for (uint32_t i = STATS_SLOT_FIRST_CHILD; i < STATS_SLOTS; i++) {
		const struct stats_slot *slot = stats_slot_at(g->stats, i);

		if (atomic_load(&slot->role) != ROLE_gateway ||
		    atomic_load(&slot->phase) != STATS_WORKING)
			continue;
		sum += stats_get(slot, COUNTER_gateway_connections);
		count++;
	}
	return count > 0 ? sum / count : 0;
}

static void
rest(struct door *d, uint32_t ms)
{
	d->is_resting = true;
	conn_acceptor_pause(&d->acceptor, true);
	loop_timer_start(
	    d->gateway->loop, &d->rest, loop_now_ms(d->gateway->loop) + ms);
}

static bool
has_share(struct door *d)
{
	struct gateway *g = d->gateway;

	/* an instance of 0 is the only one: nobody to leave them to */
	return worker_instance(g->worker) == 0 ||
	    g->clients.count <= siblings_average(g) + DOOR_SLACK;
}

static void
on_rested(void *ctx)
{
	struct door *d = ctx;

	if (!d->is_open)
		return;
	d->is_meeting = false;
	if (!has_share(d) || d->gateway->clients.count >= d->descriptors) {
		rest(d, DOOR_REST_MS);
		return;
	}
	d->is_resting = false;
	conn_acceptor_pause(&d->acceptor, false);
}

static void
note_starving(struct door *d)
{
	uint64_t now_ms = loop_now_ms(d->gateway->loop);

	/* a line a second is enough to know */
	if (d->noted_ms != 0 && now_ms < d->noted_ms + 1000)
		return;
	d->noted_ms = now_ms;
	event_note(EVENT_listener_paused, "clients=%u descriptors=%u",
	    d->gateway->clients.count, d->descriptors);
}

static void
on_accepted(void *ctx, int fd, const struct sockaddr_storage *from)
{
	struct door *d = ctx;
	struct gateway *g = d->gateway;

	if (g->clients.count >= g->options->max_connections) {
		client_refuse(g, fd);
		return;
	}
	client_create(g, fd, from);
	if (g->clients.count >= d->descriptors) {
		note_starving(d);
		rest(d, DOOR_STARVED_MS);
	} else if (!has_share(d)) {
		rest(d, DOOR_REST_MS);
	}
}

static void
on_starved(void *ctx, int error)
{
	(void)error;
	note_starving(ctx);
}

/* count_descriptors leaves DOOR_RESERVED of them for everything else. */
static uint32_t
count_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
	    limit.rlim_cur > UINT32_MAX)
		return UINT32_MAX;
	return limit.rlim_cur > 2 * DOOR_RESERVED
	    ? (uint32_t)limit.rlim_cur - DOOR_RESERVED
	    : (uint32_t)limit.rlim_cur / 2;
}

void
door_open(struct door *d, struct gateway *g, int listener)
{
	*d = (struct door){
	    .gateway = g,
	    .acceptor = {.accepted = on_accepted,
		.starved = on_starved,
		.ctx = d,
		.per_wake = DOOR_PER_WAKE},
	    .rest = {.due = on_rested, .ctx = d},
	    .descriptors = count_descriptors(),
	    .is_open = true,
	};
	if (listener < 0 ||
	    conn_acceptor_start(&d->acceptor, &g->hub, listener) != OK)
		worker_fail(
		    g->worker, EXIT_SYSTEM, "no listening socket to serve");
	scope_note(SCOPE_net_listen, "fd=%d for=clients", listener);
	d->is_meeting = !nodes_are_met(g->nodes);
	if (d->is_meeting)
		rest(d, g->options->meet_timeout_ms);
}

void
door_node_met(struct door *d)
{
	if (d->is_open && d->is_meeting && nodes_are_met(d->gateway->nodes)) {
		loop_timer_stop(d->gateway->loop, &d->rest);
		on_rested(d);
	}
}

void
door_close(struct door *d)
{
	if (!d->is_open)
		return;
	d->is_open = false;
	loop_timer_stop(d->gateway->loop, &d->rest);
	conn_acceptor_stop(&d->acceptor);
}

void
door_look(struct door *d)
{
	if (d->is_open && d->is_resting && !d->is_meeting && has_share(d) &&
	    d->gateway->clients.count + DOOR_SLACK < d->descriptors)
		on_rested(d);
}
