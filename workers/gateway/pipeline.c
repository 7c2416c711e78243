// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * The way in borrows everything: the request from the frame, the arguments
 * from two buffers of the gateway that keep their memory. Only a call that
 * has passed every check is copied into the table of calls in flight.
 *
 * A node is chosen and asked in one go, so a call is never parked between
 * "chosen" and "sent": what a link does not take at once goes to the next
 * candidate, and what no link takes is an error now, not later. Only a call
 * whose function asks somebody first (hooked.h, ask.h, pick.h) waits, in the
 * table and under its deadline, and comes back through pipeline_go_on or
 * pipeline_resume.
 */

#include "workers/gateway/pipeline.h"

#include "protocol/events.h"
#include "protocol/log_rules.h"
#include "workers/gateway/ask.h"
#include "workers/gateway/checks.h"
#include "workers/gateway/dispatch.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/hooked.h"
#include "workers/gateway/limiter.h"
#include "workers/gateway/permit.h"
#include "workers/gateway/phoenix_binary.h"
#include "workers/gateway/refusal.h"
#include "workers/gateway/request.h"
#include "workers/gateway/request_news.h"
#include "workers/gateway/settle.h"
#include "workers/gateway/tracing.h"

static const char *
payload_fault(enum err e)
{
	return e == ERR_TYPE
	    ? "a key that is no text, or an ext, has no word in JSON"
	    : e == ERR_TOO_DEEP ? "nested too deep"
	    : e == ERR_TOO_BIG  ? "too many values"
				: "not msgpack";
}

/* read_payload reads and checks; the envelope must end behind the payload. */
static enum err
read_payload(struct gateway *g, struct phoenix_message *m, struct request *r,
    struct request_error *error)
{
	struct packer args;
	uint64_t most = g->options->max_payload_bytes;

	*r = (struct request){.id_json = TEXT("\"unknown\"")};
	if (m->payload_bytes > most) {
		request_too_big(most, m->payload_bytes, error);
		return ERR_TOO_BIG;
	}
	if (m->from.form == PHOENIX_V2_BINARY) {
		buffer_truncate(&g->payload, 0);
		enum err fault = phoenix_binary_payload(m, &g->payload);
		if (fault != OK) {
			request_malformed(payload_fault(fault), error);
			return ERR_MALFORMED;
		}
	}
	buffer_truncate(&g->args, 0);
	pack_init(&args, &g->args);
	enum err e = request_read(&m->payload, &g->arena, &args, r, error);
	if (e == OK && phoenix_end(m) != OK) {
		request_malformed("the message does not end behind it", error);
		e = ERR_MALFORMED;
	}
	return e;
}

/* deadline_after: a stream may go on for ever if its function says so. */
static uint64_t
deadline_after(
    const struct gateway *g, const struct compiled *function, uint32_t ms)
{
	if (ms == FUNCTION_NO_TIMEOUT && function->response == FUNCTION_STREAM)
		return CALL_NO_DEADLINE;
	if (ms == FUNCTION_NO_TIMEOUT)
		ms = g->options->infinite_timeout_ms;
	else if (ms == FUNCTION_DEFAULT_TIMEOUT)
		ms = g->options->default_timeout_ms;
	return loop_now_ms(g->loop) + ms;
}

/* timeout_of: a before hook may have said another. */
static uint32_t
timeout_of(const struct call *call)
{
	if (call->hooked != NULL && call->hooked->timeout_ms > 0)
		return call->hooked->timeout_ms;
	return call->function->timeout_ms;
}

static void
arm(struct gateway *g, struct call *call)
{
	calls_arm(&g->calls, call,
	    deadline_after(g, call->function, timeout_of(call)));
}

/* arm_question: it ends, even of a function that may take for ever. */
static void
arm_question(struct gateway *g, struct call *call)
{
	uint32_t ms = timeout_of(call);

	if (ms == FUNCTION_NO_TIMEOUT)
		ms = g->options->default_timeout_ms;
	calls_arm(&g->calls, call, deadline_after(g, call->function, ms));
}

/* enter takes the call into the table: from here on it ends exactly once. */
static struct call *
enter(struct refusal *to, struct compiled *function, struct text info,
    const struct channel *channel)
{
	struct client *c = to->client;
	struct gateway *g = c->gateway;
	const struct call_texts texts = {
	    .ref = to->to.address.ref,
	    .request_id = to->to.request_id,
	    .correlation =
		to->request != NULL ? to->request->correlation_id : TEXT(""),
	    .args = buffer_text(&g->packed),
	    .facts = info,
	};
	struct call *call = calls_start(&g->calls, &texts);

	call->client = c;
	call->channel = channel->serial;
	call->form = (uint8_t)to->to.address.form;
	call->arrived_us = loop_now_us(g->loop);
	call->traced = to->traced;
	to->traced = NULL;
	call->function = function;
	functions_hold(function);
	calls_of_client(&c->calls, call);
	c->call_count++;
	arm(g, call);
	return call;
}

/* ask_first: the call waits until its callback has decided. */
static void
ask_first(struct gateway *g, struct call *call, const struct request *r)
{
	call->ask = ask_create(g, call->function, call->client, r);
	arm_question(g, call);
	dispatch_ask(g, call, r);
}

/* refusal_of: what is refused ends the call in the table. */
static struct refusal
refusal_of(struct gateway *g, struct call *call, const struct request *r)
{
	return (struct refusal){.gateway = g,
	    .client = call->client,
	    .call = call,
	    .request = r,
	    .traced = call->traced};
}

/* admit is limit and arguments, for a call that waited in the table: false
 * when it has ended there. */
static bool
admit(struct gateway *g, struct call *call, const struct request *r)
{
	struct refusal to = refusal_of(g, call, r);
	struct text info;

	if (!limiter_admits(&to, r) ||
	    !checks_prepare(&to, call->function, r, &info))
		return false;
	calls_keep(call, buffer_text(&g->packed), info);
	arm(g, call);
	return true;
}

/* is_reachable: else its client left, and the call with it. */
static bool
is_reachable(struct gateway *g, struct call *call)
{
	struct answer_to to;

	if (settle_address(call, &to))
		return true;
	settle_quietly(g, call);
	return false;
}

void
pipeline_resume(struct gateway *g, struct call *call)
{
	if (call->ask->is_admitted) { /* by a node that then was lost */
		dispatch_on(g, call);
		return;
	}
	arena_reset(&g->arena);
	if (!is_reachable(g, call))
		return;
	call->ask->is_admitted = true;
	HOP(call->traced, permission,
	    "permission=allowed permission_mode=callback");
	if (admit(g, call, &call->ask->request) && settle_accept(g, call))
		dispatch_on(g, call);
}

void
pipeline_go_on(struct gateway *g, struct call *call)
{
	const struct request *r = &call->hooked->request;
	struct refusal to = refusal_of(g, call, r);

	arena_reset(&g->arena);
	if (!is_reachable(g, call))
		return;
	if (call->function->callback.is_valid)
		ask_first(g, call, r);
	else if (permit_allows(&to, call->function, r) && admit(g, call, r))
		dispatch_first(g, call, r);
}

/* take_hooked: each step of the call is the table's from the beginning, since
 * its hooks see what becomes of it, a refusal too. */
static void
take_hooked(struct refusal *to, struct compiled *function,
    const struct channel *channel, const struct request *r)
{
	struct gateway *g = to->gateway;

	struct hooked *hooked = hooked_create(g, function, to->client, r);
	struct call *call = enter(to, function, TEXT(""), channel);
	call->hooked = hooked;
	hooked_begin(g, call);
}

/* take_asked: the function's callback decides first. */
static void
take_asked(struct refusal *to, struct compiled *function,
    const struct channel *channel, const struct request *r)
{
	buffer_truncate(&to->gateway->packed, 0);
	ask_first(to->gateway, enter(to, function, TEXT(""), channel), r);
}

/* take runs a request that was read and may be asked for. */
static void
take(struct refusal *to, const struct channel *channel, struct request *r)
{
	struct gateway *g = to->gateway;
	struct compiled *function = NULL;
	struct text info;

	switch (checks_pass(to, channel->rule, r, &function, &info)) {
	case PASSED_HOOKS:
		take_hooked(to, function, channel, r);
		break;
	case PASSED_ASK:
		take_asked(to, function, channel, r);
		break;
	case PASSED:
		dispatch_first(g, enter(to, function, info, channel), r);
		STAGE_DONE(g, dispatch);
		break;
	case PASSED_NOT:
		break;
	}
}

void
pipeline_take(
    struct client *c, const struct channel *channel, struct phoenix_message *m)
{
	struct gateway *g = c->gateway;
	struct request r;
	struct request_error error;
	struct refusal to = {
	    .gateway = g,
	    .client = c,
	    .to = {.address = m->from,
		.event = channel->rule->event_json,
		.request_type = TEXT("\"\"")},
	};

	COUNT(g, calls);
	to.to.address.join_ref = channel->join_ref;
	to.to.address.form = channel_form(channel, m->from.form);
	stage_clock_begin(&g->stages);
	enum err e = read_payload(g, m, &r, &error);
	STAGE_DONE(g, decode);
	to.to.request_id = r.id_json;
	scope_note(SCOPE_gateway_decode,
	    "client=%llu request=%.*s service=%.*s type=%.*s outcome=%s",
	    (unsigned long long)c->serial, TEXT_ARG(r.id_json),
	    TEXT_ARG(r.service), TEXT_ARG(r.request_type), err_name(e));
	request_news_arrived(c, &r);
	if (!checks_readable(&to, channel->rule, e, &error)) {
		stage_clock_end(&g->stages);
		return;
	}
	to.request = &r;
	struct traced *traced = to.traced = tracing_begin(c, &r);
	if (traced != NULL)
		tracing_listen(traced);
	take(&to, channel, &r);
	stage_clock_end(&g->stages);
	if (traced != NULL)
		tracing_listen(NULL); /* a call may have it now, or had */
	tracing_release(&to.traced);
}
