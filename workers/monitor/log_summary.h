// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_LOG_SUMMARY_H
#define WORKERS_MONITOR_LOG_SUMMARY_H

/*
 * log_summary - what the log of the whole tree had in a while: the difference
 * of two readings of its counters, which are never reset.
 *
 * A reading is kept every LOG_READING_MS, enough of them for the longest
 * period. Pure: the time is an argument.
 *
 * Trust:  counters may hold anything: what fell counts as nothing.
 * Owner:  the structs are the caller's; zeroed is empty.
 */

#include <stdint.h>

#include "protocol/base/log.h"
#include "protocol/events.h"

#define LOUD_DEBUG             0
#define LOUD_INFO              0
#define LOUD_WARN              1
#define LOUD_ERROR             1
#define LOUD_FATAL             1
#define LOUD(name, level, ...) +LOUD_##level

enum {
	LOG_LOUD = 0 EVENTS(LOUD), /* events of warnings and errors */
	LOG_PERIOD_S = 3600,       /* the longest */
	LOG_READING_MS = 10000,
	LOG_READINGS = LOG_PERIOD_S * 1000 / LOG_READING_MS + 2
};

#undef LOUD

/* The whole tree at one moment. */
struct log_reading {
	uint64_t at_ms; /* monotonic */
	uint64_t lines[LOG_LEVELS];
	uint64_t events[LOG_LOUD]; /* in the order of log_summary_event */
};

struct log_readings {
	struct log_reading kept[LOG_READINGS];
	uint32_t next;
	uint32_t count;
};

struct log_top {
	enum event id;
	uint64_t count;
};

struct log_summary {
	uint64_t period_ms;
	uint64_t lines[LOG_LEVELS];
	uint64_t total;               /* lines of all levels */
	struct log_top top[LOG_LOUD]; /* the most frequent first */
	uint32_t tops;                /* of `top`, in use */
	double errors_per_minute;     /* lines at WARN and above */
};

/* log_summary_event: the event of a place in a reading. */
enum event log_summary_event(uint32_t place);

/* log_summary_keep keeps a reading when the last is old enough. */
void log_summary_keep(struct log_readings *, const struct log_reading *);

/*
 * log_summary_since gives the newest reading that is not younger than then,
 * else the oldest there is; NULL: there is none.
 */
const struct log_reading *log_summary_since(
    const struct log_readings *, uint64_t then_ms);

/* log_summary_make: what came between two readings. */
void log_summary_make(const struct log_reading *from,
    const struct log_reading *to, struct log_summary *);

#endif /* WORKERS_MONITOR_LOG_SUMMARY_H */
