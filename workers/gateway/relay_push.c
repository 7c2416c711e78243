// SPDX-License-Identifier: MIT
#include "workers/gateway/relay_push.h"

#include "protocol/events.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/phoenix_binary.h"

enum {
	PAYLOAD_BYTES = 64 << 20 /* hard stop; messages are bounded before */
};

/* put_json writes the seven keys around what was said. */
static enum err
put_json(struct relay_push *p, struct text said, struct text request_id)
{
	struct json_stats *stats = &p->gateway->json;
	enum err e = buffer_append_text(&p->json, TEXT("{\"request_id\":"));

	if (e == OK)
		e = pack_to_json(request_id, &p->json, stats);
	if (e == OK)
		e = buffer_append_text(&p->json, TEXT(",\"result\":"));
	if (e == OK)
		e = pack_to_json(said, &p->json, stats);
	if (e == OK)
		e = buffer_append_text(&p->json,
		    TEXT(",\"success\":true,\"error\":null,\"async\":false,"
			 "\"has_more\":false,\"can_retry\":false}"));
	return e;
}

enum err
relay_push_open(struct relay_push *p, struct gateway *g, struct text message)
{
	struct text said, request_id;

	*p = (struct relay_push){.gateway = g, .message = message};
	buffer_init(&p->json, PAYLOAD_BYTES);
	buffer_init(&p->packed, PAYLOAD_BYTES);
	enum err e = unpack_map_find(message, TEXT("push"), &said);
	if (e == OK)
		e = unpack_map_find(message, TEXT("request_id"), &request_id);
	if (e == OK)
		e = put_json(p, said, request_id);
	if (e != OK)
		relay_push_close(p);
	return e;
}

/* tell_slow warns once; a quarter of the budget is having caught up. */
static void
tell_slow(struct client *c, const struct phoenix_address *to)
{
	uint64_t most = c->gateway->options->client_buffer_bytes;
	uint64_t unsent = conn_unsent(&c->conn);
	struct buffer payload;

	if (unsent < most / 4)
		c->is_told_slow = false;
	if (unsent < most / 2 || c->is_told_slow)
		return;
	c->is_told_slow = true;
	COUNT(c->gateway, slow_told);
	event_note(EVENT_client_slow, "peer=%s unsent=%llu budget=%llu",
	    c->peer, (unsigned long long)unsent, (unsigned long long)most);
	buffer_init(&payload, 256);
	enum err e = buffer_printf(&payload,
	    "{\"unsent_bytes\":%llu,\"limit_bytes\":%llu}",
	    (unsigned long long)unsent, (unsigned long long)most);
	if (e == OK)
		e = phoenix_put_push(client_out(c), to, TEXT("\"slow_reader\""),
		    buffer_text(&payload));
	buffer_finish(&payload);
	client_written(c, e == OK ? 1 : 0);
}

/* put_packed: binary clients share one packed object. */
static enum err
put_packed(struct relay_push *p, struct buffer *out,
    const struct phoenix_address *to, struct text event)
{
	struct text json = buffer_text(&p->json);
	size_t frame = buffer_used(out);
	enum err e = OK;

	if (buffer_used(&p->packed) == 0)
		e = json_to_pack(json, &p->packed,
		    (struct json_limits){json.len, JSON_DEPTH, JSON_NODES},
		    NULL);
	if (e == OK)
		e = phoenix_binary_open(out, to, event, &frame);
	if (e == OK)
		e = buffer_append_text(out, buffer_text(&p->packed));
	if (e == OK)
		e = websocket_shut(out, frame, WEBSOCKET_BINARY);
	if (e != OK)
		buffer_truncate(out, frame);
	return e;
}

void
relay_push_to(
    struct relay_push *p, struct client *c, const struct channel *channel)
{
	const struct phoenix_address to = {
	    .form = channel_form(channel, c->form),
	    .join_ref = channel->join_ref,
	    .ref = TEXT("null"),
	    .topic = channel->topic,
	};
	size_t before = buffer_used(client_out(c));
	struct text event = channel->rule->event_json;
	enum err e = to.form == PHOENIX_V2_BINARY
	    ? put_packed(p, client_out(c), &to, event)
	    : phoenix_put_push(
		  client_out(c), &to, event, buffer_text(&p->json));

	if (e != OK && e != ERR_FULL) {
		COUNT(c->gateway, bad_results);
		client_written(c, 0);
		return;
	}
	p->bytes += buffer_used(client_out(c)) - before;
	client_written(c, e == OK ? 1 : 0);
	if (e != OK) {
		client_is_slow(c);
		return;
	}
	COUNT(c->gateway, relay_deliveries);
	if (c->state == CLIENT_OPEN)
		tell_slow(c, &to);
}

void
relay_push_close(struct relay_push *p)
{
	struct gateway *g = p->gateway;

	buffer_finish(&p->json);
	buffer_finish(&p->packed);
	gateway_appended(g, p->bytes);
}
