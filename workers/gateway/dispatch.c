// SPDX-License-Identifier: MIT
#include "workers/gateway/dispatch.h"

#include "workers/gateway/gateway.h"
#include "workers/gateway/nodes.h"
#include "workers/gateway/order.h"
#include "workers/gateway/settle.h"

/* send_on asks the candidates that are left, best first. */
static void
send_on(struct gateway *g, struct call *call, bool is_first)
{
	uint64_t now_ms = loop_now_ms(g->loop);
	uint64_t left_ms =
	    call->deadline_ms > now_ms ? call->deadline_ms - now_ms : 1;
	enum err e = ERR_CLOSED;

	if (call->deadline_ms == CALL_NO_DEADLINE)
		left_ms = 0;

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
		settle_fail(g, call, ANSWER_dispatched_unknown,
		    "every node was lost while it had the call");
	else if (e == ERR_FULL)
		settle_fail(g, call, ANSWER_unavailable, "");
	else
		settle_fail(g, call, ANSWER_not_dispatched,
		    e == ERR_TOO_BIG ? "the call is too big for its node"
				     : "no target nodes available");
}

void
dispatch_first(struct gateway *g, struct call *call, const struct request *r)
{
	order_choose(g, call, r);
	if (settle_accept(g, call))
		send_on(g, call, true);
}

void
dispatch_on_result(struct gateway *g, struct call *call, struct text value)
{
	bool is_stream = call->function->response == FUNCTION_STREAM;

	call->link = NULL;
	stats_time(g->slot, HISTOGRAM_gateway_node_us,
	    loop_now_us(g->loop) - call->dispatched_us);
	settle_value(g, call, is_stream ? ANSWER_LAST : ANSWER_FINAL, value);
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
	enum answer_code ours = code_of(code);

	call->link = NULL;
	if (ours != ANSWER_internal)
		settle_fail(g, call, ours, answer_code_name(ours));
	else
		settle_error(g, call, message);
}

void
dispatch_on_refused(
    struct gateway *g, struct call *call, struct text code, struct text message)
{
	enum answer_code ours;

	if (!answer_code_of(code, &ours) || message.len == 0 ||
	    ours == ANSWER_internal) {
		dispatch_on_error(g, call, code, message);
		return;
	}
	call->link = NULL;
	settle_refuse(g, call, ours, message);
}

void
dispatch_on_lost(struct gateway *g, struct call *call, bool was_dispatched)
{
	call->link = NULL;
	call->may_have_run |= was_dispatched;
	/* parts that were passed on must not come again */
	if (call->has_parts ||
	    (was_dispatched && !call->function->is_idempotent))
		settle_fail(g, call, ANSWER_dispatched_unknown,
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
		settle_fail(g, call, ANSWER_expired, "timeout");
	}
}
