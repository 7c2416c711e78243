// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_WORLD_H
#define WORKERS_MONITOR_WORLD_H

/*
 * world - what a tree has done lately: the counters of all its processes,
 * added up, and how they grew in the last minute and the last hour.
 *
 * A sum here only rises, whatever becomes of a slot: a process that goes
 * keeps its share, a counter that begins again at 0 (the segments were made
 * anew) counts on from there. Time is the monotonic one; the wall clock is
 * not known here.
 *
 * Trust:  slots may hold anything: a step no process can have made in the
 *         time between two looks counts as none.
 * Owner:  create/destroy.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/census.h"
#include "protocol/stats.h"

enum {
	WORLD_STEP_MS = 5000,    /* between two kept moments */
	WORLD_MINUTE_MS = 60000, /* the window of rates and latencies */
	WORLD_HOUR_MS = 3600000
};

struct world;

/* Latencies of one window; values are upper edges of their buckets, at most
 * 12 % above what was measured. All 0 without a sample. */
struct world_times {
	uint64_t count;
	double average;
	uint64_t least, most;
	uint64_t p50, p95, p99;
};

void world_create(struct world **);
void world_destroy(struct world **);

/* world_look takes one reading; the first one begins all windows. */
void world_look(struct world *, const struct census *);

/* world_total: since the first life of each process. */
uint64_t world_total(const struct world *, enum counter);

/* world_gauge adds up the processes that are up. */
uint64_t world_gauge(const struct world *, enum counter);

/* world_is_up: is a process of that role up? */
bool world_is_up(const struct world *, enum role);

/* world_window_ms: how much of the last minute is known; 0 at the start. */
uint64_t world_window_ms(const struct world *);

/* world_recent: growth within the window; world_rate: per second. */
uint64_t world_recent(const struct world *, enum counter);
double world_rate(const struct world *, enum counter);

/* world_hour: growth in the last hour, or since there is somebody to look. */
uint64_t world_hour(const struct world *, enum counter);

/* world_samples and world_sum: all a histogram ever took in. */
uint64_t world_samples(const struct world *, enum histogram);
uint64_t world_sum(const struct world *, enum histogram);

/* world_times_of: what a histogram took in within the window; the other one
 * is of several together. */
void world_times_of(const struct world *, enum histogram, struct world_times *);
void world_times_of_all(const struct world *, const enum histogram *,
    size_t count, struct world_times *);

#endif /* WORKERS_MONITOR_WORLD_H */
