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
#include "protocol/events.h"
#include "protocol/link/link_client.h"
#include "workers/gateway/dispatch.h"
#include "workers/gateway/gateway.h"

struct node {
	struct nodes *all;
	struct node *next;
	struct text name;         /* the bytes follow the struct */
	char *url;                /* of `link`; NULL: none */
	struct link_client *link; /* NULL: no URL, or it may not be dialled */
	uint64_t late_seen;       /* late results already counted */
	uint32_t holds;
	bool is_live; /* as the link said last */
};

/* A link that only finishes what it has. */
struct retired {
	struct retired *next;
	struct link_client *link;
};

struct nodes {
	struct gateway *gateway;
	struct node *first;
	struct retired *retired;
	uint32_t live;
};

static void
on_result(void *owner, void *call, struct text value)
{
	struct node *n = owner;

	dispatch_on_result(n->all->gateway, call, value);
}

static void
on_error(void *owner, void *call, struct text code, struct text text)
{
	struct node *n = owner;

	dispatch_on_error(n->all->gateway, call, code, text);
}

static void
on_lost(void *owner, void *call, enum link_lost how)
{
	struct node *n = owner;

	dispatch_on_lost(n->all->gateway, call, how == LINK_DISPATCHED_UNKNOWN);
}

/* A stream was not asked for: its parts are nobody's, its end is no answer. */
static void
on_chunk(void *owner, void *call, struct text value)
{
	(void)owner;
	(void)call;
	(void)value;
}

static void
on_end(void *owner, void *call)
{
	on_error(owner, call, TEXT("bad_result"),
	    TEXT("the node answered with a stream"));
}

static void
on_state(void *owner, enum link_state state, enum link_fault fault)
{
	struct node *n = owner;
	struct gateway *g = n->all->gateway;
	bool is_live = state == LINK_LIVE;

	if (is_live && !n->is_live) {
		n->all->live++;
		COUNT(g, links_opened);
		event_note(EVENT_link_up, "node=%.*s", TEXT_ARG(n->name));
	} else if (!is_live && n->is_live) {
		n->all->live--;
		COUNT(g, links_lost);
		event_note(EVENT_link_lost, "node=%.*s reason=%s",
		    TEXT_ARG(n->name),
		    state == LINK_DRAINING ? "draining"
					   : link_fault_name(fault));
	}
	n->is_live = is_live;
	stats_set(g->slot, COUNTER_gateway_links_up, n->all->live);
}

static const struct link_client_calls link_calls = {
    .result = on_result,
    .error = on_error,
    .chunk = on_chunk,
    .end = on_end,
    .lost = on_lost,
    .state = on_state,
};

/* url_of finds where a node is; a name that is a URL says so itself. */
static struct text
url_of(const struct options *o, struct text name)
{
	for (uint32_t i = 0; i < o->node_count; i++) {
		if (text_eq(o->nodes[i].name, name))
			return o->nodes[i].url;
	}
	if (memmem(name.at, name.len, "://", 3) != NULL)
		return name;
	return TEXT("");
}

/* connect gives the node a link to its URL, if it has one and may. */
static void
connect_node(struct node *n)
{
	struct gateway *g = n->all->gateway;
	struct text url = url_of(g->options, n->name);
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
	if (!options_may_dial(g->options, url)) {
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

struct text
nodes_name(const struct node *n)
{
	return n->name;
}

enum err
nodes_send(struct node *n, struct call *call, uint32_t left_ms)
{
	const struct link_request request = {
	    .module = call->function->module,
	    .function = call->function->function,
	    .args = call->args,
	    .facts = call->facts,
	    .deadline_ms = left_ms,
	};

	if (n->link == NULL)
		return ERR_CLOSED;
	enum err e = link_call(n->link, &request, call, &call->link_id);
	if (e == OK)
		call->link = n->link;
	return e;
}

void
nodes_cancel(struct call *call)
{
	if (call->link != NULL)
		link_cancel(call->link, call->link_id);
	call->link = NULL;
}

void
nodes_on_settings(struct nodes *nodes)
{
	for (struct node *n = nodes->first; n != NULL; n = n->next) {
		struct text url = url_of(nodes->gateway->options, n->name);

		if (n->link != NULL && text_is(url, n->url) &&
		    options_may_dial(nodes->gateway->options, url))
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
		if (n->holds > 0) {
			at = &n->next;
			continue;
		}
		*at = n->next;
		retire(n);
		memory_free(n);
	}
	sweep_retired(nodes);
}

static void
pack_facts(struct packer *p, const struct node *n)
{
	static const char *const words[] = {
	    [LINK_DOWN] = "down",
	    [LINK_LIVE] = "live",
	    [LINK_DRAINING] = "draining",
	};
	struct link_client_facts facts = {.state = LINK_DOWN};

	if (n->link != NULL)
		link_client_facts(n->link, &facts);
	pack_string(p, "state");
	pack_string(p, n->link == NULL ? "not_dialled" : words[facts.state]);
	pack_string(p, "last_fault");
	pack_string(p, link_fault_name(facts.last_fault));
	pack_string(p, "mode");
	pack_string(p, facts.is_unary ? "unary" : "stream");
	pack_string(p, "in_flight");
	pack_u64(p, facts.in_flight);
	pack_string(p, "generations");
	pack_u64(p, facts.generations);
	pack_string(p, "dials");
	pack_u64(p, facts.dials);
	pack_string(p, "calls");
	pack_u64(p, facts.calls);
	pack_string(p, "lost");
	pack_u64(p, facts.lost);
	pack_string(p, "late");
	pack_u64(p, facts.late);
}

void
nodes_pack(const struct nodes *nodes, struct packer *p)
{
	uint32_t count = 0;

	for (const struct node *n = nodes->first; n != NULL; n = n->next)
		count++;
	pack_array(p, count);
	for (const struct node *n = nodes->first; n != NULL; n = n->next) {
		pack_map(p, 11);
		pack_string(p, "name");
		pack_text(p, n->name);
		pack_string(p, "url");
		pack_string(p, n->url == NULL ? "" : n->url);
		pack_facts(p, n);
	}
}
