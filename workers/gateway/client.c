// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * One timer per client and it is rarely moved: when it fires it looks at what
 * is due by now and sleeps until the next thing that could be. A message only
 * writes down when it came.
 *
 * The write queue is larger than the budget by CLOSING_ROOM, so that a slow
 * reader can still be told why he is cut, and how his calls ended.
 *
 * We may say goodbye deep inside the end of a call, so the other calls end
 * with the timer, which then is due at once.
 */

#include "workers/gateway/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "protocol/base/memory.h"
#include "protocol/events.h"
#include "protocol/log_rules.h"
#include "workers/gateway/conversation.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/tracing.h"
#include "workers/gateway/http.h"
#include "workers/gateway/relay_feed.h"
#include "workers/gateway/settle.h"
#include "workers/gateway/stream.h"
#include "workers/gateway/tracing.h"

enum {
	CLOSING_ROOM = 64 * 1024,
	LINGER_MS = 1000 /* for the peer to close its side too */
};

static void
start_timer(struct client *c, uint64_t at_ms)
{
	loop_timer_start(c->gateway->loop, &c->timer, at_ms);
}

/* linger sends what is queued and gives the peer a moment to close. */
static void
linger(struct client *c)
{
	c->state = CLIENT_CLOSING;
	relay_feed_client_left(c->gateway->feed, c);
	start_timer(c,
	    loop_now_ms(c->gateway->loop) +
		(c->calls.first == NULL ? LINGER_MS : 0));
	conn_shut(&c->conn);
}

struct buffer *
client_out(struct client *c)
{
	return conn_out(&c->conn);
}

void
client_written(struct client *c, uint32_t frames)
{
	struct gateway *g = c->gateway;

	stats_add(g->slot, COUNTER_gateway_frames_out, frames);
	conn_written(&c->conn);
	if (conn_unsent(&c->conn) > g->options->client_buffer_bytes)
		client_is_slow(c);
}

void
client_close(struct client *c, uint16_t code, const char *reason)
{
	if (c->state == CLIENT_CLOSING)
		return;
	COUNT(c->gateway, cut);
	enum err e = c->state == CLIENT_OPEN
	    ? websocket_put_close(conn_out(&c->conn), code, text_of(reason))
	    : http_refuse(503, conn_out(&c->conn));
	conn_written(&c->conn);
	if (e == OK && c->state == CLIENT_OPEN)
		COUNT(c->gateway, frames_out);
	linger(c);
}

void
client_is_slow(struct client *c)
{
	if (c->state == CLIENT_CLOSING)
		return;
	COUNT(c->gateway, slow_readers);
	event_note(EVENT_client_cut, "peer=%s reason=slow_reader unsent=%zu",
	    c->peer, conn_unsent(&c->conn));
	c->cut = RELAY_CUT_SLOW;
	settle_too_slow(c);
	client_close(c, WEBSOCKET_POLICY, "slow reader");
	conn_flush(&c->conn);
}

void
client_destroy(struct client *c)
{
	struct gateway *g = c->gateway;

	scope_note(SCOPE_gateway_ws, "client=%llu peer=%s what=gone",
	    (unsigned long long)c->serial, c->peer);
	loop_timer_stop(g->loop, &c->timer);
	stats_add(g->slot, COUNTER_gateway_bytes_in, c->conn.read_count);
	stats_add(g->slot, COUNTER_gateway_bytes_out, c->conn.written_count);
	stats_sub(g->slot, COUNTER_gateway_channels, c->session.count);
	settle_client_gone(c);
	relay_feed_client_left(g->feed, c);
	conn_close(&c->conn);
	websocket_finish(&c->websocket);
	session_finish(&c->session);
	auth_leave(c);
	identity_release(&c->identity);
	*c->back = c->next;
	if (c->next != NULL)
		c->next->back = c->back;
	g->clients.count--;
	stats_set(g->slot, COUNTER_gateway_connections, g->clients.count);
	memory_free(c);
	door_look(&g->door);
	drain_look(g);
}

static void
on_event(struct client *c, const struct websocket_event *event)
{
	struct buffer *out;
	enum err e;

	switch (event->kind) {
	case WEBSOCKET_TEXT:
		conversation_take(c, c->form, event->data);
		break;
	case WEBSOCKET_BINARY:
		if (c->form == PHOENIX_V1)
			client_close(c, WEBSOCKET_REFUSED, "text only");
		else
			conversation_take(c, PHOENIX_V2_BINARY, event->data);
		break;
	case WEBSOCKET_PING:
		e = websocket_put(client_out(c), WEBSOCKET_PONG, event->data);
		client_written(c, e == OK ? 1 : 0);
		if (e != OK)
			client_is_slow(c);
		break;
	case WEBSOCKET_CLOSE:
		COUNT(c->gateway, closed);
		out = client_out(c);
		e = websocket_put_close(
		    out, event->close_code, (struct text){.len = 0});
		conn_written(&c->conn);
		if (e == OK)
			COUNT(c->gateway, frames_out);
		linger(c);
		break;
	case WEBSOCKET_MORE:
	case WEBSOCKET_PONG:
		break;
	}
}

/* keep_time notes since when a message is incomplete, for its time-out. */
static void
keep_time(struct client *c, bool is_inside)
{
	uint64_t now_ms = loop_now_ms(c->gateway->loop);

	if (!is_inside) {
		c->inside_ms = 0;
	} else if (c->inside_ms == 0) {
		c->inside_ms = now_ms;
		start_timer(c, now_ms + c->gateway->options->frame_timeout_ms);
	}
}

static size_t
read_frames(struct client *c, uint8_t *bytes, size_t count)
{
	size_t taken = 0, used;
	enum err e = OK;

	while (e == OK && c->state == CLIENT_OPEN) {
		struct websocket_event event;

		e = websocket_read(
		    &c->websocket, bytes + taken, count - taken, &used, &event);
		taken += used;
		if (e == OK)
			on_event(c, &event);
	}
	if (c->state != CLIENT_OPEN)
		return count;
	if (e != ERR_AGAIN) {
		client_close(c, (uint16_t)websocket_close_code(e), err_name(e));
		return count;
	}
	keep_time(c, taken < count || websocket_is_inside(&c->websocket));
	return taken;
}

static void
refuse(struct client *c, int status)
{
	struct buffer *out = client_out(c);
	enum err e = http_refuse(status, out);

	INVARIANT(e == OK);
	COUNT(c->gateway, upgrades_refused);
	conn_written(&c->conn);
	linger(c);
}

static size_t
read_head(struct client *c, const uint8_t *bytes, size_t count)
{
	struct gateway *g = c->gateway;
	struct http_upgrade upgrade;
	size_t used;
	int status;
	struct text head = {.at = (const char *)bytes, .len = (uint32_t)count};

	/* it waits: not parsed again for each byte it sends meanwhile */
	if (auth_is_waiting(c))
		return 0;
	if (http_read(&g->options->http, head, &upgrade, &used, &status) != OK)
		return 0;
	if (status == 101 && g->is_draining)
		status = 503;
	if (status == 101)
		status = auth_knock(c, &upgrade);
	if (status == 0)
		return 0; /* later: the head stays unread */
	if (status != 101) {
		refuse(c, status);
		return count;
	}
	c->auth.stage = AUTH_DECIDED;
	tracing_upgrade(c, &upgrade);
	enum err e = http_welcome(&upgrade, client_out(c));
	INVARIANT(e == OK);
	conn_written(&c->conn);
	scope_note(SCOPE_gateway_ws, "client=%llu peer=%s what=upgraded",
	    (unsigned long long)c->serial, c->peer);
	COUNT(g, upgrades);
	c->form = upgrade.vsn == HTTP_VSN_1 ? PHOENIX_V1 : PHOENIX_V2;
	c->state = CLIENT_OPEN;
	start_timer(c, loop_now_ms(g->loop) + g->options->idle_timeout_ms);
	return used;
}

static size_t
on_arrived(void *ctx, uint8_t *bytes, size_t count)
{
	struct client *c = ctx;
	size_t used = 0;

	c->heard_ms = loop_now_ms(c->gateway->loop);
	if (c->state == CLIENT_HEAD)
		used = read_head(c, bytes, count);
	if (c->state == CLIENT_OPEN)
		used += read_frames(c, bytes + used, count - used);
	return c->state == CLIENT_CLOSING ? count : used;
}

static void
on_ended(void *ctx, enum conn_end why)
{
	struct client *c = ctx;

	(void)why;
	if (c->state != CLIENT_CLOSING) {
		COUNT(c->gateway, closed);
		if (conn_unsent(&c->conn) > 0)
			c->cut = RELAY_CUT_LOST;
	}
	client_destroy(c);
}

static void
on_room(void *ctx)
{
	struct client *c = ctx;

	if (c->stream_count > 0)
		stream_on_room(c);
}

static void
on_timer(void *ctx)
{
	struct client *c = ctx;
	const struct options *o = c->gateway->options;
	uint64_t now_ms = loop_now_ms(c->gateway->loop);
	uint64_t due_ms = c->heard_ms + o->idle_timeout_ms;

	if (c->state == CLIENT_CLOSING && c->calls.first != NULL) {
		settle_client_gone(c);
		start_timer(c, now_ms + LINGER_MS);
	} else if (c->state == CLIENT_CLOSING) {
		client_destroy(c);
	} else if (c->state == CLIENT_HEAD) {
		refuse(c, 408);
	} else if (c->inside_ms != 0 &&
	    now_ms >= c->inside_ms + o->frame_timeout_ms) {
		c->cut = RELAY_CUT_SILENT;
		client_close(c, WEBSOCKET_POLICY, "message took too long");
	} else if (now_ms >= due_ms) {
		c->cut = RELAY_CUT_SILENT;
		client_close(c, WEBSOCKET_GOING_AWAY, "idle");
	} else {
		if (c->inside_ms != 0 &&
		    c->inside_ms + o->frame_timeout_ms < due_ms)
			due_ms = c->inside_ms + o->frame_timeout_ms;
		start_timer(c, due_ms);
	}
}

static void
name_peer(const struct sockaddr_storage *from, char to[CLIENT_PEER_BYTES])
{
	const void *address = NULL;

	to[0] = '\0';
	if (from->ss_family == AF_INET)
		address = &((const struct sockaddr_in *)from)->sin_addr;
	else if (from->ss_family == AF_INET6)
		address = &((const struct sockaddr_in6 *)from)->sin6_addr;
	if (address != NULL)
		(void)inet_ntop(
		    from->ss_family, address, to, CLIENT_PEER_BYTES);
}

void
client_create(struct gateway *g, int fd, const struct sockaddr_storage *from)
{
	static const struct conn_calls calls = {
	    .arrived = on_arrived,
	    .room = on_room,
	    .ended = on_ended,
	};
	struct client *c = MEMORY_NEW(struct client);
	const struct options *o = g->options;

	c->gateway = g;
	c->timer = (struct loop_timer){.due = on_timer, .ctx = c};
	c->heard_ms = loop_now_ms(g->loop);
	c->serial = ++g->clients.serial;
	c->opened_ms = loop_now_ms(g->loop);
	identity_guest(c->guest, worker_instance(g->worker),
	    worker_life(g->worker), c->serial);
	name_peer(from, c->peer);
	conn_init(&c->conn, &g->hub, &calls, c,
	    (struct conn_limits){
		.read_bytes = HTTP_HEAD_BYTES,
		.write_bytes = o->client_buffer_bytes + CLOSING_ROOM,
	    });
	websocket_init(&c->websocket, (size_t)o->max_payload_bytes * 2);
	session_init(&c->session);
	if (conn_open(&c->conn, fd, NULL) != OK) {
		COUNT(g, refused);
		memory_free(c);
		return;
	}
	COUNT(g, accepted);
	c->next = g->clients.first;
	c->back = &g->clients.first;
	if (c->next != NULL)
		c->next->back = &c->next;
	g->clients.first = c;
	g->clients.count++;
	stats_set(g->slot, COUNTER_gateway_connections, g->clients.count);
	start_timer(c, c->heard_ms + o->header_timeout_ms);
}

void
client_refuse(struct gateway *g, int fd)
{
	struct buffer answer;

	/* one try: a stranger beyond the limit is not worth a queue */
	buffer_init(&answer, 1024);
	if (http_refuse(503, &answer) == OK)
		(void)!send(fd, buffer_at(&answer), buffer_used(&answer),
		    MSG_NOSIGNAL | MSG_DONTWAIT);
	buffer_finish(&answer);
	COUNT(g, refused);
	(void)close(fd);
}
