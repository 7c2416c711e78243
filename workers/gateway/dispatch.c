// SPDX-License-Identifier: MIT
#include "workers/gateway/dispatch.h"

#include "workers/gateway/gateway.h"
#include "workers/gateway/nodes.h"
#include "workers/gateway/order.h"
#include "workers/gateway/refusal.h"

/* end_call takes a call out of every list; nobody hears of it. */
static void
end_call(struct gateway *g, struct call *call)
{
	struct compiled *function = call->function;

	call->client->call_count--;
	calls_finish_one(&g->calls, call);
	functions_release(function);
	stats_set(g->slot, COUNTER_gateway_in_flight, g->calls.count);
	if (g->is_draining)
		drain_look(g);
}

/* address finds out how to reach the caller: false when it has left. */
static bool
address(const struct call *call, struct answer_to *to)
{
	const struct channel *channel =
	    session_find(&call->client->session, call->channel);

	if (channel == NULL || call->client->state != CLIENT_OPEN)
		return false;
	*to = (struct answer_to){
	    .address = {.form = (enum phoenix_form)call->form,
		.join_ref = channel->join_ref,
		.ref = call->ref,
		.topic = channel->topic},
	    .event = channel->rule->event_json,
	    .request_id = call->request_id,
	    .request_type = call->function->type_json,
	};
	return true;
}

/* fail answers with an error and ends the call. */
static void
fail(struct gateway *g, struct call *call, enum answer_code code,
    const char *detail)
{
	struct refusal to = {.client = call->client};

	arena_reset(&g->arena);
	if (!address(call, &to.to))
		COUNT(g, client_gone);
	else if (code == ANSWER_unavailable)
		refuse_text(&to, code, ANSWER_TEXT_UNAVAILABLE);
	else
		refuse_internal(&to, code, detail);
	end_call(g, call);
}

/* send_on asks the candidates that are left, best first. */
static void
send_on(struct gateway *g, struct call *call, bool is_first)
{
	uint64_t now_ms = loop_now_ms(g->loop);
	uint64_t left_ms =
	    call->deadline_ms > now_ms ? call->deadline_ms - now_ms : 1;
	enum err e = ERR_CLOSED;

	call->link = NULL;
	while (call->tried < call->order_count) {
		struct node *node =
		    call->function->nodes[call->order[call->tried++]];

		e = nodes_send(node, call, (uint32_t)left_ms);
		if (e != OK)
			continue;
		COUNT(g, dispatched);
		if (!is_first)
			COUNT(g, redispatched);
		call->dispatched_us = loop_now_us(g->loop);
		stats_set(g->slot, COUNTER_gateway_in_flight, g->calls.count);
		return;
	}
	if (call->may_have_run)
		fail(g, call, ANSWER_dispatched_unknown,
		    "every node was lost while it had the call");
	else if (e == ERR_FULL)
		fail(g, call, ANSWER_unavailable, "");
	else
		fail(g, call, ANSWER_not_dispatched,
		    e == ERR_TOO_BIG ? "the call is too big for its node"
				     : "no target nodes available");
}

void
dispatch_first(struct gateway *g, struct call *call, const struct request *r)
{
	order_choose(g, call, r);
	send_on(g, call, true);
}

void
dispatch_on_result(struct gateway *g, struct call *call, struct text value)
{
	struct answer_to to;
	struct client *c = call->client;
	uint64_t now_us = loop_now_us(g->loop);

	call->link = NULL;
	stats_time(
	    g->slot, HISTOGRAM_gateway_node_us, now_us - call->dispatched_us);
	if (!address(call, &to)) {
		COUNT(g, client_gone);
		end_call(g, call);
		return;
	}
	enum err e = answer_put_result(client_out(c), &to, value, &g->json);
	client_written(c, e == OK ? 2 : 0);
	if (e == OK) {
		COUNT(g, answered);
		stats_time(g->slot, HISTOGRAM_gateway_call_us,
		    now_us - call->arrived_us);
		end_call(g, call);
	} else if (e == ERR_FULL) {
		COUNT(g, client_gone);
		end_call(g, call);
		client_is_slow(c);
	} else {
		fail(g, call, ANSWER_bad_result,
		    "the result has no form in JSON");
	}
}

/* code_of: which of a service's words reach the client as a code. */
static enum answer_code
code_of(struct text code)
{
	if (text_is(code, "expired"))
		return ANSWER_expired;
	if (text_is(code, "draining") || text_is(code, "unavailable"))
		return ANSWER_unavailable;
	return text_is(code, "bad_result") ? ANSWER_bad_result
					   : ANSWER_internal;
}

void
dispatch_on_error(
    struct gateway *g, struct call *call, struct text code, struct text message)
{
	struct refusal to;
	enum answer_code ours = code_of(code);

	call->link = NULL;
	if (ours != ANSWER_internal) {
		fail(g, call, ours, answer_code_name(ours));
		return;
	}
	arena_reset(&g->arena);
	to = (struct refusal){.client = call->client};
	if (address(call, &to.to))
		refuse_service(&to, message);
	else
		COUNT(g, client_gone);
	end_call(g, call);
}

void
dispatch_on_refused(
    struct gateway *g, struct call *call, struct text code, struct text message)
{
	struct refusal to = {.client = call->client};
	enum answer_code ours;

	if (!answer_code_of(code, &ours) || message.len == 0 ||
	    ours == ANSWER_internal) {
		dispatch_on_error(g, call, code, message);
		return;
	}
	call->link = NULL;
	arena_reset(&g->arena);
	if (address(call, &to.to))
		refuse_after(&to, ours, message, 0);
	else
		COUNT(g, client_gone);
	end_call(g, call);
}

void
dispatch_on_lost(struct gateway *g, struct call *call, bool was_dispatched)
{
	call->link = NULL;
	call->may_have_run |= was_dispatched;
	if (was_dispatched && !call->function->is_idempotent)
		fail(g, call, ANSWER_dispatched_unknown,
		    "the node was lost while it had the call");
	else
		send_on(g, call, false);
}

void
dispatch_expire(struct gateway *g)
{
	struct call *call;

	while ((call = calls_next_expired(&g->calls, loop_now_ms(g->loop))) !=
	    NULL) {
		nodes_cancel(call);
		fail(g, call, ANSWER_expired, "timeout");
	}
}
