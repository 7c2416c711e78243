// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A client may be cut while a word for it is being written (its buffer is
 * full), and then the last words of all its calls are written on the spot. So
 * a call is marked as over before its own last word is, and the calls of a
 * cut client end a turn later, when nobody holds one any more (client.c).
 *
 * A call of the kind `none` has no claim on its client: it outlives it, with
 * `client` NULL. Every other call ends with its client or its channel.
 */

#include "workers/gateway/settle.h"

#include "workers/gateway/ask.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/hooked.h"
#include "workers/gateway/nodes.h"
#include "workers/gateway/pick.h"
#include "workers/gateway/refusal.h"
#include "workers/gateway/request_news.h"
#include "workers/gateway/stream.h"
#include "workers/gateway/tracing.h"

enum {
	LAST_WORD_BYTES = 4096 /* room kept for one, request_id and all */
};

/* What a stream says first, and what ends one: msgpack. */
static const struct text init_value = {.at = "\xa4init", .len = 5};
static const struct text nil_value = {.at = "\xc0", .len = 1};

/* count keeps how many calls of each kind are in flight. */
static void
count(struct gateway *g, struct call *call, uint32_t one)
{
	if (call->function->response == FUNCTION_STREAM) {
		g->stream_count += one;
		if (call->client != NULL)
			call->client->stream_count += one;
		stats_set(g->slot, COUNTER_gateway_streams, g->stream_count);
	} else {
		g->async_count += one;
		stats_set(g->slot, COUNTER_gateway_async_calls, g->async_count);
	}
}

/* end takes a call out of every list; nobody hears of it. */
static void
end(struct gateway *g, struct call *call)
{
	struct compiled *function = call->function;

	tracing_release(&call->traced);
	if (call->is_accepted)
		count(g, call, UINT32_MAX); /* one less */
	if (call->client != NULL)
		call->client->call_count--;
	calls_finish_one(&g->calls, call);
	functions_release(function);
	stats_set(g->slot, COUNTER_gateway_in_flight, g->calls.count);
	if (g->is_draining)
		drain_look(g);
}

/* is_discarded: its outcome is nobody's business; then it has ended. */
static bool
is_discarded(struct gateway *g, struct call *call)
{
	if (!call->is_accepted || call->function->response != FUNCTION_NONE)
		return false;
	COUNT_FOR(g, call->function, discarded);
	request_news_answered(g, call);
	tracing_ended(call->traced, true, true);
	end(g, call);
	return true;
}

/*
 * is_untaken: its node had no room for a call of the kind none, so it never
 * ran; its client is there to hear that he may try again.
 */
static bool
is_untaken(const struct call *call, const struct answer_error *error)
{
	struct answer_to to;

	return error->code == ANSWER_unavailable && settle_address(call, &to);
}

bool
settle_address(const struct call *call, struct answer_to *to)
{
	const struct client *c = call->client;

	if (c == NULL || c->state != CLIENT_OPEN)
		return false;
	const struct channel *channel =
	    session_find(&c->session, call->channel);
	if (channel == NULL)
		return false;
	*to = (struct answer_to){
	    .address = {.form = (enum phoenix_form)call->form,
		.join_ref = channel->join_ref,
		.ref = call->ref,
		.topic = channel->topic},
	    .event = channel->rule->event_json,
	    .request_id = call->request_id,
	    .request_type = call->function->type_json,
	    .is_replied = call->is_accepted,
	};
	return true;
}

void
settle_say(
    struct gateway *g, struct call *call, const struct answer_error *error)
{
	struct answer_to to;

	if (hooked_takes_error(g, call, error))
		return;
	if (!is_untaken(call, error) && is_discarded(g, call))
		return;
	call->is_over = true;
	tracing_failed(call->traced, error->code, error->text);
	request_news_failed(g, call, error);
	if (settle_address(call, &to)) {
		refusal_count(g, call->function, error, call->arrived_us);
		refusal_write(call->client, &to, error);
	} else {
		COUNT_FOR(g, call->function, client_gone);
	}
	end(g, call);
}

/* begin makes a refusal of a call; its text will be in a fresh arena. */
static struct refusal
begin(struct gateway *g, struct call *call)
{
	arena_reset(&g->arena);
	return (struct refusal){
	    .gateway = g, .client = call->client, .call = call};
}

void
settle_fail(struct gateway *g, struct call *call, enum answer_code code,
    const char *detail)
{
	struct refusal to = begin(g, call);

	refuse_failed(&to, code, detail);
}

void
settle_error(struct gateway *g, struct call *call, struct text message)
{
	struct refusal to = begin(g, call);

	refuse_service(&to, message);
}

void
settle_refuse(struct gateway *g, struct call *call, enum answer_code code,
    struct text text)
{
	struct refusal to = begin(g, call);

	refuse_after(&to, code, text, 0);
}

/* tell_answer: JSON is made in the client's buffer, so both hops are one. */
static void
tell_answer(struct call *call, size_t bytes)
{
	HOP(call->traced, encode, "status=ok bytes=%zu", bytes);
	HOP(call->traced, write, "status=ok bytes=%zu unsent=%zu", bytes,
	    conn_unsent(&call->client->conn));
	tracing_ended(call->traced, true, call->is_accepted);
}

static void
count_answer(
    struct gateway *g, const struct call *call, enum answer_shape shape)
{
	uint64_t took_us = loop_now_us(g->loop) - call->arrived_us;

	COUNT(g, answered);
	function_stats_time(gateway_counts_of(g, call->function), took_us);
	stats_time(g->slot,
	    shape == ANSWER_FINAL ? HISTOGRAM_gateway_call_us
				  : HISTOGRAM_gateway_stream_us,
	    took_us);
}

void
settle_value(struct gateway *g, struct call *call, enum answer_shape shape,
    struct text value)
{
	struct answer_to to;
	struct client *c = call->client;

	if (hooked_takes_value(g, call, shape, value) || is_discarded(g, call))
		return;
	if (!settle_address(call, &to)) {
		COUNT_FOR(g, call->function, client_gone);
		request_news_gone(g, call);
		end(g, call);
		return;
	}
	call->is_over = true;
	size_t before = buffer_used(client_out(c));
	stage_clock_begin(&g->encodes);
	enum err e =
	    answer_put_result(client_out(c), &to, shape, value, &g->json);
	stage_clock_done(
	    &g->encodes, g->slot, HISTOGRAM_gateway_stage_encode_ns);
	if (e != OK && e != ERR_FULL) {
		client_written(c, 0);
		settle_fail(g, call, ANSWER_bad_result,
		    "the result has no form in JSON");
		return;
	}
	if (e == OK) {
		count_answer(g, call, shape);
		request_news_answered(g, call);
		if (call->traced != NULL)
			tell_answer(call, buffer_used(client_out(c)) - before);
	} else {
		COUNT_FOR(g, call->function, client_gone);
		request_news_gone(g, call);
	}
	end(g, call);
	client_written(c, e != OK ? 0 : to.is_replied ? 1 : 2);
	if (e != OK)
		client_is_slow(c);
}

void
settle_quietly(struct gateway *g, struct call *call)
{
	if (!call->is_over) { /* else it was counted with its last word */
		COUNT_FOR(g, call->function, client_gone);
		request_news_gone(g, call);
	}
	nodes_cancel(call);
	end(g, call);
}

bool
settle_has_room(const struct gateway *g, enum function_response kind)
{
	if (kind == FUNCTION_SYNC)
		return true;
	if (kind == FUNCTION_STREAM)
		return g->stream_count < g->options->max_streams;
	return g->async_count < g->options->max_async;
}

/* say_at_once writes what an accepted call is answered with. */
static enum err
say_at_once(
    struct gateway *g, const struct call *call, const struct answer_to *to)
{
	struct buffer *out = client_out(call->client);

	if (call->function->response == FUNCTION_NONE)
		return answer_put_reply(out, to);
	if (call->function->response == FUNCTION_STREAM)
		return answer_put_result(
		    out, to, ANSWER_PART, init_value, &g->json);
	return answer_put_result(out, to, ANSWER_LAST, nil_value, &g->json);
}

static void
tell_accept(const struct call *call, const char *status)
{
	if (call->function->response == FUNCTION_STREAM)
		HOP(call->traced, stream, "status=%s", status);
	else
		HOP(call->traced, async, "status=%s", status);
}

bool
settle_accept(struct gateway *g, struct call *call)
{
	enum function_response kind = call->function->response;
	struct client *c = call->client;
	struct answer_to to;

	if (kind == FUNCTION_SYNC)
		return true;
	if (!settle_has_room(g, kind)) {
		tell_accept(call, "queue_full");
		settle_fail(g, call, ANSWER_unavailable, "");
		return false;
	}
	if (!settle_address(call, &to)) {
		settle_quietly(g, call);
		return false;
	}
	enum err e = say_at_once(g, call, &to);
	client_written(c, e != OK ? 0 : kind == FUNCTION_NONE ? 1 : 2);
	if (e != OK)
		client_is_slow(c);
	if (c->state != CLIENT_OPEN) {
		settle_quietly(g, call);
		return false;
	}
	COUNT(g, accepted_calls);
	tell_accept(call, kind == FUNCTION_STREAM ? "started" : "queued");
	call->is_accepted = true;
	count(g, call, 1);
	if (kind == FUNCTION_STREAM)
		stream_open(g, call);
	return true;
}

/* let_go: a call of the kind `none` runs on without its client. */
static void
let_go(struct call *call)
{
	call->client->call_count--;
	calls_forget_client(call);
}

static bool
runs_alone(const struct call *call)
{
	return call->is_accepted && call->function->response == FUNCTION_NONE;
}

void
settle_client_gone(struct client *c)
{
	while (c->calls.first != NULL) {
		if (runs_alone(c->calls.first))
			let_go(c->calls.first);
		else
			settle_quietly(c->gateway, c->calls.first);
	}
}

void
settle_channels_gone(struct client *c)
{
	struct call *call = c->calls.first, *next;

	for (; call != NULL; call = next) {
		next = call->by_client.next;
		if (!runs_alone(call) &&
		    session_find(&c->session, call->channel) == NULL)
			settle_quietly(c->gateway, call);
	}
}

/* has_not_run: what only waited, or was only asked for. */
static bool
has_not_run(const struct call *call)
{
	return hooked_has_not_run(call) || ask_is_open(call) ||
	    pick_is_open(call) || (call->link == NULL && !call->may_have_run);
}

void
settle_kill(struct gateway *g, struct call *call)
{
	bool was_idle = has_not_run(call);

	nodes_cancel(call);
	if (hooked_leave(g, call))
		return;
	settle_refuse(g, call,
	    was_idle ? ANSWER_unavailable : ANSWER_dispatched_unknown,
	    TEXT("The call was ended by an operator"));
}

void
settle_leaving(struct client *c)
{
	struct gateway *g = c->gateway;
	struct call *call;

	while ((call = c->calls.first) != NULL) {
		if (runs_alone(call)) {
			let_go(call);
			continue;
		}
		bool was_idle = has_not_run(call);
		nodes_cancel(call);
		if (hooked_leave(g, call))
			continue;
		if (was_idle || call->function->response == FUNCTION_STREAM)
			settle_fail(g, call, ANSWER_draining, "");
		else
			settle_fail(g, call, ANSWER_dispatched_unknown,
			    "the gateway left while the call was running");
	}
}

void
settle_rest(struct gateway *g)
{
	struct call *call;

	while ((call = calls_next_due(&g->calls, UINT64_MAX)) != NULL)
		settle_quietly(g, call);
}

void
settle_too_slow(struct client *c)
{
	static const struct answer_error error = {
	    .code = ANSWER_unavailable,
	    .text = {.at = ANSWER_TEXT_UNAVAILABLE,
		.len = sizeof(ANSWER_TEXT_UNAVAILABLE) - 1},
	};
	struct gateway *g = c->gateway;
	struct buffer *out = client_out(c);
	struct answer_to to;

	for (struct call *call = c->calls.first; call != NULL;
	     call = call->by_client.next) {
		if (out->limit_bytes - buffer_used(out) < LAST_WORD_BYTES)
			break;
		if (!call->is_accepted || call->is_over || runs_alone(call) ||
		    !settle_address(call, &to))
			continue;
		call->is_over = true;
		if (answer_put_error(out, &to, &error) != OK)
			break;
		refusal_count(g, call->function, &error, call->arrived_us);
		request_news_failed(g, call, &error);
		COUNT(g, frames_out);
	}
	conn_written(&c->conn);
}
