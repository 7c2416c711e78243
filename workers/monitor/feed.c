// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A record counts as told once it was handed on, and that is written into the
 * segment record by record: a monitor that is killed repeats none, and loses
 * at most the one it had in its hands.
 */

#include "workers/monitor/feed.h"

#include <string.h>

void
feed_init(struct feed *feed, struct events *events)
{
	memset(feed, 0, sizeof(*feed));
	feed->events = events;
	for (int kind = 0; kind < EVENTS_KINDS; kind++)
		for (uint32_t slot = 0; slot < EVENTS_RINGS; slot++)
			feed->readings[kind][slot].told =
			    events_told(events, (enum events_kind)kind, slot);
}

enum slice {
	SLICE_EMPTY,
	SLICE_SOME,
	SLICE_STOP
};

static enum slice
take_slice(struct feed *feed, enum events_kind kind, uint32_t slot,
    feed_take *take, void *ctx)
{
	struct event_record records[FEED_SLICE];
	struct events_reading *reading = &feed->readings[kind][slot];
	uint64_t missed = reading->missed;
	uint64_t told = reading->told;
	bool goes_on = true;
	uint32_t count =
	    events_next(feed->events, kind, slot, reading, records, FEED_SLICE);

	feed->missed += reading->missed - missed;
	for (uint32_t i = 0; i < count; i++) {
		goes_on = take(ctx, slot, &records[i]) && goes_on;
		events_told_set(feed->events, kind, slot, records[i].sequence);
	}
	feed->told += count;
	if (reading->told == told)
		return SLICE_EMPTY;
	events_told_set(feed->events, kind, slot, reading->told);
	return goes_on ? SLICE_SOME : SLICE_STOP;
}

bool
feed_turn(struct feed *feed, feed_take *take, void *ctx)
{
	bool is_any = true;

	while (is_any) {
		is_any = false;
		for (uint32_t i = 0; i < EVENTS_RINGS * EVENTS_KINDS; i++) {
			uint32_t at =
			    (feed->next + i) % (EVENTS_RINGS * EVENTS_KINDS);
			enum slice slice = take_slice(feed,
			    (enum events_kind)(at / EVENTS_RINGS),
			    at % EVENTS_RINGS, take, ctx);

			is_any = is_any || slice != SLICE_EMPTY;
			if (slice == SLICE_STOP) {
				feed->next = at + 1;
				return false;
			}
		}
	}
	feed->next = 0;
	return true;
}
