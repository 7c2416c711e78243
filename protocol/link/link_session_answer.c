// SPDX-License-Identifier: MIT
/*
 * link_session_answer - the half of a session that answers.
 *
 * Design notes
 *
 * Answers are kept as frames and become a message only when the socket has
 * little to send: the queue towards the kernel stays at 256 KiB plus one
 * message, and what a stalled gateway has not taken can still leave in few,
 * large messages later. Order is the order of the answers, always.
 *
 * An answer that does not fit any more does not end the session on the spot:
 * whoever answers is deep inside a call of its own, and `gone` would end that
 * call under its hands. From then on nothing is taken, and the end of the turn
 * ends the session.
 */

#include "protocol/link/link_server_private.h"

enum {
	CHUNKS_ENOUGH = 256 * 1024, /* frames queued before chunks wait */
	FRAMES_PAUSE = 1024 * 1024, /* frames queued before we stop reading */
	CALLS_AT_ONCE = 20000,
	ROUNDS = 8, /* of making room in one turn; then others are served */
};

size_t
link_session_queued(const struct link_session *s)
{
	return buffer_used(&s->frames) + conn_unsent(&s->conn);
}

void
link_session_adjust(struct link_session *s)
{
	uint32_t most = s->server->options.calls_at_once;

	conn_pause(&s->conn,
	    buffer_used(&s->frames) > FRAMES_PAUSE ||
		s->call_count >= (most > 0 ? most : CALLS_AT_ONCE));
}

/* ---- answers to messages --------------------------------------------------
 */

/* is_closed: nothing is taken any more. */
static bool
is_closed(const struct link_session *s)
{
	return s->is_over || s->has_overflowed;
}

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
		s->has_overflowed = true;
		loop_post(s->server->options.hub->loop,
		    &s->server->options.hub->again);
		return;
	}
	s->frame_count++;
	if (buffer_used(&s->frames) > FRAMES_PAUSE)
		link_session_adjust(s);
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
			*bytes > LINK_UNSENT_ENOUGH))
			break;
	}
	return count;
}

void
link_session_hello(struct link_session *s, const struct link_hello *hello)
{
	struct packer p;
	size_t place = begin_frame(s, &p);

	link_write_hello(&p, hello, true);
	end_frame(s, &p, place);
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
	if (s->frames.size > LINK_UNSENT_ENOUGH || s->call_count == 0) {
		buffer_release(&s->frames);
		buffer_release(&s->lengths);
	}
}

static void
send_messages(struct link_session *s)
{
	while (!is_closed(s) && s->is_shaken && s->peer.is_greeted &&
	    conn_unsent(&s->conn) < LINK_UNSENT_ENOUGH) {
		uint32_t extra =
		    (s->says_draining ? 1u : 0u) + (s->says_ping ? 1u : 0u);

		if (s->frame_count == 0 && extra == 0 &&
		    !link_peer_needs_ack(&s->peer))
			break;
		if (send_message(s, extra) != OK)
			link_session_over(s, LINK_FAULT_too_big);
	}
}

/* tell_room: streams that were refused go on; true: they did. */
static bool
tell_room(struct link_session *s)
{
	const struct link_server_options *o = &s->server->options;

	if (is_closed(s) || !s->is_refused_chunk ||
	    buffer_used(&s->frames) >= CHUNKS_ENOUGH / 2)
		return false;
	s->is_refused_chunk = false;
	if (o->calls->room != NULL)
		o->calls->room(o->owner, s);
	return s->frame_count > 0;
}

/*
 * What streams add when they hear of room must leave as well: when the kernel
 * takes all at once, nothing else would wake us for it.
 */
void
link_session_send(struct link_session *s)
{
	int rounds = 0;

	do
		send_messages(s);
	while (tell_room(s) && ++rounds < ROUNDS);
	if (s->has_overflowed)
		link_session_over(s, LINK_FAULT_too_big);
	if (s->is_over)
		return;
	if (rounds == ROUNDS)
		loop_post(s->server->options.hub->loop,
		    &s->server->options.hub->again);
	link_session_adjust(s);
	release_idle(s);
}

static void
answered(struct link_session *s, uint64_t id)
{
	struct link_entry *entry = link_calls_find(&s->open, id);

	if (entry != NULL)
		link_calls_remove(&s->open, entry);
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
	link_session_result_hops(s, id, value, TEXT(""));
}

void
link_session_result_hops(
    struct link_session *s, uint64_t id, struct text value, struct text hops)
{
	struct packer p;

	if (is_closed(s))
		return;
	if (is_too_long(s, value)) { /* as `hops` never is */
		link_session_error(s, id, TEXT("bad_result"),
		    TEXT("the result is larger than the link takes"));
		return;
	}
	size_t place = begin_frame(s, &p);
	if (hops.len > 0)
		link_write_result_hops(&p, id, value, hops);
	else
		link_write_result(&p, id, value);
	end_frame(s, &p, place);
	answered(s, id);
}

void
link_session_error(
    struct link_session *s, uint64_t id, struct text code, struct text text)
{
	struct packer p;

	if (is_closed(s))
		return;
	size_t place = begin_frame(s, &p);
	link_write_error(&p, id, code, text);
	end_frame(s, &p, place);
	answered(s, id);
}

void
link_session_end(struct link_session *s, uint64_t id)
{
	struct packer p;

	if (is_closed(s))
		return;
	size_t place = begin_frame(s, &p);
	link_write_plain(&p, FRAME_END, id);
	end_frame(s, &p, place);
	answered(s, id);
}

enum err
link_session_chunk(
    struct link_session *s, uint64_t id, uint64_t index, struct text value)
{
	struct link_entry *entry = link_calls_find(&s->open, id);
	struct packer p;

	if (is_closed(s))
		return ERR_CLOSED;
	if (entry == NULL || !entry->is_stream)
		return ERR_DENIED;
	if (is_too_long(s, value))
		return ERR_TOO_BIG;
	if (link_session_credit(s, id) == 0)
		return ERR_FULL;
	entry->credit -= value.len;
	size_t place = begin_frame(s, &p);
	link_write_chunk(&p, id, index, value);
	end_frame(s, &p, place);
	return is_closed(s) ? ERR_CLOSED : OK;
}

bool
link_session_is_full(const struct link_session *s)
{
	return buffer_used(&s->frames) >= CHUNKS_ENOUGH;
}

void
link_session_want_room(struct link_session *s)
{
	s->is_refused_chunk = true;
}

uint32_t
link_session_credit(struct link_session *s, uint64_t id)
{
	const struct link_entry *entry = link_calls_find(&s->open, id);
	size_t used = buffer_used(&s->frames);

	if (is_closed(s) || entry == NULL || entry->credit <= 0)
		return 0;
	if (used >= CHUNKS_ENOUGH) {
		s->is_refused_chunk = true;
		return 0;
	}
	return entry->credit < (int64_t)(CHUNKS_ENOUGH - used)
	    ? (uint32_t)entry->credit
	    : (uint32_t)(CHUNKS_ENOUGH - used);
}

void
link_session_keep(struct link_session *s, uint64_t id, void *call)
{
	struct link_entry *entry = link_calls_find(&s->open, id);

	if (entry == NULL && !s->is_over && id != 0)
		entry = link_calls_put(&s->open, id, NULL);
	if (entry != NULL)
		entry->call = call;
}

void *
link_session_kept(const struct link_session *s, uint64_t id)
{
	const struct link_entry *entry = link_calls_find(&s->open, id);

	return entry != NULL ? entry->call : NULL;
}
