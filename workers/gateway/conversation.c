// SPDX-License-Identifier: MIT
#include "workers/gateway/conversation.h"

#include "workers/gateway/gateway.h"
#include "workers/gateway/pipeline.h"
#include "workers/gateway/relay_feed.h"
#include "workers/gateway/settle.h"
#include "workers/gateway/stream.h"

/* put_answer ends an append of protocol frames (not of calls). */
static void
put_answer(struct client *c, enum err e, uint32_t frames)
{
	client_written(c, e == OK ? frames : 0);
	if (e != OK)
		client_is_slow(c);
}

static enum err
put_refusal(
    struct buffer *out, const struct phoenix_address *to, const char *reason)
{
	struct buffer b;

	buffer_init(&b, 256);
	enum err e = buffer_printf(&b, "{\"reason\":\"%s\"}", reason);
	if (e == OK)
		e = phoenix_put_reply(out, to, false, buffer_text(&b));
	buffer_finish(&b);
	return e;
}

/* channel_gone: its calls have nobody to answer, its memberships end. */
static void
channel_gone(struct client *c)
{
	settle_channels_gone(c);
	relay_feed_channel_left(
	    c->gateway->feed, c, session_dropped(&c->session));
}

static void
on_join(struct client *c, const struct phoenix_message *m,
    const struct session_verdict *v)
{
	struct buffer *out = client_out(c);
	enum err e = OK;
	uint32_t frames = 1;

	COUNT(c->gateway, joins);
	if (v->closed.topic.len > 0) {
		e = phoenix_put_close(out, &v->closed);
		frames++;
		channel_gone(c);
	} else {
		stats_add(c->gateway->slot, COUNTER_gateway_channels, 1);
	}
	if (e == OK)
		e = phoenix_put_reply(out, &m->from, true, TEXT("{}"));
	put_answer(c, e, frames);
}

static void
on_end(struct client *c, const struct phoenix_message *m,
    const struct session_verdict *v)
{
	struct phoenix_address closed = v->closed;
	struct buffer *out = client_out(c);
	enum err e;

	stats_sub(c->gateway->slot, COUNTER_gateway_channels, 1);
	channel_gone(c);
	closed.form = m->from.form;
	if (v->move == SESSION_CRASHED) {
		e = phoenix_put_error(out, &closed);
	} else {
		e = phoenix_put_reply(out, &m->from, true, TEXT("{}"));
		if (e == OK)
			e = phoenix_put_close(out, &closed);
	}
	put_answer(c, e, v->move == SESSION_CRASHED ? 1 : 2);
}

static void
on_unmatched(struct client *c, const struct phoenix_message *m)
{
	struct phoenix_address to = m->from;

	to.join_ref = TEXT("null");
	put_answer(c, put_refusal(client_out(c), &to, "unmatched topic"), 1);
}

static void
obey(struct client *c, struct phoenix_message *m, struct session_verdict *v)
{
	switch (v->move) {
	case SESSION_HEARTBEAT:
		COUNT(c->gateway, heartbeats);
		/* fallthrough */
	case SESSION_LEFT_NOTHING:
		put_answer(c,
		    phoenix_put_reply(
			client_out(c), &m->from, true, TEXT("{}")),
		    1);
		break;
	case SESSION_JOINED:
		on_join(c, m, v);
		break;
	case SESSION_REFUSED:
		COUNT(c->gateway, joins_refused);
		put_answer(
		    c, put_refusal(client_out(c), &m->from, v->reason), 1);
		break;
	case SESSION_LEFT:
	case SESSION_CRASHED:
		on_end(c, m, v);
		break;
	case SESSION_UNMATCHED:
		on_unmatched(c, m);
		break;
	case SESSION_STALE:
		break;
	case SESSION_STOP_STREAM:
		stream_on_stop(c, v->channel, m);
		break;
	case SESSION_REFRESH:
		auth_take_refresh(c, v->channel, m);
		break;
	case SESSION_REQUEST:
		pipeline_take(c, v->channel, m);
		break;
	}
}

/* A payload is checked before anything of it counts, also where nobody asks
 * for it. */
void
conversation_take(struct client *c, enum phoenix_form form, struct text data)
{
	struct gateway *g = c->gateway;
	struct phoenix_message m;
	struct session_verdict v;

	COUNT(g, frames_in);
	arena_reset(&g->arena);
	enum err e = phoenix_read(form, data, &g->arena, &m);
	if (e == OK) {
		bool is_ours = text_is(m.topic, "phoenix") ||
		    text_starts_with(m.event, TEXT("phx_"));

		if (is_ours)
			e = phoenix_skip_payload(&m);
	}
	if (e != OK) {
		client_close(c,
		    e == ERR_TOO_BIG ? WEBSOCKET_TOO_BIG : WEBSOCKET_BAD_TEXT,
		    "not a Phoenix message");
		return;
	}
	session_take(&c->session, &g->options->channels, &m, &v);
	obey(c, &m, &v);
}

void
conversation_on_settings(struct client *c)
{
	struct phoenix_address closed;

	while (!session_rematch(
	    &c->session, &c->gateway->options->channels, &closed)) {
		closed.form = c->form;
		stats_sub(c->gateway->slot, COUNTER_gateway_channels, 1);
		if (c->state == CLIENT_OPEN)
			put_answer(
			    c, phoenix_put_close(client_out(c), &closed), 1);
	}
	channel_gone(c);
}
