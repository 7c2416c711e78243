// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A message is read whole before its first frame is believed (pack_check), but
 * its frames are told one by one: what is wrong in the third does not take
 * back the first two. The fault then ends the generation.
 */

#include "protocol/link/link_client_private.h"

/* answered_id: in a plain REP program's answer, 0 means "what you asked". */
static uint64_t
answered_id(const struct link_frame *f, uint64_t asked_id)
{
	return f->id != 0 ? f->id : asked_id;
}

/* take removes the call an answer belongs to; false: nobody waits for it. */
static enum link_fault
take(struct link_client *c, uint64_t id, void **call, bool *is_waiting)
{
	struct link_entry *entry = link_calls_find(&c->calls, id);

	*is_waiting = entry != NULL && entry->ends_at != 0;
	if (*is_waiting) {
		*call = entry->call;
		link_calls_remove(&c->calls, entry);
		return LINK_FAULT_none;
	}
	if (entry != NULL || !link_calls_was_issued(&c->calls, id))
		return LINK_FAULT_garbage; /* answered before it was asked */
	c->late_count++;
	return LINK_FAULT_none;
}

static enum link_fault
on_answer(struct link_client *c, const struct link_frame *f, uint64_t id)
{
	void *call;
	bool is_waiting;
	enum link_fault fault = take(c, id, &call, &is_waiting);

	if (!is_waiting)
		return fault;
	c->failures = 0; /* it works: after its death, dial at once */
	if (f->hops.len > 0 && c->calls_back->served != NULL)
		c->calls_back->served(c->owner, call, f->hops);
	if (f->kind == FRAME_RESULT)
		c->calls_back->result(c->owner, call, f->value);
	else if (f->kind == FRAME_END)
		c->calls_back->end(c->owner, call);
	else if (text_is(f->code, "not_dispatched"))
		c->calls_back->lost(c->owner, call, LINK_NOT_DISPATCHED);
	else
		c->calls_back->error(c->owner, call, f->code, f->text);
	return LINK_FAULT_none;
}

/* refuse_chunk: whoever sends more than it may would fill our memory. */
static void
refuse_chunk(struct link_client *c, const struct link_entry *entry)
{
	const char *why = entry->is_stream
	    ? "the service sent more of a stream than it had credit for"
	    : "the service sent a part of a stream, and the call is none";
	void *call = entry->call;

	link_cancel(c, entry->id);
	c->calls_back->error(c->owner, call, TEXT("bad_result"), text_of(why));
}

static enum link_fault
on_chunk(struct link_client *c, const struct link_frame *f, uint64_t id)
{
	struct link_entry *entry = link_calls_find(&c->calls, id);

	if (entry == NULL) {
		if (!link_calls_was_issued(&c->calls, id))
			return LINK_FAULT_garbage;
		c->late_count++;
		return LINK_FAULT_none;
	}
	if (f->number != entry->chunks)
		return LINK_FAULT_gap;
	if (entry->credit <= 0) {
		refuse_chunk(c, entry);
		return LINK_FAULT_none;
	}
	entry->chunks++;
	entry->credit -= f->value.len;
	c->calls_back->chunk(c->owner, entry->call, f->value);
	return LINK_FAULT_none;
}

static enum link_fault
on_hello(struct link_client *c, const struct link_frame *f, uint64_t boot)
{
	struct link_hello hello;

	if (link_read_hello(f->value, &hello) != OK || hello.boot != boot)
		return LINK_FAULT_hello;
	enum link_fault fault = link_peer_greet(&c->peer, &hello);
	if (fault == LINK_FAULT_none && c->phase == PHASE_GREETING)
		link_client_now_live(c);
	return fault;
}

static enum link_fault
on_frame(struct link_client *c, const struct link_frame *f,
    const struct link_head *head, uint64_t asked_id)
{
	uint64_t id = answered_id(f, asked_id);

	if (!c->peer.is_greeted && f->kind != FRAME_HELLO)
		return LINK_FAULT_hello;
	switch (f->kind) {
	case FRAME_HELLO:
		return on_hello(c, f, head->stamp.boot);
	case FRAME_RESULT:
	case FRAME_ERROR:
	case FRAME_END:
		/* id 0 behind a HELLO or PING: a program with one answer */
		return id != 0 ? on_answer(c, f, id) : LINK_FAULT_none;
	case FRAME_CHUNK:
		return on_chunk(c, f, id);
	case FRAME_PING:
		c->peer.owes_answer = true;
		return LINK_FAULT_none;
	case FRAME_DRAINING:
		c->peer.owes_answer = true;
		c->peer.is_draining = true;
		link_client_now_draining(c);
		return LINK_FAULT_none;
	default:
		return LINK_FAULT_none;
	}
}

/* find_asked: which of our messages a unary node answers. */
static enum link_fault
find_asked(struct link_client *c, uint32_t message_id, uint64_t *id)
{
	*id = 0;
	for (int i = 0; i < LINK_WINDOW; i++) {
		if (c->asked[i].message_id != message_id)
			continue;
		*id = c->asked[i].id;
		c->asked[i].message_id = 0;
		return LINK_FAULT_none;
	}
	return LINK_FAULT_twice;
}

/* insist: a unary answer that did not answer its call never will. */
static void
insist(struct link_client *c, uint64_t id)
{
	struct link_entry *entry = link_calls_find(&c->calls, id);

	if (entry == NULL)
		return;
	void *call = entry->call;
	link_calls_remove(&c->calls, entry);
	c->calls_back->error(c->owner, call, TEXT("bad_result"),
	    TEXT("the service's answer has no result for the call"));
}

static enum link_fault
on_message(struct link_client *c, const struct sp_message *m)
{
	struct link_head head;
	struct link_frame frame;
	uint64_t asked_id = 0;
	bool was_unary = c->peer.is_unary && c->peer.is_greeted;

	if (link_read_head(m->body, &head) != OK)
		return c->peer.is_greeted ? LINK_FAULT_garbage
					  : LINK_FAULT_hello;
	enum link_fault fault =
	    link_peer_hear(&c->peer, &head, loop_now_ms(c->hub->loop));
	if (fault == LINK_FAULT_none && was_unary)
		fault = find_asked(c, m->id, &asked_id);
	for (uint32_t i = 0; i < head.frame_count; i++) {
		if (fault != LINK_FAULT_none)
			return fault;
		if (link_read_frame(&head.frames, &frame) != OK)
			return LINK_FAULT_garbage;
		fault = on_frame(c, &frame, &head, asked_id);
	}
	if (fault == LINK_FAULT_none && !c->peer.is_greeted)
		return LINK_FAULT_hello;
	if (fault == LINK_FAULT_none && was_unary)
		insist(c, asked_id);
	return fault;
}

static enum link_fault
fault_of(enum err e)
{
	return e == ERR_TOO_BIG ? LINK_FAULT_too_big : LINK_FAULT_garbage;
}

size_t
link_client_arrived(void *ctx, uint8_t *bytes, size_t count)
{
	struct link_client *c = ctx;
	enum link_fault fault = LINK_FAULT_none;
	struct sp_message message;
	size_t taken = 0;

	if (c->phase == PHASE_HANDSHAKE) {
		if (count < SP_HANDSHAKE_BYTES)
			return 0;
		if (!sp_is_handshake(bytes, SP_REP0))
			fault = LINK_FAULT_handshake;
		c->phase = PHASE_GREETING;
		taken = SP_HANDSHAKE_BYTES;
	}
	while (fault == LINK_FAULT_none) {
		enum err e = sp_read(bytes + taken, count - taken,
		    link_sp(c->url.transport), LINK_MAX_BYTES, &message);

		if (e == ERR_AGAIN)
			return taken;
		fault = e == OK ? on_message(c, &message) : fault_of(e);
		if (e == OK)
			taken += message.whole_bytes;
	}
	link_client_end(c, fault);
	return taken;
}
