// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Credit goes back in the turn the parts came in, before the links close their
 * messages: the client's bytes are sent early for that, which costs nothing,
 * as they would leave at the end of the turn anyway. Only what the kernel
 * does not take waits, for `room`.
 */

#include "workers/gateway/stream.h"

#include "protocol/log_rules.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/hooked.h"
#include "workers/gateway/nodes.h"
#include "workers/gateway/phoenix_binary.h"
#include "workers/gateway/request.h"
#include "workers/gateway/request_news.h"
#include "workers/gateway/settle.h"
#include "workers/gateway/tracing.h"

static struct credit_rules
rules_of(const struct gateway *g, const struct call *call)
{
	return (struct credit_rules){
	    .window_bytes = g->options->stream_window_bytes,
	    .buffer_bytes = g->options->client_buffer_bytes,
	    .streams = call->client != NULL ? call->client->stream_count : 1,
	};
}

void
stream_open(struct gateway *g, struct call *call)
{
	const struct credit_rules rules = rules_of(g, call);

	scope_note(SCOPE_gateway_stream, "request=%.*s what=opened",
	    TEXT_ARG(call->request_id));
	request_news_stream(g, call);
	credit_open(&call->credit, &rules);
}

static void
give_back(struct gateway *g, struct call *call)
{
	const struct credit_rules rules = rules_of(g, call);
	uint32_t bytes = credit_renew(&call->credit, &rules);

	if (bytes > 0)
		nodes_credit(call, bytes);
}

/* on_turn_end gives back what the clients' sockets have taken. */
static void
on_turn_end(void *ctx)
{
	struct gateway *g = ctx;
	struct call *call;

	while ((call = g->creditors.first) != NULL) {
		calls_credit_done(call);
		if (call->client == NULL)
			continue;
		conn_flush(&call->client->conn);
		/* else stream_on_room comes */
		if (conn_unsent(&call->client->conn) == 0)
			give_back(g, call);
	}
}

void
stream_init(struct gateway *g)
{
	g->credits = (struct loop_hook){.run = on_turn_end, .ctx = g};
	conn_hub_before_flush(&g->hub, &g->credits);
}

void
stream_on_room(struct client *c)
{
	for (struct call *call = c->calls.first; call != NULL;
	     call = call->by_client.next) {
		if (call->function->response == FUNCTION_STREAM &&
		    credit_is_due(&call->credit))
			give_back(c->gateway, call);
	}
}

/* breach ends a stream its node may not go on with. */
static void
breach(struct gateway *g, struct call *call, const char *detail)
{
	nodes_cancel(call);
	settle_fail(g, call, ANSWER_bad_result, detail);
}

static void
pass_on(struct gateway *g, struct call *call, const struct answer_to *to,
    struct text value)
{
	struct client *c = call->client;
	struct buffer *out = client_out(c);
	size_t before = buffer_used(out);
	enum err e = answer_put_result(out, to, ANSWER_PART, value, &g->json);

	if (e != OK && e != ERR_FULL) {
		client_written(c, 0);
		breach(g, call, "a part of the stream has no form in JSON");
		return;
	}
	if (e == OK) {
		COUNT(g, chunks);
		HOP(call->traced, part, "status=ok bytes=%u", value.len);
		call->has_parts = true;
		credit_sent(&call->credit, buffer_used(out) - before);
		if (credit_is_due(&call->credit))
			calls_credit_due(&g->creditors, call);
	}
	client_written(c, e == OK ? 1 : 0);
	if (e != OK)
		client_is_slow(c);
}

void
stream_on_part(struct gateway *g, struct call *call, struct text value)
{
	struct answer_to to;

	if (call->function->response != FUNCTION_STREAM)
		breach(g, call, "the node answered with a stream");
	else if (!credit_take(&call->credit, value.len))
		breach(g, call, "the node sent more than its credit");
	else if (!settle_address(call, &to))
		settle_quietly(g, call);
	else
		pass_on(g, call, &to, value);
}

void
stream_on_end(struct gateway *g, struct call *call)
{
	scope_note(SCOPE_gateway_stream, "request=%.*s what=ended",
	    TEXT_ARG(call->request_id));
	call->link = NULL;
	if (call->function->response == FUNCTION_STREAM)
		settle_value(g, call, ANSWER_LAST, TEXT("\xc0"));
	else
		settle_fail(g, call, ANSWER_bad_result,
		    "the node answered with a stream");
}

/* read_id finds request_id in the payload of stop_stream. */
static enum err
read_id(struct client *c, struct phoenix_message *m, struct text *id)
{
	struct gateway *g = c->gateway;
	enum err e = OK;

	if (m->from.form == PHOENIX_V2_BINARY) {
		buffer_truncate(&g->payload, 0);
		e = phoenix_binary_payload(m, &g->payload);
	}
	if (e == OK)
		e = request_read_id(&m->payload, &g->arena, id);
	return e == OK ? phoenix_end(m) : e;
}

/* is_named: is the stream's request_id, kept as JSON, this text? */
static bool
is_named(struct gateway *g, const struct call *call, struct text id)
{
	struct text json = call->request_id, name;
	struct json_reader r;

	if (text_find(json, '\\') < 0)
		return json.len == id.len + 2 &&
		    memcmp(json.at + 1, id.at, id.len) == 0;
	return json_open(&r, json,
		   (struct json_limits){json.len, JSON_DEPTH, JSON_NODES}) ==
	    OK &&
	    json_string(&r, &g->arena, &name) == OK && text_eq(name, id);
}

/* stop ends every stream of that name: a client may give one twice. */
static uint32_t
stop(struct client *c, uint32_t channel, struct text id)
{
	struct gateway *g = c->gateway;
	struct call *call = c->calls.first, *next;
	uint32_t count = 0;

	for (; call != NULL; call = next) {
		next = call->by_client.next;
		if (call->channel != channel || !call->is_accepted ||
		    call->function->response != FUNCTION_STREAM ||
		    hooked_is_open(call) || !is_named(g, call, id))
			continue;
		nodes_cancel(call);
		settle_value(g, call, ANSWER_LAST, TEXT("\xc0"));
		COUNT(g, streams_stopped);
		count++;
	}
	return count;
}

void
stream_on_stop(
    struct client *c, const struct channel *channel, struct phoenix_message *m)
{
	struct text id = {.at = NULL, .len = 0};
	struct phoenix_address to = m->from;
	struct text response = TEXT("{}");
	bool is_ok = false;

	to.join_ref = channel->join_ref;
	to.form = channel_form(channel, m->from.form);
	if (read_id(c, m, &id) != OK)
		response = TEXT("{\"reason\":\"request_id must be a string\"}");
	else if (stop(c, channel->serial, id) == 0)
		response = TEXT("{\"reason\":\"not_found\"}");
	else
		is_ok = true;
	if (c->state != CLIENT_OPEN)
		return;
	enum err e = phoenix_put_reply(client_out(c), &to, is_ok, response);
	client_written(c, e == OK ? 1 : 0);
	if (e != OK)
		client_is_slow(c);
}
