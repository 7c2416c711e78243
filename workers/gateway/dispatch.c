// SPDX-License-Identifier: MIT
#include "workers/gateway/dispatch.h"

#include "protocol/log_rules.h"
#include "workers/gateway/again.h"
#include "workers/gateway/ask.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/hooked.h"
#include "workers/gateway/nodes.h"
#include "workers/gateway/order.h"
#include "workers/gateway/pick.h"
#include "workers/gateway/settle.h"
#include "workers/gateway/tracing.h"

/* is_between_lives: worker_pool or relay is down, and will be back at once. */
static bool
is_between_lives(const struct compiled *f)
{
	return f->node_count > 0 && nodes_is_own(f->nodes[0]);
}

enum answer_code
dispatch_refusal(const struct compiled *f, enum err e)
{
	if (e == ERR_FULL || (e == ERR_CLOSED && is_between_lives(f)))
		return ANSWER_unavailable;
	return ANSWER_not_dispatched;
}

/* run_out ends a call no node is left for; `e` is what the last one said. */
static void
run_out(struct gateway *g, struct call *call, enum err e)
{
	enum retry_failure how =
	    call->may_have_run ? RETRY_MAY_HAVE_RUN : RETRY_NOT_RUN;

	if (call->ask != NULL && !call->ask->is_admitted)
		ask_failed(g, call, "no_node");
	else if (e != ERR_TOO_BIG && again_later(g, call, how))
		return;
	else if (call->may_have_run)
		settle_fail(g, call, ANSWER_dispatched_unknown,
		    "every node was lost while it had the call");
	else
		settle_fail(g, call, dispatch_refusal(call->function, e),
		    e == ERR_TOO_BIG ? "the call is too big for its node"
				     : DISPATCH_NO_NODE);
}

static void
count_sent(struct gateway *g, struct call *call)
{
	if (ask_is_open(call)) {
		COUNT(g, permissions_asked);
	} else {
		COUNT(g, dispatched);
		if (call->was_sent)
			COUNT(g, redispatched);
		call->was_sent = true;
	}
	call->dispatched_us = loop_now_us(g->loop);
	stats_set(g->slot, COUNTER_gateway_in_flight, g->calls.count);
}

void
dispatch_on(struct gateway *g, struct call *call)
{
	uint64_t now_ms = loop_now_ms(g->loop);
	uint64_t left_ms =
	    call->deadline_ms > now_ms ? call->deadline_ms - now_ms : 1;
	enum err e = ERR_CLOSED;

	if (call->deadline_ms == CALL_NO_DEADLINE)
		left_ms = 0;

	call->link = NULL;
	while (call->tried < call->order_count) {
		uint32_t place = call->tried++;
		struct node *node = call->function->nodes[call->order[place]];

		e = ask_is_due(call, place)
		    ? nodes_ask(node, call, (uint32_t)left_ms)
		    : nodes_send(node, call, (uint32_t)left_ms);
		scope_note(SCOPE_gateway_route,
		    "request=%.*s node=%.*s outcome=%s",
		    TEXT_ARG(call->request_id), TEXT_ARG(nodes_name(node)),
		    err_name(e));
		if (e == OK) {
			count_sent(g, call);
			tracing_sent(
			    call, nodes_name(node), nodes_is_own(node));
			return;
		}
		tracing_passed_over(call, nodes_name(node), e);
	}
	run_out(g, call, e);
}

void
dispatch_first(struct gateway *g, struct call *call, const struct request *r)
{
	if (call->function->chooser.is_valid) {
		if (settle_accept(g, call))
			pick_begin(g, call, r);
		return;
	}
	order_choose(g, call, r);
	if (settle_accept(g, call))
		dispatch_on(g, call);
}

void
dispatch_ask(struct gateway *g, struct call *call, const struct request *r)
{
	if (call->function->chooser.is_valid) {
		pick_begin(g, call, r);
		return;
	}
	order_choose(g, call, r);
	dispatch_on(g, call);
}

void
dispatch_on_result(struct gateway *g, struct call *call, struct text value)
{
	bool is_stream = call->function->response == FUNCTION_STREAM;

	call->link = NULL;
	HOP(call->traced, result, "status=ok bytes=%u", value.len);
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
	HOP(call->traced, result, "status=error code=%.*s", TEXT_ARG(code));
	if (again_later(g, call, RETRY_ANSWERED))
		return;
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
	enum retry_failure how = ours == ANSWER_dispatched_unknown
	    ? RETRY_MAY_HAVE_RUN
	    : RETRY_ANSWERED;
	if (!again_helps(ours) || !again_later(g, call, how))
		settle_refuse(g, call, ours, message);
}

void
dispatch_on_lost(struct gateway *g, struct call *call, bool was_dispatched)
{
	call->link = NULL;
	HOP(call->traced, fallback, "reason=%s",
	    was_dispatched ? "dispatched_unknown" : "not_dispatched");
	call->may_have_run |= was_dispatched;
	/* parts that were passed on must not come again */
	if (call->has_parts ||
	    (was_dispatched && !call->function->is_idempotent))
		settle_fail(g, call, ANSWER_dispatched_unknown,
		    "the node was lost while it had the call");
	else
		dispatch_on(g, call);
}

void
dispatch_expire(struct gateway *g)
{
	struct call *call;

	while (
	    (call = calls_next_due(&g->calls, loop_now_ms(g->loop))) != NULL) {
		if (hooked_is_open(call)) {
			hooked_on_time(g, call);
			continue;
		}
		if (pick_is_waiting(call)) {
			pick_go(g, call);
			continue;
		}
		if (call->is_resting) {
			again_now(g, call);
			continue;
		}
		nodes_cancel(call);
		if (call->ask != NULL && !call->ask->is_admitted)
			ask_failed(g, call, "timeout");
		else
			settle_fail(g, call, ANSWER_expired, "timeout");
	}
}
