// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A node whose URL changed keeps its old link until the calls on it have
 * ended: a reload loses none. Such links are retired, and looked at once a
 * second.
 */

#include "workers/gateway/nodes.h"

#include <string.h>

#include "protocol/base/memory.h"
#include "protocol/endpoint.h"
#include "protocol/events.h"
#include "protocol/link/link_client.h"
#include "workers/gateway/ask.h"
#include "workers/gateway/dispatch.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/hooked.h"
#include "workers/gateway/nodes_private.h"
#include "workers/gateway/pick.h"
#include "workers/gateway/relay_feed.h"
#include "workers/gateway/stream.h"
#include "workers/gateway/tracing.h"

/* is_plain: what a node says of it is about the call itself, not an answer to
 * a question somebody had first. */
static bool
is_plain(const struct call *call)
{
	return call->hooked == NULL && call->ask == NULL && call->pick == NULL;
}

static void
on_result(void *owner, void *ctx, struct text value)
{
	struct gateway *g = ((struct node *)owner)->all->gateway;
	struct call *call = ctx;

	if (relay_feed_ended(g->feed, call))
		return;
	if (is_plain(call))
		dispatch_on_result(g, call, value);
	else if (hooked_is_open(call))
		hooked_on_answer(g, call, value);
	else if (pick_is_open(call))
		pick_on_answer(g, call, value);
	else if (ask_is_open(call))
		ask_on_answer(g, call, value);
	else
		dispatch_on_result(g, call, value);
}

static void
on_error(void *owner, void *call, struct text code, struct text text)
{
	struct node *n = owner;
	struct gateway *g = n->all->gateway;

	if (relay_feed_ended(g->feed, call))
		return;
	if (hooked_is_open(call))
		hooked_on_error(g, call, code, text);
	else if (pick_is_open(call))
		pick_failed(g, call, "who picks nodes failed");
	else if (ask_is_open(call))
		ask_failed(g, call, "error");
	else if (n->kind == NODE_SERVICE)
		dispatch_on_error(g, call, code, text);
	else
		dispatch_on_refused(g, call, code, text);
}

static void
on_lost(void *owner, void *call, enum link_lost how)
{
	struct gateway *g = ((struct node *)owner)->all->gateway;
	bool was_dispatched = how == LINK_DISPATCHED_UNKNOWN;

	if (relay_feed_ended(g->feed, call))
		return;
	if (hooked_is_open(call))
		hooked_on_lost(g, call, was_dispatched);
	else if (pick_is_open(call))
		pick_failed(g, call, "who picks nodes was lost");
	else if (ask_is_open(call))
		ask_on_lost(g, call, was_dispatched);
	else
		dispatch_on_lost(g, call, was_dispatched);
}

/* streams_an_answer: who was asked first may not answer in parts. */
static bool
streams_an_answer(struct gateway *g, struct call *call)
{
	if (hooked_is_open(call))
		hooked_on_stream(g, call);
	else if (pick_is_open(call))
		pick_failed(g, call, "who picks nodes streams");
	else if (ask_is_open(call))
		ask_failed(g, call, "stream");
	else
		return false;
	return true;
}

static void
on_chunk(void *owner, void *call, struct text value)
{
	struct gateway *g = ((struct node *)owner)->all->gateway;

	if (!relay_feed_message(g->feed, call, value) &&
	    !streams_an_answer(g, call))
		stream_on_part(g, call, value);
}

static void
on_end(void *owner, void *call)
{
	struct gateway *g = ((struct node *)owner)->all->gateway;

	if (!relay_feed_ended(g->feed, call) && !streams_an_answer(g, call))
		stream_on_end(g, call);
}

static void
on_state(void *owner, enum link_state state, enum link_fault fault)
{
	struct node *n = owner;
	struct gateway *g = n->all->gateway;
	bool is_live = state == LINK_LIVE;
	uint32_t counts = n->kind == NODE_SERVICE; /* links_up is of services */

	nodes_tell(n, state, fault);
	if (is_live && !n->is_live) {
		n->all->live += counts;
		COUNT(g, links_opened);
		event_note(EVENT_link_up, "node=%.*s", TEXT_ARG(n->name));
	} else if (!is_live && n->is_live) {
		n->all->live -= counts;
		COUNT(g, links_lost);
		event_note(EVENT_link_lost, "node=%.*s reason=%s",
		    TEXT_ARG(n->name),
		    state == LINK_DRAINING ? "draining"
					   : link_fault_name(fault));
	}
	if (n->kind == NODE_RELAY && is_live != n->is_live)
		relay_feed_on_link(g->feed, n->link, is_live);
	n->is_live = is_live;
	stats_set(g->slot, COUNTER_gateway_links_up, n->all->live);
	n->is_met = true;
	door_node_met(&g->door);
}

static const struct link_client_calls link_calls = {
    .result = on_result,
    .served = tracing_on_served,
    .error = on_error,
    .chunk = on_chunk,
    .end = on_end,
    .lost = on_lost,
    .state = on_state,
};

static enum node_kind
kind_of(struct text name)
{
	if (text_is(name, "local"))
		return NODE_LOCAL;
	return text_is(name, "relay") ? NODE_RELAY : NODE_SERVICE;
}

/* own_url: where the processes of our own tree take calls. */
static struct text
own_url(const struct nodes *all, enum node_kind kind, char to[ENDPOINT_URL])
{
	const char *role = kind == NODE_LOCAL ? "worker_pool" : "relay";
	const char *dir = worker_runtime_dir(all->gateway->worker);

	return endpoint_link_url(dir, role, to) == OK ? text_of(to) : TEXT("");
}

/*
 * url_of finds where a node is; a name that is a URL says so itself. `to`
 * keeps the URL of a node of our own.
 */
static struct text
url_of(const struct node *n, char to[ENDPOINT_URL])
{
	const struct options *o = n->all->gateway->options;
	struct text name = n->name;

	if (n->kind != NODE_SERVICE)
		return own_url(n->all, n->kind, to);
	for (uint32_t i = 0; i < o->node_count; i++) {
		if (text_eq(o->nodes[i].name, name))
			return o->nodes[i].url;
	}
	if (memmem(name.at, name.len, "://", 3) != NULL)
		return name;
	return TEXT("");
}

static bool
may_dial(const struct node *n, struct text url)
{
	return n->kind != NODE_SERVICE ||
	    options_may_dial(n->all->gateway->options, url);
}

/* connect gives the node a link to its URL, if it has one and may. */
static void
connect_node(struct node *n)
{
	struct gateway *g = n->all->gateway;
	char own[ENDPOINT_URL];
	struct text url = url_of(n, own);
	const struct link_client_options options = {
	    .hub = &g->hub,
	    .calls = &link_calls,
	    .owner = n,
	    .url = url,
	    .life = worker_life(g->worker),
	    .seed = gateway_chance(g),
	    .send_bytes = (uint32_t)(g->options->node_buffer_bytes < UINT32_MAX
		    ? g->options->node_buffer_bytes
		    : UINT32_MAX),
	    .in_flight = g->options->max_calls,
	};

	if (url.len == 0)
		return;
	if (!may_dial(n, url)) {
		event_note(EVENT_node_refused, "node=%.*s url=%.*s",
		    TEXT_ARG(n->name), TEXT_ARG(url));
		return;
	}
	if (link_client_create(&n->link, &options) != OK) {
		event_note(EVENT_node_refused,
		    "node=%.*s url=%.*s reason=not_a_url", TEXT_ARG(n->name),
		    TEXT_ARG(url));
		n->link = NULL;
		return;
	}
	n->url = memory_new((size_t)url.len + 1);
	memcpy(n->url, url.at, url.len);
	n->late_seen = 0;
}

static void
retire(struct node *n)
{
	struct nodes *all = n->all;

	if (n->is_live)
		on_state(n, LINK_DOWN, LINK_FAULT_stopped);
	memory_free(n->url);
	n->url = NULL;
	if (n->link == NULL)
		return;
	if (link_client_in_flight(n->link) == 0) {
		link_client_destroy(&n->link);
		return;
	}
	struct retired *r = MEMORY_NEW(struct retired);
	r->link = n->link;
	r->next = all->retired;
	all->retired = r;
	n->link = NULL;
}

void
nodes_create(struct nodes **nodes, struct gateway *g)
{
	*nodes = MEMORY_NEW(struct nodes);
	(*nodes)->gateway = g;
}

void
nodes_destroy(struct nodes **nodes)
{
	if (*nodes == NULL)
		return;
	while ((*nodes)->first != NULL) {
		struct node *n = (*nodes)->first;

		(*nodes)->first = n->next;
		link_client_destroy(&n->link);
		memory_free(n->url);
		memory_free(n);
	}
	while ((*nodes)->retired != NULL) {
		struct retired *r = (*nodes)->retired;

		(*nodes)->retired = r->next;
		link_client_destroy(&r->link);
		memory_free(r);
	}
	memory_free(*nodes);
	*nodes = NULL;
}

struct node *
nodes_hold(struct nodes *nodes, struct text name)
{
	for (struct node *n = nodes->first; n != NULL; n = n->next) {
		if (text_eq(n->name, name)) {
			n->holds++;
			return n;
		}
	}
	struct node *n = memory_new(sizeof(*n) + name.len);
	char *copy = (char *)(n + 1);
	memcpy(copy, name.at, name.len);
	*n = (struct node){
	    .all = nodes,
	    .kind = kind_of(name),
	    .name = {.at = copy, .len = name.len},
	    .holds = 1,
	    .next = nodes->first,
	};
	nodes->first = n;
	connect_node(n);
	return n;
}

/* A node nobody holds is swept at the next second, not at once: a function
 * that is compiled anew lets go of its nodes a moment before it takes them. */
void
nodes_release(struct node *n)
{
	INVARIANT(n->holds > 0);
	n->holds--;
}

bool
nodes_is_live(const struct node *n)
{
	return n->is_live;
}

bool
nodes_are_met(const struct nodes *nodes)
{
	for (const struct node *n = nodes->first; n != NULL; n = n->next) {
		if (!n->is_met && n->link != NULL)
			return false;
	}
	return true;
}

bool
nodes_is_own(const struct node *n)
{
	return n->kind != NODE_SERVICE;
}

bool
nodes_is_relay(const struct node *n)
{
	return n->kind == NODE_RELAY;
}

struct text
nodes_name(const struct node *n)
{
	return n->name;
}

void
nodes_on_settings(struct nodes *nodes)
{
	for (struct node *n = nodes->first; n != NULL; n = n->next) {
		char own[ENDPOINT_URL];
		struct text url = url_of(n, own);

		if (n->link != NULL && text_is(url, n->url) && may_dial(n, url))
			continue;
		retire(n);
		connect_node(n);
	}
}

static void
count_late(struct nodes *nodes, struct node *n)
{
	struct link_client_facts facts;

	if (n->link == NULL)
		return;
	link_client_facts(n->link, &facts);
	stats_add(nodes->gateway->slot, COUNTER_gateway_late_results,
	    facts.late - n->late_seen);
	n->late_seen = facts.late;
}

static void
sweep_retired(struct nodes *nodes)
{
	struct retired **at = &nodes->retired;

	while (*at != NULL) {
		struct retired *r = *at;

		if (link_client_in_flight(r->link) > 0) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		link_client_destroy(&r->link);
		memory_free(r);
	}
}

void
nodes_on_second(struct nodes *nodes)
{
	struct node **at = &nodes->first;

	while (*at != NULL) {
		struct node *n = *at;

		count_late(nodes, n);
		if (n->holds > 0 ||
		    (n->link != NULL && link_client_in_flight(n->link) > 0)) {
			at = &n->next;
			continue;
		}
		*at = n->next;
		retire(n);
		memory_free(n);
	}
	sweep_retired(nodes);
}
