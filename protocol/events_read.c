// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Whoever reads while a record is being overwritten, or finds one half
 * written by the dead, gets words of two records: their checksum fails and
 * the record is left out.
 *
 * events_last looks one record beyond the head: a whole record there was
 * written by a process that died before publishing it, and an obituary wants
 * it. events_next does not: its readers come back, and the next life
 * publishes it.
 */

#include <string.h>

#include "protocol/events.h"
#include "protocol/events_layout.h"
#include "protocol/hash.h"

/* A head this far from what a reader knows was not written by event_note. */
#define SANE_GAP ((uint64_t)1 << 40)

uint64_t
events_sum(const uint64_t words[RECORD_WORDS])
{
	uint64_t copy[RECORD_WORDS];

	memcpy(copy, words, sizeof(copy));
	copy[WORD_SUM] = 0;
	return hash_words(copy, RECORD_WORDS);
}

bool
events_take(const struct ring *ring, uint64_t sequence, struct event_record *to)
{
	const _Atomic uint64_t *from = *events_place(ring, sequence);
	uint64_t words[RECORD_WORDS];

	for (int i = 0; i < RECORD_WORDS; i++)
		words[i] = atomic_load_explicit(&from[i], memory_order_relaxed);
	if (words[WORD_SEQUENCE] != sequence ||
	    words[WORD_SUM] != events_sum(words) ||
	    words[WORD_LENGTH] > EVENTS_TEXT ||
	    words[WORD_WHO] >> 32 >= EVENT_IDS)
		return false;
	to->sequence = sequence;
	to->wall_us = words[WORD_WALL];
	to->mono_us = words[WORD_MONO];
	to->life = words[WORD_LIFE];
	to->pid = (uint32_t)words[WORD_WHO];
	to->id = (enum event)(words[WORD_WHO] >> 32);
	memcpy(to->bytes, words + WORD_TEXT, words[WORD_LENGTH]);
	to->bytes[words[WORD_LENGTH]] = '\0';
	to->text = (struct text){to->bytes, (uint32_t)words[WORD_LENGTH]};
	return true;
}

static uint64_t
head_of(const struct ring *ring)
{
	return atomic_load_explicit(&ring->at->head, memory_order_acquire);
}

/* A walk through one ring from its newest record backwards. */
struct walk {
	struct ring ring;
	uint64_t next; /* to look at; 0: at the end */
	uint64_t last; /* the oldest that may still be there */
	struct event_record record;
	bool has_record;
};

static void
walk_step(struct walk *walk)
{
	walk->has_record = false;
	while (
	    !walk->has_record && walk->next >= walk->last && walk->next > 0) {
		walk->has_record =
		    events_take(&walk->ring, walk->next, &walk->record);
		walk->next--;
	}
}

static void
walk_begin(struct walk *walk, struct ring ring)
{
	walk->ring = ring;
	walk->next = head_of(&ring) + 1;
	walk->last = walk->next > ring.size ? walk->next - ring.size + 1 : 1;
	walk_step(walk);
}

/* place copies a record: its text points into its own bytes. */
static void
place(const struct event_record *from, struct event_record *to)
{
	*to = *from;
	to->text.at = to->bytes;
}

/* shift moves `count` records from the end of the array to its beginning. */
static void
shift(struct event_record *to, uint32_t most, uint32_t count)
{
	if (count == most)
		return;
	for (uint32_t i = 0; i < count; i++)
		place(&to[most - count + i], &to[i]);
}

uint32_t
events_last(const struct events *events, uint32_t slot, struct event_record *to,
    uint32_t most)
{
	struct events_body *body = events_body_at(events);
	struct walk walks[EVENTS_KINDS];
	uint32_t count = 0;

	if (slot >= EVENTS_RINGS)
		return 0;
	for (int kind = 0; kind < EVENTS_KINDS; kind++)
		walk_begin(&walks[kind],
		    events_ring_at(body, (enum events_kind)kind, slot));
	while (count < most) {
		struct walk *life = &walks[EVENTS_OF_LIFE];
		struct walk *rest = &walks[EVENTS_OF_TELEMETRY];
		struct walk *newest = life;

		if (!life->has_record ||
		    (rest->has_record &&
			rest->record.mono_us > life->record.mono_us))
			newest = rest;
		if (!newest->has_record)
			break;
		count++;
		place(&newest->record, &to[most - count]);
		walk_step(newest);
	}
	shift(to, most, count);
	return count;
}

uint32_t
events_next(const struct events *events, enum events_kind kind, uint32_t slot,
    struct events_reading *reading, struct event_record *to, uint32_t most)
{
	struct ring ring = events_ring_at(events_body_at(events), kind, slot);
	uint64_t head, behind;
	uint32_t count = 0;

	if (ring.at == NULL)
		return 0;
	head = head_of(&ring);
	behind = head - reading->told;
	if (behind > SANE_GAP) {
		/* the head is garbage, or another segment's: begin anew */
		reading->told = head;
		return 0;
	}
	if (behind > ring.size) {
		reading->missed += behind - ring.size;
		reading->told = head - ring.size;
	}
	while (reading->told < head && count < most) {
		reading->told++;
		if (events_take(&ring, reading->told, &to[count]))
			count++;
		else
			reading->missed++;
	}
	return count;
}

uint64_t
events_published(
    const struct events *events, enum events_kind kind, uint32_t slot)
{
	struct ring ring = events_ring_at(events_body_at(events), kind, slot);

	return ring.at == NULL ? 0 : head_of(&ring);
}

uint64_t
events_told(const struct events *events, enum events_kind kind, uint32_t slot)
{
	struct ring ring = events_ring_at(events_body_at(events), kind, slot);

	return ring.at == NULL
	    ? 0
	    : atomic_load_explicit(&ring.at->told, memory_order_relaxed);
}

void
events_told_set(struct events *events, enum events_kind kind, uint32_t slot,
    uint64_t sequence)
{
	struct ring ring = events_ring_at(events_body_at(events), kind, slot);

	if (ring.at != NULL)
		atomic_store_explicit(
		    &ring.at->told, sequence, memory_order_relaxed);
}

uint64_t
events_count(const struct events *events, uint32_t slot, enum event id)
{
	if (slot >= EVENTS_RINGS || (unsigned)id >= EVENT_IDS)
		return 0;
	return atomic_load_explicit(
	    &events_body_at(events)->counts[slot][id], memory_order_relaxed);
}

void *
events_watch_area(const struct events *events)
{
	return events_body_at(events)->watch;
}

void *
events_feed_area(const struct events *events)
{
	return events_body_at(events)->feed;
}

uint64_t
events_skipped(const struct events *events, uint32_t slot)
{
	struct ring ring =
	    events_ring_at(events_body_at(events), EVENTS_OF_TELEMETRY, slot);

	return ring.at == NULL
	    ? 0
	    : atomic_load_explicit(&ring.at->skipped, memory_order_relaxed);
}
