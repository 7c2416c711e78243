// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * An id is counter << 10 | slot, so the look-up is an index and a comparison,
 * and the id of an answered call is told from one that was made up by the
 * counter alone. Ids start at 1024 and stay below 2^53 for longer than any
 * runner lives: a runner whose language has only doubles can echo them.
 *
 * Slots are searched from where the last one was found: with the capacities
 * there are (1 … 64) that is one step, and the worst case is bounded.
 */

#include "protocol/runner_peer.h"

#include "protocol/base/memory.h"

enum {
	SLOT_BITS = 10,
	SLOT_MASK = (1 << SLOT_BITS) - 1,
};
_Static_assert(RUNNER_CAPACITY == 1 << SLOT_BITS, "a slot fits into an id");

static const struct {
	const char *name, *text;
} faults[] = {
    [RUNNER_FAULT_none] = {"none", "kept the rules"},
    [RUNNER_FAULT_hello] = {"hello", "did not begin with a good HELLO"},
    [RUNNER_FAULT_garbage] = {"garbage", "sent bytes that are no frame"},
    [RUNNER_FAULT_too_big] = {"too_big", "sent a frame longer than max_bytes"},
    [RUNNER_FAULT_order] = {"order",
	"sent a frame that is not a runner's to send then"},
    [RUNNER_FAULT_unknown] = {"unknown", "answered a call it was never given"},
    [RUNNER_FAULT_twice] = {"twice", "answered a call twice"},
    [RUNNER_FAULT_gap] = {"gap", "sent chunks out of order"},
    [RUNNER_FAULT_flood] = {"flood",
	"went on sending chunks of a call that was cancelled"},
};

const char *
runner_fault_name(enum runner_fault fault)
{
	INVARIANT((size_t)fault < COUNT_OF(faults));
	return faults[fault].name;
}

const char *
runner_fault_text(enum runner_fault fault)
{
	INVARIANT((size_t)fault < COUNT_OF(faults));
	return faults[fault].text;
}

void
runner_peer_init(struct runner_peer *p, uint32_t most, uint32_t max_bytes)
{
	INVARIANT(most >= 1 && most <= RUNNER_CAPACITY);
	*p = (struct runner_peer){
	    .most = most, .max_bytes = max_bytes, .counter = 1};
}

void
runner_peer_finish(struct runner_peer *p)
{
	memory_free(p->slots);
	*p = (struct runner_peer){0};
}

uint32_t
runner_peer_room(const struct runner_peer *p)
{
	if (!p->is_greeted || p->is_draining)
		return 0;
	return p->capacity - p->open;
}

uint64_t
runner_peer_give(struct runner_peer *p, void *work, uint32_t credit)
{
	INVARIANT(runner_peer_room(p) > 0 && work != NULL);
	uint32_t at = (uint32_t)(p->counter % p->capacity);
	while (p->slots[at].is_open)
		at = at + 1 < p->capacity ? at + 1 : 0;
	p->slots[at] = (struct runner_slot){
	    .id = p->counter++ << SLOT_BITS | at,
	    .work = work,
	    .credit = credit,
	    .is_open = true,
	    .is_stream = credit > 0,
	};
	p->open++;
	return p->slots[at].id;
}

/* find gives the slot of a call that was not answered yet, or NULL. */
static struct runner_slot *
find(const struct runner_peer *p, uint64_t id)
{
	uint32_t at = (uint32_t)id & SLOT_MASK;

	if (!p->is_greeted || at >= p->capacity || p->slots[at].id != id ||
	    !p->slots[at].is_open)
		return NULL;
	return &p->slots[at];
}

bool
runner_peer_give_up(struct runner_peer *p, uint64_t id)
{
	struct runner_slot *slot = find(p, id);

	if (slot == NULL || slot->work == NULL)
		return false;
	slot->work = NULL;
	p->given_up++;
	return true;
}

bool
runner_peer_credit(struct runner_peer *p, uint64_t id, uint32_t bytes)
{
	struct runner_slot *slot = find(p, id);

	if (slot == NULL || slot->work == NULL || !slot->is_stream)
		return false;
	slot->credit += bytes;
	return true;
}

uint64_t
runner_peer_ping(struct runner_peer *p)
{
	return ++p->pinged;
}

void
runner_peer_drain(struct runner_peer *p)
{
	p->is_draining = true;
}

static enum runner_fault
hear_hello(
    struct runner_peer *p, const struct link_frame *f, struct runner_said *said)
{
	struct runner_hello hello;

	if (p->is_greeted)
		return RUNNER_FAULT_order;
	if (runner_read_hello(f->value, &hello) != OK)
		return RUNNER_FAULT_hello;
	p->capacity = hello.capacity < p->most ? hello.capacity : p->most;
	p->answers_always = hello.answers_always;
	p->slots = memory_new(p->capacity * sizeof(*p->slots));
	p->is_greeted = true;
	said->word = RUNNER_SAYS_ready;
	return RUNNER_FAULT_none;
}

/* unasked: why an id names no open call: answered already, or made up. */
static enum runner_fault
unasked(const struct runner_peer *p, uint64_t id)
{
	uint64_t counter = id >> SLOT_BITS;

	if ((id & SLOT_MASK) >= p->capacity || counter == 0 ||
	    counter >= p->counter)
		return RUNNER_FAULT_unknown;
	return RUNNER_FAULT_twice;
}

static enum runner_word
word_of(const struct runner_slot *slot, const struct link_frame *f)
{
	if (f->kind == FRAME_RESULT) /* no value: beyond what a link carries */
		return f->value.len > 0 ? RUNNER_SAYS_result : RUNNER_SAYS_bad;
	if (f->kind == FRAME_ERROR)
		return RUNNER_SAYS_error;
	/* an END without a stream has no value to answer with */
	return slot->is_stream ? RUNNER_SAYS_end : RUNNER_SAYS_bad;
}

static enum runner_fault
hear_answer(
    struct runner_peer *p, const struct link_frame *f, struct runner_said *said)
{
	struct runner_slot *slot = find(p, f->id);

	if (slot == NULL)
		return unasked(p, f->id);
	slot->is_open = false;
	p->open--;
	if (slot->work == NULL) {
		p->given_up--;
		p->late_count++;
		return RUNNER_FAULT_none;
	}
	said->work = slot->work;
	said->word = word_of(slot, f);
	slot->work = NULL;
	return RUNNER_FAULT_none;
}

/* late_chunk: what was on its way when the CANCEL left is forgiven. */
static enum runner_fault
late_chunk(struct runner_peer *p, struct runner_slot *slot, uint32_t bytes)
{
	slot->late += bytes + UINT64_C(1);
	p->late_count++;
	return slot->late > RUNNER_MAX_BYTES ? RUNNER_FAULT_flood
					     : RUNNER_FAULT_none;
}

static enum runner_fault
hear_chunk(
    struct runner_peer *p, const struct link_frame *f, struct runner_said *said)
{
	struct runner_slot *slot = find(p, f->id);

	if (slot == NULL)
		return unasked(p, f->id);
	if (slot->work == NULL)
		return late_chunk(p, slot, f->value.len);
	if (slot->is_stream && f->number != slot->chunks)
		return RUNNER_FAULT_gap;
	said->work = slot->work;
	slot->chunks++;
	/* the last chunk of a window may be longer than what is left of it */
	if (slot->credit > 0 && f->value.len > 0) {
		slot->credit -= f->value.len;
		said->word = RUNNER_SAYS_chunk;
	} else {
		slot->work = NULL;
		p->given_up++;
		said->word = RUNNER_SAYS_bad;
	}
	return RUNNER_FAULT_none;
}

static enum runner_fault
hear_pong(
    struct runner_peer *p, const struct link_frame *f, struct runner_said *said)
{
	if (f->id <= p->ponged || f->id > p->pinged)
		return RUNNER_FAULT_order;
	p->ponged = f->id;
	said->word = RUNNER_SAYS_pong;
	return RUNNER_FAULT_none;
}

static enum runner_fault
hear_recycle(struct runner_peer *p, struct runner_said *said)
{
	if (p->wants_recycling)
		return RUNNER_FAULT_order;
	p->wants_recycling = true;
	said->word = RUNNER_SAYS_recycle;
	return RUNNER_FAULT_none;
}

static enum runner_fault
hear(
    struct runner_peer *p, const struct link_frame *f, struct runner_said *said)
{
	if (!p->is_greeted && f->kind != FRAME_HELLO)
		return RUNNER_FAULT_hello;
	switch (f->kind) {
	case FRAME_HELLO:
		return hear_hello(p, f, said);
	case FRAME_RESULT:
	case FRAME_ERROR:
	case FRAME_END:
		return hear_answer(p, f, said);
	case FRAME_CHUNK:
		return hear_chunk(p, f, said);
	case FRAME_PING:
		return hear_pong(p, f, said);
	case FRAME_RECYCLE:
		return hear_recycle(p, said);
	case FRAME_CALL:
	case FRAME_CANCEL:
	case FRAME_CREDIT:
	case FRAME_DRAINING:
		return RUNNER_FAULT_order;
	default:
		return RUNNER_FAULT_none; /* a newer one says more than we know
					   */
	}
}

void
runner_peer_hear(
    struct runner_peer *p, const struct link_frame *f, struct runner_said *said)
{
	*said = (struct runner_said){.id = f->id};
	said->fault = hear(p, f, said);
	if (said->fault != RUNNER_FAULT_none)
		said->word = RUNNER_SAYS_fault;
}

enum runner_fault
runner_peer_read_fault(const struct runner_peer *p, enum err e)
{
	if (!p->is_greeted)
		return RUNNER_FAULT_hello;
	return e == ERR_TOO_BIG ? RUNNER_FAULT_too_big : RUNNER_FAULT_garbage;
}

void *
runner_peer_take_any(struct runner_peer *p)
{
	for (uint32_t i = 0; p->open > p->given_up && i < p->capacity; i++) {
		void *work = p->slots[i].work;

		if (!p->slots[i].is_open || work == NULL)
			continue;
		p->slots[i].work = NULL;
		p->slots[i].is_open = false;
		p->open--;
		return work;
	}
	return NULL;
}
