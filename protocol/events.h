// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_EVENTS_H
#define PROTOCOL_EVENTS_H

/*
 * events - the last things each process noted, in rings that outlive it.
 *
 * event_note is how every process speaks: one log line, and one record: of
 * life and death in the process's ring of life, always; anything else in its
 * ring of telemetry, while its bit in the attach mask is set. So a storm of
 * calls never pushes out what explains a death. A ring is overwritten when
 * full; a record half written when its process died, or overwritten while
 * being read, fails its checksum and is left out.
 *
 * An event that comes in storms is recorded at a pace (events_pace.h): what
 * is over it costs a few nanoseconds, is in the event's count as ever, and is
 * counted as skipped. Life and the hops of traces have no pace.
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
	EVENTS_RINGS = 64,    /* of each kind: one per slot of `stats` */
	EVENTS_RECORDS = 256, /* in a ring of life; a power of two */
	EVENTS_TELEMETRY_RECORDS = 1024, /* in the other; the same */
	EVENTS_TEXT = 264,
	EVENTS_WORD = 44,
	EVENTS_OBITUARY = 64, /* records an obituary takes at most */
	EVENTS_WATCH_BYTES = 8192,
	EVENTS_FEED_BYTES = 16384,
	EVENTS_PACE = 200 /* records of one event a second, unless told */
};

enum events_kind {
	EVENTS_OF_LIFE,
	EVENTS_OF_TELEMETRY,
	EVENTS_KINDS
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
 * event_clock: where this process keeps the time of its turn, for the pace.
 * Without one, all is recorded.
 */
void event_clock(const uint64_t *now_us);

/*
 * event_note counts the event, logs "event fields" at its level and records
 * it. Fields are key=value pairs, as for log_line; a fixed format, never a
 * stranger's: his text goes through event_word.
 */
void event_note(enum event, const char *fields, ...) PRINTF(2, 3);

/*
 * The same in two steps, where fields cost something to gather:
 *     if (event_happens(EVENT_x))
 *             event_tell(EVENT_x, "…", …);
 * event_happens counts; it is true when anybody wants the fields and they
 * would be taken. For a few nanoseconds nobody minds an event that nobody
 * wants, or one in a storm of its kind.
 */
bool event_happens(enum event);
void event_tell(enum event, const char *fields, ...) PRINTF(2, 3);

/* event_record is event_tell without the line in the log. */
void event_record(enum event, const char *fields, ...) PRINTF(2, 3);

/*
 * event_line records a line of the log as EVENT_log_line, whatever the mask:
 * "level event fields", a blank between them. Lines of other threads than
 * event_attach's are left out.
 */
void event_line(enum log_level, const char *event, const char *fields);

/* event_is_wanted: event_tell would do something. It does not count. */
bool event_is_wanted(enum event);

/* event_is_recorded: event_record would do something. */
bool event_is_recorded(enum event);

/* One stranger's word in the fields of an event. */
struct event_word {
	char at[EVENTS_WORD];
};

/*
 * event_word gives the text as one value: cut to 40 bytes, quoted if anything
 * in it could end a value or begin another pair. `-` stands for no text.
 */
const char *event_word(struct event_word *, struct text);

/* event_word_in is the same in `size` bytes: the text, its quotes, a NUL. */
const char *event_word_in(char *to, size_t size, struct text);

/* How often the process of a slot met an event, over all its lives. */
uint64_t events_count(const struct events *, uint32_t slot, enum event);

/*
 * event_listen: from now on `run` hears every event_note and event_tell of
 * this process, whatever its level; NULL ends that. For the one traced request
 * in hand.
 */
typedef void event_heard(void *ctx, enum event, const char *fields);
void event_listen(event_heard *, void *ctx);

const char *event_name(enum event);
const char *event_meaning(enum event);
enum log_level event_level(enum event);
bool event_is_of_life(enum event);

/* The attach mask: which MASKED events are recorded, in all processes. */
void events_mask_set(struct events *, enum event, bool on);
bool events_mask_has(const struct events *, enum event);

/*
 * The watch area: EVENTS_WATCH_BYTES of zeroed 64-bit words in which others
 * say what is to be watched. Bytes 0 … 1023 are log_watch's, the rest
 * trace_watch's. Atomics and two-copy slots only.
 */
void *events_watch_area(const struct events *);

/* The feed area: the same, EVENTS_FEED_BYTES, kept by the monitor alone. */
void *events_feed_area(const struct events *);

/*
 * events_last copies the newest `most` whole records of both rings of a slot,
 * oldest first, and gives their number.
 */
uint32_t events_last(const struct events *, uint32_t slot,
    struct event_record *to, uint32_t most);

/* How far one reader is with one ring. */
struct events_reading {
	uint64_t told; /* sequence of the last record it was given or missed */
	uint64_t missed; /* overwritten before they were read, or not whole */
};

/*
 * events_next copies up to `most` published records behind `told`, oldest
 * first, and moves it; each record between that was overwritten is counted as
 * missed, exactly.
 */
uint32_t events_next(const struct events *, enum events_kind, uint32_t slot,
    struct events_reading *, struct event_record *to, uint32_t most);

/* Sequence of the newest published record: how many there have been. */
uint64_t events_published(
    const struct events *, enum events_kind, uint32_t slot);

/* How many records were over the pace, in all lives of a slot. */
uint64_t events_skipped(const struct events *, uint32_t slot);

/* events_pace_set: the pace of all processes; 0 is EVENTS_PACE. */
void events_pace_set(struct events *, uint64_t per_s);

/* How far the feed is with a ring: one word that outlives the monitor. */
uint64_t events_told(const struct events *, enum events_kind, uint32_t slot);
void events_told_set(
    struct events *, enum events_kind, uint32_t slot, uint64_t sequence);

#endif /* PROTOCOL_EVENTS_H */
