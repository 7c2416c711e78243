// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_FEED_H
#define WORKERS_MONITOR_FEED_H

/*
 * feed - takes what all processes noted out of their rings, in turn, a
 * bounded number at a time, and knows exactly what was overwritten before.
 *
 * One stormy process cannot starve the others: each round takes a few records
 * of each ring, and the next turn goes on behind the ring where this one
 * ended. Life comes before telemetry. How far a ring is told stands in the
 * segment, so the next life of the monitor goes on there.
 *
 * Pure but for the segment: knows no bus, no clock.
 *
 * Trust:  rings may hold anything: protocol/events.h gives whole records.
 * Owner:  the caller's struct; the mapping stays his.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/events.h"

enum {
	FEED_SLICE = 16, /* records of one ring in one round */
};

struct feed {
	struct events *events;
	struct events_reading readings[EVENTS_KINDS][EVENTS_RINGS];
	uint32_t next; /* ring the next turn begins with */
	uint64_t told; /* records handed on, by this life */
	uint64_t missed;
};

/* feed_init goes on where the segment says the last life was. */
void feed_init(struct feed *, struct events *);

/*
 * feed_turn hands records to `take` until there are none, or `take` says
 * false: what is left of the slice is told, the rest waits. True: all rings
 * are empty.
 */
typedef bool feed_take(
    void *ctx, uint32_t slot, const struct event_record *record);
bool feed_turn(struct feed *, feed_take *, void *ctx);

#endif /* WORKERS_MONITOR_FEED_H */
