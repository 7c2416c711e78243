// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_EVENTS_H
#define PROTOCOL_EVENTS_H

/*
 * events - the last things each process noted, in rings that outlive it.
 *
 * event_note is how every process speaks: one log line, and one record in its
 * ring if the event is about life and death or its bit in the attach mask is
 * set. A ring is overwritten when full; a record half written when its
 * process died, or overwritten while being read, fails its checksum and is
 * left out.
 *
 * Trust:  fields may quote strangers: they are cleaned as log lines are.
 *         Readers check every record.
 * Owner:  struct events is the caller's (map/unmap). event_attach keeps a
 *         pointer to it for the life of the process.
 * Threads: event_note is for the loop's thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/err.h"
#include "protocol/base/log.h"
#include "protocol/base/text.h"
#include "protocol/segment.h"
#include "protocol/tables/events.h"

enum event {
#define E(name, ...) EVENT_##name,
	EVENTS(E)
#undef E
	EVENT_IDS
};

enum {
	EVENTS_RINGS = 64,    /* one per slot of `stats` */
	EVENTS_RECORDS = 256, /* per ring; a power of two */
	EVENTS_TEXT = 200,
	EVENTS_OBITUARY = 64 /* records an obituary takes at most */
};

struct events {
	struct segment segment;
};

/* One record, as a reader gets it: whole, or not at all. */
struct event_record {
	uint64_t sequence; /* 1, 2, 3 … of its ring, over all lives */
	uint64_t wall_us;
	uint64_t mono_us;
	uint64_t life;
	uint32_t pid;
	enum event id;    /* < EVENT_IDS */
	uint32_t value;   /* free use of the event */
	struct text text; /* points into `bytes` */
	char bytes[EVENTS_TEXT + 1];
};

enum err events_create(int *fd) MUST_USE;
enum err events_map(int fd, struct events *) MUST_USE;
void events_unmap(struct events *);

/* event_attach: from now on event_note also writes ring `slot`. */
void event_attach(struct events *, uint32_t slot, uint64_t life);
void event_detach(void);

/*
 * event_note logs "event fields" at the event's level and records it. Fields
 * are key=value pairs, as for log_line; a fixed format, never a stranger's.
 */
void event_note(enum event, const char *fields, ...) PRINTF(2, 3);

/* event_is_wanted: event_note would do something; else it costs some 10 ns. */
bool event_is_wanted(enum event);

const char *event_name(enum event);
const char *event_meaning(enum event);
enum log_level event_level(enum event);
bool event_is_of_life(enum event);

/* The attach mask: which MASKED events are recorded, in all processes. */
void events_mask_set(struct events *, enum event, bool on);
bool events_mask_has(const struct events *, enum event);

/*
 * events_last copies the newest `most` whole records of a ring, oldest first,
 * and gives their number; those with a sequence up to `after` are left out.
 */
uint32_t events_last(const struct events *, uint32_t slot, uint64_t after,
    struct event_record *to, uint32_t most);

#endif /* PROTOCOL_EVENTS_H */
