// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Answers are kept as frames and become a message only when the socket has
 * little to send: the queue towards the kernel stays at 256 KiB plus one
 * message, and what a stalled gateway has not taken can still leave in few,
 * large messages later. Order is the order of the answers, always.
 *
 * A session that ends inside a callback is only unlinked at the end of the
 * turn, so that the callback's caller may still look at it.
 */

#include "protocol/link/link_server_private.h"

#include "protocol/base/memory.h"

enum {
	UNSENT_ENOUGH = 256 * 1024, /* in the socket's queue */
	CHUNKS_ENOUGH = 256 * 1024, /* frames queued before chunks wait */
	FRAMES_PAUSE = 1024 * 1024, /* frames queued before we stop reading */
	FRAMES_MOST = 128 * 1024 * 1024, /* results given after that */
	CALLS_AT_ONCE = 20000,
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

size_t
link_session_queued(const struct link_session *s)
{
	return buffer_used(&s->frames) + conn_unsent(&s->conn);
}

static void
adjust_reading(struct link_session *s)
{
	uint32_t most = s->server->options.calls_at_once;

	conn_pause(&s->conn,
	    buffer_used(&s->frames) > FRAMES_PAUSE ||
		s->call_count >= (most > 0 ? most : CALLS_AT_ONCE));
}

/* ---- answers to messages --------------------------------------------------
 */

/* begin_frame gives a packer for one more frame; end_frame counts it. */
static size_t
begin_frame(struct link_session *s, struct packer *p)
{
	pack_init(p, &s->frames);
	return buffer_used(&s->frames);
}

static void
end_frame(struct link_session *s, const struct packer *p, size_t place)
{
	uint32_t bytes = (uint32_t)(buffer_used(&s->frames) - place);

	if (pack_finish(p) != OK ||
	    buffer_append(&s->lengths, &bytes, sizeof(bytes)) != OK) {
		buffer_truncate(&s->frames, place);
		link_session_over(s, LINK_FAULT_too_big);
		return;
	}
	s->frame_count++;
	if (buffer_used(&s->frames) > FRAMES_PAUSE)
		adjust_reading(s);
}

/* measure counts the queued frames that fit one message; at least one. */
static uint32_t
measure(const struct link_session *s, size_t *bytes)
{
	const uint8_t *at = buffer_at(&s->lengths);
	uint32_t count = 0, length;

	*bytes = 0;
	for (; count < s->frame_count; count++, *bytes += length) {
		memcpy(&length, at + count * sizeof(length), sizeof(length));
		if (count > 0 &&
		    (*bytes + length + LINK_HEAD_BYTES > s->peer.max_bytes ||
			*bytes > UNSENT_ENOUGH))
			break;
	}
	return count;
}

static enum err
send_message(struct link_session *s, uint32_t extra)
{
	struct buffer *out = conn_out(&s->conn);
	struct packer p;
	size_t place, bytes;
	uint32_t count = s->frame_count > 0 ? measure(s, &bytes) : 0;
	enum err e = link_begin(out, s->transport, s->reply_id,
	    link_peer_stamp(&s->peer), count + extra, &place);

	if (e == OK && count > 0)
		e = buffer_append(out, buffer_at(&s->frames), bytes);
	if (e != OK)
		return e;
	if (count > 0) {
		buffer_consume(&s->frames, bytes);
		buffer_consume(&s->lengths, count * sizeof(uint32_t));
		s->frame_count -= count;
	}
	if (s->says_ping)
		s->pinged_seq = s->peer.sent_seq;
	pack_init(&p, out);
	if (s->says_draining)
		link_write_plain(&p, FRAME_DRAINING, 0);
	if (s->says_ping)
		link_write_plain(&p, FRAME_PING, 0);
	s->says_draining = s->says_ping = false;
	link_end(out, s->transport, place);
	conn_written(&s->conn);
	return pack_finish(&p);
}

static void
release_idle(struct link_session *s)
{
	if (s->frame_count > 0 || s->frames.size == 0)
		return;
	if (s->frames.size > UNSENT_ENOUGH || s->call_count == 0) {
		buffer_release(&s->frames);
		buffer_release(&s->lengths);
	}
}

void
link_session_send(struct link_session *s)
{
	while (!s->is_over && s->is_shaken && s->peer.is_greeted &&
	    conn_unsent(&s->conn) < UNSENT_ENOUGH) {
		uint32_t extra =
		    (s->says_draining ? 1u : 0u) + (s->says_ping ? 1u : 0u);

		if (s->frame_count == 0 && extra == 0 &&
		    !link_peer_needs_ack(&s->peer))
			break;
		if (send_message(s, extra) != OK)
			link_session_over(s, LINK_FAULT_too_big);
	}
	if (s->is_over)
		return;
	adjust_reading(s);
	release_idle(s);
	if (s->is_refused_chunk &&
	    buffer_used(&s->frames) < CHUNKS_ENOUGH / 2) {
		s->is_refused_chunk = false;
		if (s->server->options.calls->room != NULL)
			s->server->options.calls->room(
			    s->server->options.owner, s);
	}
}

static void
answered(struct link_session *s)
{
	if (s->call_count > 0)
		s->call_count--;
}

/*
 * too_long: a gateway would close the link over it, so the call fails instead
 * and the link lives.
 */
static bool
is_too_long(const struct link_session *s, struct text value)
{
	return value.len + LINK_HEAD_BYTES + 32 > s->peer.max_bytes;
}

void
link_session_result(struct link_session *s, uint64_t id, struct text value)
{
	struct packer p;

	if (s->is_over)
		return;
	if (is_too_long(s, value)) {
		link_session_error(s, id, TEXT("bad_result"),
		    TEXT("the result is larger than the link takes"));
		return;
	}
	size_t place = begin_frame(s, &p);
	link_write_result(&p, id, value);
	end_frame(s, &p, place);
	answered(s);
}

void
link_session_error(
    struct link_session *s, uint64_t id, struct text code, struct text text)
{
	struct packer p;

	if (s->is_over)
		return;
	size_t place = begin_frame(s, &p);
	link_write_error(&p, id, code, text);
	end_frame(s, &p, place);
	answered(s);
}

void
link_session_end(struct link_session *s, uint64_t id)
{
	struct packer p;

	if (s->is_over)
		return;
	size_t place = begin_frame(s, &p);
	link_write_plain(&p, FRAME_END, id);
	end_frame(s, &p, place);
	answered(s);
}

enum err
link_session_chunk(
    struct link_session *s, uint64_t id, uint64_t index, struct text value)
{
	struct packer p;

	if (s->is_over)
		return ERR_CLOSED;
	if (is_too_long(s, value))
		return ERR_TOO_BIG;
	if (buffer_used(&s->frames) >= CHUNKS_ENOUGH) {
		s->is_refused_chunk = true;
		return ERR_FULL;
	}
	size_t place = begin_frame(s, &p);
	link_write_chunk(&p, id, index, value);
	end_frame(s, &p, place);
	return s->is_over ? ERR_CLOSED : OK;
}

/* ---- what the gateway says ------------------------------------------------
 */

static enum link_fault
on_hello(struct link_session *s, const struct link_frame *f)
{
	const struct link_server_options *o = &s->server->options;
	struct link_hello theirs;
	struct link_hello ours = {
	    .max_bytes = LINK_MAX_BYTES, .boot = o->boot, .name = o->name};
	struct packer p;

	if (link_read_hello(f->value, &theirs) != OK)
		return LINK_FAULT_hello;
	enum link_fault fault = link_peer_greet(&s->peer, &theirs);
	if (fault != LINK_FAULT_none)
		return fault;
	size_t place = begin_frame(s, &p);
	link_write_hello(&p, &ours, true);
	end_frame(s, &p, place);
	s->says_draining = s->server->is_draining;
	return LINK_FAULT_none;
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
	if (f->kind == FRAME_CALL) {
		s->call_count++;
		if (s->server->is_draining)
			link_session_error(s, f->id, TEXT("not_dispatched"),
			    TEXT("the service is draining"));
		else
			calls->call(owner, s, f);
	} else if (f->kind == FRAME_CANCEL && calls->cancel != NULL) {
		calls->cancel(owner, s, f->id);
	} else if (f->kind == FRAME_CREDIT && calls->credit != NULL) {
		calls->credit(owner, s, f->id, f->number);
	} else if (f->kind == FRAME_PING) {
		s->peer.owes_answer = true;
	}
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
	for (uint32_t i = 0; i < head.frame_count && !s->is_over; i++) {
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
		enum err e = sp_read(bytes + taken, count - taken, s->transport,
		    LINK_MAX_BYTES, &message);

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
			adjust_reading(s);
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
	    .write_bytes = LINK_MAX_BYTES + 2 * UNSENT_ENOUGH,
	};
	struct link_session *s = MEMORY_NEW(struct link_session);
	struct conn_hub *hub = server->options.hub;

	s->server = server;
	s->transport = transport;
	s->reply_id = (uint32_t)REPLY_ID;
	buffer_init(&s->frames, FRAMES_MOST);
	buffer_init(&s->lengths, FRAMES_MOST);
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
