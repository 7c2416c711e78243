// SPDX-License-Identifier: MIT
/* What goes to a node: calls, the questions about them, cancels, credit. */
#include "protocol/link/link_client.h"
#include "workers/gateway/ask.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/hints.h"
#include "workers/gateway/hooked.h"
#include "workers/gateway/nodes.h"
#include "workers/gateway/nodes_private.h"
#include "workers/gateway/pick.h"
#include "workers/gateway/relay_feed.h"

/* put gives a request to the node's link, with hints if it is our own. */
static enum err
put(struct node *n, struct call *call, struct link_request *request)
{
	struct gateway *g = n->all->gateway;

	if (n->link == NULL)
		return ERR_CLOSED;
	if (n->kind == NODE_LOCAL)
		request->hints = hints_for_local(g, call);
	else if (n->kind == NODE_RELAY)
		request->hints = hints_for_relay(g, call);
	else
		request->hints = hints_for_service(g, call);
	enum err e = link_call(n->link, request, call, &call->link_id);
	if (e == OK)
		call->link = n->link;
	/* a call of the kind `none` may have outlived its client */
	if (e == OK && n->kind == NODE_RELAY && call->client != NULL)
		relay_feed_asked(g->feed, call->client);
	return e;
}

/* A question that somebody has before, or after, the call itself. */
struct question {
	struct text module;
	struct text function;
	struct text args;
	bool *is_open; /* what the node says next is the answer */
	uint32_t left_ms;
};

static enum err
put_question(struct node *n, struct call *call, const struct question *q)
{
	struct link_request request = {
	    .module = q->module,
	    .function = q->function,
	    .args = q->args,
	    .deadline_ms = q->left_ms,
	};

	*q->is_open = true; /* the hints look at it */
	enum err e = put(n, call, &request);
	*q->is_open = e == OK;
	return e;
}

enum err
nodes_send(struct node *n, struct call *call, uint32_t left_ms)
{
	struct link_request request = {
	    .module = call->function->module,
	    .function = call->function->function,
	    .args = call->args,
	    .facts = call->facts,
	    .deadline_ms = left_ms,
	    .credit_bytes = (uint32_t)call->credit.left,
	};

	return put(n, call, &request);
}

enum err
nodes_ask(struct node *n, struct call *call, uint32_t left_ms)
{
	const struct compiled *f = call->function;

	return put_question(n, call,
	    &(struct question){
		.module = f->callback.module,
		.function = f->callback.function,
		.args = call->ask->question,
		.is_open = &call->ask->is_open,
		.left_ms = left_ms,
	    });
}

enum err
nodes_pick(struct node *n, struct call *call, uint32_t left_ms)
{
	const struct compiled *f = call->function;

	return put_question(n, call,
	    &(struct question){
		.module = f->chooser.module,
		.function = f->chooser.function,
		.args = call->pick->question,
		.is_open = &call->pick->is_open,
		.left_ms = left_ms,
	    });
}

enum err
nodes_hook(struct call *call, struct text args)
{
	const struct hook_set *set = call->function->hooks;
	const struct hook *h = &set->hooks[call->hooked->kind];

	return put_question(call->function->hook_node, call,
	    &(struct question){
		.module = h->module,
		.function = h->function,
		.args = args,
		.is_open = &call->hooked->is_open,
		.left_ms = set->timeout_ms,
	    });
}

void
nodes_cancel(struct call *call)
{
	if (call->link != NULL)
		link_cancel(call->link, call->link_id);
	call->link = NULL;
}

void
nodes_credit(const struct call *call, uint32_t bytes)
{
	if (call->link != NULL && !hooked_is_open(call))
		link_credit(call->link, call->link_id, bytes);
}
