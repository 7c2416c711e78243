// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A session that ends inside a callback is only unlinked at the end of the
 * turn, so that the callback's caller may still look at it.
 */

#include "protocol/link/link_server_private.h"

#include "protocol/base/memory.h"

enum {
	FRAMES_MOST = 128 * 1024 * 1024, /* answers a gateway has not taken */
	REPLY_ID = INT32_MIN, /* 0x80000000: before any request was seen */
};

void
link_session_over(struct link_session *s, enum link_fault fault)
{
	if (s->is_over)
		return;
	s->is_over = true;
	conn_close(&s->conn);
	if (s->server->options.calls->gone != NULL)
		s->server->options.calls->gone(
		    s->server->options.owner, s, fault);
}

static enum link_fault
on_hello(struct link_session *s, const struct link_frame *f)
{
	const struct link_server_options *o = &s->server->options;
	struct link_hello theirs;
	struct link_hello ours = {
	    .max_bytes = LINK_MAX_BYTES, .boot = o->boot, .name = o->name};

	if (link_read_hello(f->value, &theirs) != OK)
		return LINK_FAULT_hello;
	enum link_fault fault = link_peer_greet(&s->peer, &theirs);
	if (fault != LINK_FAULT_none)
		return fault;
	link_session_hello(s, &ours);
	s->says_draining = s->server->is_draining;
	return LINK_FAULT_none;
}

static void
add_credit(struct link_entry *entry, uint64_t bytes)
{
	int64_t more =
	    bytes < LINK_CREDIT_MOST ? (int64_t)bytes : LINK_CREDIT_MOST;

	entry->credit = entry->credit + more < LINK_CREDIT_MOST
	    ? entry->credit + more
	    : LINK_CREDIT_MOST;
}

static enum link_fault
on_call(struct link_session *s, const struct link_frame *f)
{
	const struct link_server_options *o = &s->server->options;

	if (link_calls_find(&s->open, f->id) != NULL)
		return LINK_FAULT_twice; /* ids are never used again */
	s->call_count++;
	if (s->server->is_draining) {
		link_session_error(s, f->id, TEXT("not_dispatched"),
		    TEXT("the service is draining"));
		return LINK_FAULT_none;
	}
	if (f->credit > 0 && f->id != 0) {
		struct link_entry *entry =
		    link_calls_put(&s->open, f->id, NULL);

		entry->is_stream = true;
		add_credit(entry, f->credit);
	}
	o->calls->call(o->owner, s, f);
	return LINK_FAULT_none;
}

static void
on_credit(struct link_session *s, const struct link_frame *f)
{
	const struct link_server_options *o = &s->server->options;
	struct link_entry *entry = link_calls_find(&s->open, f->id);

	if (entry == NULL || !entry->is_stream)
		return; /* it crossed the end of the stream */
	add_credit(entry, f->number);
	if (o->calls->credit != NULL)
		o->calls->credit(o->owner, s, f->id, f->number);
}

static enum link_fault
on_frame(struct link_session *s, const struct link_frame *f)
{
	const struct link_server_calls *calls = s->server->options.calls;
	void *owner = s->server->options.owner;

	if (f->kind == FRAME_HELLO)
		return on_hello(s, f);
	if (!s->peer.is_greeted)
		return LINK_FAULT_hello;
	if (f->kind == FRAME_CALL)
		return on_call(s, f);
	if (f->kind == FRAME_CANCEL && calls->cancel != NULL)
		calls->cancel(owner, s, f->id);
	else if (f->kind == FRAME_CREDIT)
		on_credit(s, f);
	else if (f->kind == FRAME_PING)
		s->peer.owes_answer = true;
	return LINK_FAULT_none;
}

static enum link_fault
on_message(struct link_session *s, const struct sp_message *m)
{
	struct link_head head;
	struct link_frame frame;

	if (link_read_head(m->body, &head) != OK)
		return LINK_FAULT_garbage;
	s->reply_id = m->id;
	enum link_fault fault = link_peer_hear(
	    &s->peer, &head, loop_now_ms(s->server->options.hub->loop));
	for (uint32_t i = 0;
	     i < head.frame_count && !s->is_over && !s->has_overflowed; i++) {
		if (fault != LINK_FAULT_none)
			return fault;
		if (link_read_frame(&head.frames, &frame) != OK)
			return LINK_FAULT_garbage;
		fault = on_frame(s, &frame);
	}
	return fault;
}

static size_t
on_arrived(void *ctx, uint8_t *bytes, size_t count)
{
	struct link_session *s = ctx;
	enum link_fault fault = LINK_FAULT_none;
	struct sp_message message;
	size_t taken = 0;

	if (!s->is_shaken) {
		if (count < SP_HANDSHAKE_BYTES)
			return 0;
		if (!sp_is_handshake(bytes, SP_REQ0))
			fault = LINK_FAULT_handshake;
		s->is_shaken = true;
		taken = SP_HANDSHAKE_BYTES;
	}
	/* a paused session keeps what it has not read for later */
	while (fault == LINK_FAULT_none && !s->is_over && !s->conn.is_paused) {
		enum err e = sp_read(bytes + taken, count - taken,
		    link_sp(s->transport), LINK_MAX_BYTES, &message);

		if (e == ERR_AGAIN)
			return taken;
		if (e != OK) {
			fault = e == ERR_TOO_BIG ? LINK_FAULT_too_big
						 : LINK_FAULT_garbage;
			break;
		}
		taken += message.whole_bytes;
		fault = on_message(s, &message);
		if (!s->is_over)
			link_session_adjust(s);
	}
	if (fault != LINK_FAULT_none)
		link_session_over(s, fault);
	return taken;
}

static void
on_ended(void *ctx, enum conn_end why)
{
	link_session_over(
	    ctx, why == CONN_END_tls ? LINK_FAULT_denied : LINK_FAULT_closed);
}

static void
on_room(void *ctx)
{
	link_session_send(ctx);
}

static void
on_opened(void *ctx)
{
	struct link_session *s = ctx;
	uint8_t sp[SP_HANDSHAKE_BYTES];

	sp_write_handshake(sp, SP_REP0);
	if (conn_write(&s->conn, sp, sizeof(sp)) != OK)
		link_session_over(s, LINK_FAULT_closed);
}

static const struct conn_calls conn_table = {
    .opened = on_opened,
    .arrived = on_arrived,
    .room = on_room,
    .ended = on_ended,
};

void
link_session_open(
    struct link_server *server, int fd, enum link_transport transport)
{
	static const struct conn_limits limits = {
	    .read_bytes = LINK_MAX_BYTES + 64 * 1024,
	    .write_bytes = LINK_MAX_BYTES + 2 * LINK_UNSENT_ENOUGH,
	};
	struct link_session *s = MEMORY_NEW(struct link_session);
	struct conn_hub *hub = server->options.hub;

	s->server = server;
	s->transport = transport;
	s->reply_id = (uint32_t)REPLY_ID;
	buffer_init(&s->frames, FRAMES_MOST);
	buffer_init(&s->lengths, FRAMES_MOST);
	link_calls_init(&s->open, 0);
	conn_init(&s->conn, hub, &conn_table, s, limits);
	link_peer_init(
	    &s->peer, false, server->options.boot, loop_now_ms(hub->loop));
	if (conn_open(&s->conn, fd,
		transport == LINK_TLS ? server->options.tls : NULL) != OK) {
		memory_free(s);
		return;
	}
	s->next = server->sessions;
	server->sessions = s;
	if (transport != LINK_TLS)
		on_opened(s);
}
