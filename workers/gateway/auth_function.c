// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * The service that decides is named by the settings alone, and has links of
 * its own: no function a service registers can take its place, and no flood
 * of calls stands in front of its answers.
 *
 * Nothing is decided inside a link's callback: the client is put into auth's
 * queue and its head is read again from there. A question that left and was
 * lost refuses: it may have used up what the client brought.
 */

#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/base/memory.h"
#include "protocol/endpoint.h"
#include "protocol/events.h"
#include "protocol/link/link_client.h"
#include "workers/gateway/auth_private.h"
#include "workers/gateway/credentials.h"
#include "workers/gateway/gateway.h"

enum {
	QUESTION_BYTES = 64 * 1024, /* a head has 16 KiB */
	HINTS_BYTES = 1024
};

struct auth_node {
	struct auth *auth;
	struct link_client *link; /* NULL: may not be dialled */
	struct text name;         /* the options' */
	char *url;                /* of the link */
	struct buffer hints;      /* for our own pools; else empty */
	bool is_live;
};

/* One question about one client. */
struct auth_ask {
	struct auth_ask *next;
	struct auth_ask **back;
	struct client *client;
	struct auth_node *node; /* NULL: waits for one that is live */
	uint64_t id;            /* the link's */
	uint64_t until_ms;
	struct text args; /* behind the struct */
};

static void
drop(struct auth_ask *ask)
{
	struct auth *a = ask->client->gateway->auth;

	*ask->back = ask->next;
	if (ask->next != NULL)
		ask->next->back = ask->back;
	else
		a->last_ask = ask->back;
	ask->client->auth.ask = NULL;
	a->asks--;
	memory_free(ask);
}

/* finish tells the client, by way of the queue. */
static void
finish(struct auth_ask *ask, struct identity *found, const char *reason)
{
	struct client *c = ask->client;

	drop(ask);
	identity_release(&c->auth.found);
	c->auth.found = found;
	c->auth.reason = reason;
	auth_queue_decided(c);
}

/* --- nodes --- */

/* ask_node hands the question to a live node; false when there is none. */
static bool
ask_node(struct auth *a, struct auth_ask *ask)
{
	const struct auth_options *o = &a->gateway->options->auth;
	uint64_t now_ms = loop_now_ms(a->gateway->loop);
	struct link_request request = {
	    .module = o->module,
	    .function = o->function,
	    .args = ask->args,
	    .deadline_ms =
		ask->until_ms > now_ms ? (uint32_t)(ask->until_ms - now_ms) : 1,
	};

	for (uint32_t i = 0; i < a->node_count; i++) {
		struct auth_node *n = &a->nodes[(a->turn + i) % a->node_count];

		request.hints = buffer_text(&n->hints);
		if (n->link == NULL ||
		    link_call(n->link, &request, ask, &ask->id) != OK)
			continue;
		a->turn = (a->turn + i + 1) % a->node_count;
		ask->node = n;
		COUNT(a->gateway, auth_asked);
		return true;
	}
	return false;
}

static void
on_result(void *owner, void *call, struct text value)
{
	struct auth_ask *ask = call;
	struct identity facts, *found = NULL;
	const char *reason = "refused";
	struct arena arena;

	(void)owner;
	arena_init(&arena);
	enum err e = credentials_answer(value, clock_wall_ms(), &arena, &facts);
	if (e == OK)
		found = identity_create(&facts);
	else if (e != ERR_DENIED)
		reason = "wrong_shape";
	arena_finish(&arena);
	finish(ask, found, reason);
}

static void
on_error(void *owner, void *call, struct text code, struct text text)
{
	(void)owner;
	(void)code;
	(void)text;
	finish(call, NULL, "service_error");
}

static void
on_chunk(void *owner, void *call, struct text value)
{
	(void)owner;
	(void)call;
	(void)value; /* what ends the stream refuses */
}

static void
on_end(void *owner, void *call)
{
	(void)owner;
	finish(call, NULL, "wrong_shape");
}

static void
on_lost(void *owner, void *call, enum link_lost how)
{
	struct auth_node *n = owner;
	struct auth_ask *ask = call;

	ask->node = NULL;
	if (how == LINK_DISPATCHED_UNKNOWN)
		finish(ask, NULL, "node_lost");
	else
		(void)ask_node(n->auth, ask); /* else it waits for a node */
}

static void
on_state(void *owner, enum link_state state, enum link_fault fault)
{
	struct auth_node *n = owner;
	bool is_live = state == LINK_LIVE;

	if (is_live == n->is_live)
		return;
	n->is_live = is_live;
	if (!is_live) {
		event_note(EVENT_link_lost, "node=%.*s for=auth reason=%s",
		    TEXT_ARG(n->name), link_fault_name(fault));
		return;
	}
	event_note(EVENT_link_up, "node=%.*s for=auth", TEXT_ARG(n->name));
	for (struct auth_ask *ask = n->auth->first_ask; ask != NULL;
	     ask = ask->next) {
		if (ask->node == NULL && !ask_node(n->auth, ask))
			break;
	}
}

bool
auth_has_live_node(const struct auth *a)
{
	for (uint32_t i = 0; i < a->node_count; i++) {
		if (a->nodes[i].is_live)
			return true;
	}
	return false;
}

static struct text
url_of(const struct gateway *g, struct text name, char to[ENDPOINT_URL])
{
	if (text_is(name, "local"))
		return endpoint_link_url(worker_runtime_dir(g->worker),
			   "worker_pool", to) == OK
		    ? text_of(to)
		    : TEXT("");
	for (uint32_t i = 0; i < g->options->node_count; i++) {
		if (text_eq(g->options->nodes[i].name, name))
			return g->options->nodes[i].url;
	}
	return name;
}

/* fill_hints: our own pools are told what a call is, others are not. */
static void
fill_hints(struct auth_node *n)
{
	const struct auth_options *o = &n->auth->gateway->options->auth;
	struct packer p;

	buffer_init(&n->hints, HINTS_BYTES);
	if (!text_is(n->name, "local"))
		return;
	pack_init(&p, &n->hints);
	pack_map(&p, 5);
	pack_field_string(&p, "session", "");
	pack_field_bool(&p, "once", true);
	pack_field_bool(&p, "stream", false);
	pack_string(&p, "service");
	pack_text(&p, o->module);
	pack_string(&p, "request_type");
	pack_text(&p, o->function);
	INVARIANT(pack_finish(&p) == OK);
}

static void
open_node(struct auth *a, struct auth_node *n, struct text name)
{
	static const struct link_client_calls calls = {
	    .result = on_result,
	    .error = on_error,
	    .chunk = on_chunk,
	    .end = on_end,
	    .lost = on_lost,
	    .state = on_state,
	};
	struct gateway *g = a->gateway;
	char own[ENDPOINT_URL];
	const struct link_client_options options = {
	    .hub = &g->hub,
	    .calls = &calls,
	    .owner = n,
	    .url = url_of(g, name, own),
	    .life = worker_life(g->worker),
	    .seed = gateway_chance(g),
	    .in_flight = g->options->auth.max_waiting,
	};

	*n = (struct auth_node){.auth = a, .name = name};
	n->url = memory_new((size_t)options.url.len + 1);
	memcpy(n->url, options.url.at, options.url.len);
	fill_hints(n);
	if ((!text_is(name, "local") &&
		!options_may_dial(g->options, options.url)) ||
	    link_client_create(&n->link, &options) != OK) {
		n->link = NULL;
		event_note(EVENT_node_refused, "node=%.*s url=%.*s for=auth",
		    TEXT_ARG(name), TEXT_ARG(options.url));
	}
}

void
auth_open_nodes(struct auth *a)
{
	const struct auth_options *o = &a->gateway->options->auth;

	if (a->mode != AUTH_FUNCTION)
		return;
	a->nodes = memory_new((o->node_count + 1) * sizeof(*a->nodes));
	a->node_count = o->node_count;
	for (uint32_t i = 0; i < o->node_count; i++)
		open_node(a, &a->nodes[i], o->nodes[i]);
}

void
auth_close_nodes(struct auth *a)
{
	for (uint32_t i = 0; i < a->node_count; i++) {
		link_client_destroy(&a->nodes[i].link);
		buffer_finish(&a->nodes[i].hints);
		memory_free(a->nodes[i].url);
	}
	memory_free(a->nodes);
	a->nodes = NULL;
	a->node_count = 0;
	a->turn = 0;
}

/* are_same: the new settings lead to the same places; names move over. */
static bool
are_same(struct auth *a)
{
	const struct auth_options *o = &a->gateway->options->auth;
	char own[ENDPOINT_URL];

	if (o->node_count != a->node_count)
		return false;
	for (uint32_t i = 0; i < a->node_count; i++) {
		if (!text_is(url_of(a->gateway, o->nodes[i], own),
			a->nodes[i].url) ||
		    a->nodes[i].link == NULL)
			return false;
	}
	for (uint32_t i = 0; i < a->node_count; i++)
		a->nodes[i].name = o->nodes[i];
	return true;
}

static void
arm(struct auth *a)
{
	if (a->first_ask != NULL)
		loop_timer_start(
		    a->gateway->loop, &a->ask_timer, a->first_ask->until_ms);
	else
		loop_timer_stop(a->gateway->loop, &a->ask_timer);
}

/* shorten: a shorter time-out holds for who waits already, too; so whoever
 * is first in the list is always the first to be over. */
static void
shorten(struct auth *a)
{
	uint64_t most_ms = loop_now_ms(a->gateway->loop) +
	    a->gateway->options->auth.timeout_ms;

	for (struct auth_ask *ask = a->first_ask; ask != NULL; ask = ask->next)
		if (ask->until_ms > most_ms)
			ask->until_ms = most_ms;
	arm(a);
}

void
auth_nodes_on_settings(struct auth *a)
{
	if (a->mode != AUTH_FUNCTION)
		return;
	shorten(a);
	if (are_same(a))
		return;
	auth_close_nodes(a);
	/* what was asked is lost with its link; what waits is asked anew */
	for (struct auth_ask *ask = a->first_ask, *next; ask != NULL;
	     ask = next) {
		next = ask->next;
		if (ask->node != NULL)
			finish(ask, NULL, "node_lost");
	}
	auth_open_nodes(a);
}

/* --- questions --- */

void
auth_on_ask_timer(void *ctx)
{
	struct auth *a = ctx;
	uint64_t now_ms = loop_now_ms(a->gateway->loop);

	while (a->first_ask != NULL && a->first_ask->until_ms <= now_ms) {
		struct auth_ask *ask = a->first_ask;

		if (ask->node != NULL)
			link_cancel(ask->node->link, ask->id);
		finish(ask, NULL, ask->node != NULL ? "timeout" : "no_node");
	}
	arm(a);
}

static struct auth_ask *
keep(struct client *c, struct text args)
{
	struct auth *a = c->gateway->auth;
	struct auth_ask *ask = memory_new(sizeof(*ask) + args.len);
	char *at = (char *)(ask + 1);

	memcpy(at, args.at, args.len);
	*ask = (struct auth_ask){
	    .client = c,
	    .back = a->last_ask,
	    .until_ms = loop_now_ms(a->gateway->loop) +
		a->gateway->options->auth.timeout_ms,
	    .args = {.at = at, .len = args.len},
	};
	*a->last_ask = ask;
	a->last_ask = &ask->next;
	a->asks++;
	c->auth.ask = ask;
	return ask;
}

enum err
auth_ask(struct client *c, const struct http_upgrade *u, struct text token)
{
	struct auth *a = c->gateway->auth;
	const struct auth_options *o = &c->gateway->options->auth;
	const struct credentials credentials = {
	    .upgrade = u,
	    .headers = o->headers,
	    .header_count = o->header_count,
	    .token = token,
	    .peer = text_of(c->peer),
	    .user_id = c->identity != NULL
		? c->identity->user_id
		: (struct text){.at = NULL, .len = 0},
	};
	struct buffer bytes;
	struct packer p;
	struct arena arena;

	if (a->asks >= o->max_waiting)
		return ERR_FULL;
	buffer_init(&bytes, QUESTION_BYTES);
	arena_init(&arena);
	pack_init(&p, &bytes);
	enum err e = credentials_pack(&credentials, &arena, &p);
	if (e == OK) {
		(void)ask_node(a, keep(c, buffer_text(&bytes)));
		arm(a);
	}
	arena_finish(&arena);
	buffer_finish(&bytes);
	return e;
}

void
auth_drop_ask(struct client *c)
{
	struct auth_ask *ask = c->auth.ask;

	if (ask == NULL)
		return;
	if (ask->node != NULL && ask->node->link != NULL)
		link_cancel(ask->node->link, ask->id);
	drop(ask);
}
