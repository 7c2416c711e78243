// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_EVENTS_LAYOUT_H
#define PROTOCOL_EVENTS_LAYOUT_H

/*
 * events_layout - the bytes of the segment `events`: for events.c and
 * events_read.c. Nobody else includes it.
 *
 *   offset 0       attach mask, EVENTS_MASK_WORDS × u64: bit = enum event
 *          64      watch area, 8 KiB
 *          8256    feed area, 16 KiB
 *          24640   counts: EVENTS_RINGS × EVENTS_COUNTS u64, how often
 *          286784  EVENTS_RINGS rings of life, then as many of telemetry:
 *                    0   head: sequence of the newest published record, u64
 *                    8   told: sequence up to which the feed has taken it
 *                   16   skipped: records over the pace, never written
 *                   24   zero, to 64
 *                   64   records of 320 bytes; the one with sequence s lies
 *                        at (s - 1) % their number:
 *                          word 0  sequence      1  checksum of all others
 *                               2  wall_us       3  mono_us
 *                               4  life          5  pid | event << 32
 *                               6  bytes of text
 *                               7 … 39  text (264 bytes)
 *          at the end  pace: records of one event a second, u64; 0: the
 *                      default
 *
 * Trust:  may hold anything; a record counts when its checksum says so.
 * Owner:  the segment's mapping.
 */

#include <stdatomic.h>
#include <stdint.h>

#include "protocol/events.h"

enum {
	EVENTS_MASK_WORDS = 8,
	EVENTS_COUNTS = EVENTS_MASK_WORDS * 64,
	RECORD_WORDS = 40,
	WORD_SEQUENCE = 0,
	WORD_SUM = 1,
	WORD_WALL = 2,
	WORD_MONO = 3,
	WORD_LIFE = 4,
	WORD_WHO = 5,
	WORD_LENGTH = 6,
	WORD_TEXT = 7
};

typedef _Atomic uint64_t events_words[RECORD_WORDS];

struct ring_head {
	_Atomic uint64_t head;
	_Atomic uint64_t told;
	_Atomic uint64_t skipped;
	_Atomic uint64_t zero[5];
};

struct ring_of_life {
	struct ring_head head;
	events_words records[EVENTS_RECORDS];
};

struct ring_of_telemetry {
	struct ring_head head;
	events_words records[EVENTS_TELEMETRY_RECORDS];
};

struct events_body {
	_Atomic uint64_t mask[EVENTS_MASK_WORDS];
	_Atomic uint64_t watch[EVENTS_WATCH_BYTES / 8];
	_Atomic uint64_t feed[EVENTS_FEED_BYTES / 8];
	_Atomic uint64_t counts[EVENTS_RINGS][EVENTS_COUNTS];
	struct ring_of_life life[EVENTS_RINGS];
	struct ring_of_telemetry telemetry[EVENTS_RINGS];
	_Atomic uint64_t pace;
};

/* One ring, whichever it is. */
struct ring {
	struct ring_head *at; /* NULL: there is none */
	events_words *records;
	uint32_t size; /* records; a power of two */
};

static inline struct events_body *
events_body_at(const struct events *events)
{
	return (struct events_body *)(void *)events->segment.body;
}

static inline struct ring
events_ring_at(struct events_body *body, enum events_kind kind, uint32_t slot)
{
	if (slot >= EVENTS_RINGS)
		return (struct ring){0};
	if (kind == EVENTS_OF_LIFE)
		return (struct ring){&body->life[slot].head,
		    body->life[slot].records, EVENTS_RECORDS};
	return (struct ring){&body->telemetry[slot].head,
	    body->telemetry[slot].records, EVENTS_TELEMETRY_RECORDS};
}

static inline events_words *
events_place(const struct ring *ring, uint64_t sequence)
{
	return &ring->records[(sequence - 1) % ring->size];
}

/* events_sum leaves out the place of the sum itself. */
uint64_t events_sum(const uint64_t words[RECORD_WORDS]);

/* events_take copies the record of this sequence; false: it is not whole. */
bool events_take(const struct ring *, uint64_t sequence, struct event_record *);

#endif /* PROTOCOL_EVENTS_LAYOUT_H */
