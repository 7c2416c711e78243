// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Calls wait as records [length, id, frame] until the turn ends; then as many
 * as the node takes become one message. A record still waiting when the
 * connection ends was never dispatched, nor was one whose message has not left
 * whole: a node runs nothing of half a message. All others may have run.
 */

#include "protocol/link/link_client_private.h"

enum {
	UNSENT_ENOUGH = 256 * 1024, /* more waits as records */
	UNARY_NO_DEADLINE_MS = 300000,
};

/* begin_message: all messages of a turn leave in one send. */
static enum err
begin_message(struct link_client *c, uint32_t frames, size_t *place)
{
	struct link_stamp stamp = link_peer_stamp(&c->peer);

	c->message_id = 0x80000000u | (uint32_t)(stamp.seq & 0x7fffffff);
	return link_begin(conn_out(&c->conn), c->url.transport, c->message_id,
	    stamp, frames, place);
}

static void
end_message(struct link_client *c, size_t place)
{
	link_end(conn_out(&c->conn), c->url.transport, place);
	conn_written(&c->conn);
}

static void
note_unary(struct link_client *c, uint64_t id)
{
	for (int i = 0; c->peer.is_unary && i < LINK_WINDOW; i++) {
		if (c->asked[i].message_id != 0)
			continue;
		c->asked[i].message_id = c->message_id;
		c->asked[i].id = id;
		return;
	}
}

void
link_client_say(struct link_client *c, enum link_kind kind)
{
	struct packer p;
	size_t place;
	uint32_t frames = kind == 0 ? 0 : 1;

	if (begin_message(c, frames, &place) != OK)
		return;
	pack_init(&p, conn_out(&c->conn));
	if (frames > 0)
		link_write_plain(&p, kind, 0);
	note_unary(c, 0);
	end_message(c, place);
}

void
link_client_greet(struct link_client *c)
{
	struct link_hello hello = {.max_bytes = LINK_MAX_BYTES};
	uint8_t sp[SP_HANDSHAKE_BYTES];
	struct packer p;
	size_t place;

	sp_write_handshake(sp, SP_REQ0);
	if (conn_write(&c->conn, sp, sizeof(sp)) != OK ||
	    begin_message(c, 1, &place) != OK)
		return;
	pack_init(&p, conn_out(&c->conn));
	link_write_hello(&p, &hello, false);
	end_message(c, place);
}

/* ---- records to messages --------------------------------------------------
 */

struct record {
	uint32_t bytes; /* of the frame behind it */
	uint32_t deadline_ms;
	uint64_t id; /* 0: nobody waits for it (CANCEL, CREDIT) */
};

static bool
is_wanted(const struct link_client *c, const struct record *r)
{
	return r->id == 0 || link_calls_find(&c->calls, r->id) != NULL;
}

/* measure counts the records that make the next message. */
static uint32_t
measure(const struct link_client *c, uint32_t *skipped_to)
{
	const uint8_t *at = buffer_at(&c->waiting);
	size_t left = buffer_used(&c->waiting), bytes = LINK_HEAD_BYTES;
	uint32_t most = c->peer.is_unary ? 1 : UINT32_MAX, count = 0;
	uint32_t used = 0;
	/* no value is shorter than a byte: so few bytes are never too many */
	size_t most_bytes =
	    c->peer.max_bytes < LINK_NODES ? c->peer.max_bytes : LINK_NODES;
	struct record r;

	while (left - used >= sizeof(r)) {
		memcpy(&r, at + used, sizeof(r));
		bool counts = is_wanted(c, &r);

		if (counts && count > 0 &&
		    (count == most || bytes + r.bytes > most_bytes))
			break;
		used += (uint32_t)sizeof(r) + r.bytes;
		if (counts) {
			count++;
			bytes += r.bytes;
		}
	}
	*skipped_to = used;
	return count;
}

/* fill copies the frames of the records and says where each call ends. */
static void
fill(struct link_client *c, uint32_t used, bool is_marking)
{
	struct buffer *out = conn_out(&c->conn);
	uint64_t ends_at = c->conn.written_count + buffer_used(out);
	const uint8_t *at = buffer_at(&c->waiting);
	struct record r;

	for (uint32_t i = 0; i < used; i += (uint32_t)sizeof(r) + r.bytes) {
		memcpy(&r, at + i, sizeof(r));
		struct link_entry *entry = link_calls_find(&c->calls, r.id);

		if (r.id != 0 && entry == NULL)
			continue;
		if (!is_marking) {
			enum err e =
			    buffer_append(out, at + i + sizeof(r), r.bytes);
			INVARIANT(e == OK); /* the budget holds a message */
		} else if (entry != NULL) {
			entry->ends_at = ends_at;
		}
		if (!is_marking && c->peer.is_unary) {
			note_unary(c, r.id);
			link_peer_wait(&c->peer,
			    loop_now_ms(c->hub->loop) + r.deadline_ms);
		}
	}
}

/* send_batch turns waiting records into messages while the node takes any. */
static void
send_batch(struct link_client *c)
{
	size_t place;
	uint32_t used;

	while (buffer_used(&c->waiting) > 0 && link_peer_may_send(&c->peer) &&
	    conn_unsent(&c->conn) < UNSENT_ENOUGH) {
		uint32_t count = measure(c, &used);

		if (count > 0) {
			if (begin_message(c, count, &place) != OK)
				return;
			fill(c, used, false);
			link_end(conn_out(&c->conn), c->url.transport, place);
			fill(c, used, true);
			conn_written(&c->conn);
		}
		buffer_consume(&c->waiting, used);
	}
	if (buffer_used(&c->waiting) == 0 && c->waiting.size > UNSENT_ENOUGH)
		buffer_release(&c->waiting);
}

void
link_client_send_batch(void *ctx)
{
	struct link_client *c = ctx;

	if (c->phase != PHASE_LIVE)
		return;
	if (buffer_used(&c->waiting) > 0)
		send_batch(c);
	if (link_peer_needs_ack(&c->peer))
		link_client_say(c, 0);
}

/* begin_record leaves room for the head that end_record fills in. */
static enum err
begin_record(struct link_client *c, struct record *r, size_t *place)
{
	*place = buffer_used(&c->waiting);
	return buffer_append(&c->waiting, r, sizeof(*r));
}

static enum err
end_record(struct link_client *c, struct record *r, size_t place,
    const struct packer *p)
{
	size_t bytes = buffer_used(&c->waiting) - place - sizeof(*r);
	enum err e = pack_finish(p);

	if (e == OK && bytes + LINK_HEAD_BYTES > c->peer.max_bytes)
		e = ERR_TOO_BIG;
	if (e != OK) {
		buffer_truncate(&c->waiting, place);
		return e;
	}
	r->bytes = (uint32_t)bytes;
	memcpy(buffer_at(&c->waiting) + place, r, sizeof(*r));
	return OK;
}

enum err
link_call(struct link_client *c, const struct link_request *request, void *call,
    uint64_t *id)
{
	struct record r = {.deadline_ms = request->deadline_ms > 0
		? request->deadline_ms
		: UNARY_NO_DEADLINE_MS};
	struct packer p;
	size_t place;

	if (c->state != LINK_LIVE)
		return ERR_CLOSED;
	if (c->calls.count >= c->in_flight_limit ||
	    buffer_used(&c->waiting) + conn_unsent(&c->conn) > c->send_bytes)
		return ERR_FULL;
	struct link_entry *entry = link_calls_add(&c->calls, call);
	*id = r.id = entry->id;
	enum err e = begin_record(c, &r, &place);
	if (e == OK) {
		pack_init(&p, &c->waiting);
		link_write_call(&p, r.id, request);
		e = end_record(c, &r, place, &p);
	}
	if (e != OK) {
		link_calls_remove(&c->calls, entry);
		return e;
	}
	entry->is_stream = request->credit_bytes > 0;
	entry->credit = request->credit_bytes;
	c->call_count++;
	return OK;
}

/*
 * tell queues a frame nobody answers; a plain REP program needs none. When 16
 * MiB wait it is dropped: pings end a link that takes nothing within seconds.
 */
static void
tell(struct link_client *c, enum link_kind kind, uint64_t id, uint32_t bytes)
{
	struct record r = {0};
	struct packer p;
	size_t place;

	if (c->phase != PHASE_LIVE || c->peer.is_unary ||
	    begin_record(c, &r, &place) != OK)
		return;
	pack_init(&p, &c->waiting);
	if (kind == FRAME_CREDIT)
		link_write_credit(&p, id, bytes);
	else
		link_write_plain(&p, kind, id);
	(void)!end_record(c, &r, place, &p);
}

void
link_cancel(struct link_client *c, uint64_t id)
{
	struct link_entry *entry = link_calls_find(&c->calls, id);

	if (entry == NULL)
		return;
	bool has_left = entry->ends_at != 0;
	link_calls_remove(&c->calls, entry);
	if (has_left)
		tell(c, FRAME_CANCEL, id, 0);
}

void
link_credit(struct link_client *c, uint64_t id, uint32_t bytes)
{
	struct link_entry *entry = link_calls_find(&c->calls, id);

	if (entry == NULL || !entry->is_stream)
		return;
	entry->credit += bytes;
	tell(c, FRAME_CREDIT, id, bytes);
}
