// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_HISTORY_H
#define WORKERS_MONITOR_HISTORY_H

/*
 * history - the series' way to the disk, <state_dir>/monitor/history, and
 * back in the next life.
 *
 * All that touches the disk happens on a thread of its own: a disk that hangs,
 * is full or broken makes the monitor degraded, and stops nobody who asks it.
 * Meanwhile points live in memory; when the disk takes writes again it gets
 * them all.
 *
 * Trust:  the disk may refuse, sleep, or give back what we did not write: a
 *         damaged store is moved aside and a new one begun.
 * Owner:  the struct is the caller's (open/close); `series` is its own and
 *         may be another one after a turn of the loop.
 */

#include "protocol/shelf_writer.h"
#include "workers/monitor/series.h"

struct worker;

struct history {
	struct worker *worker;
	struct series *series;
	struct shelf *shelf; /* NULL: not open; the job's while it is opened */
	struct shelf_writer writer;
	struct shelf_job job;
	struct series *loaded; /* what the job at work reads */
	struct buffer batch;   /* points since the job was given */
	uint64_t boot;
	uint64_t layout; /* of the names in the store or the batch */
	uint64_t oldest[SERIES_RINGS]; /* sequences in the store */
	uint64_t since_ms;  /* the job at work was given; monotonic */
	uint64_t tried_ms;  /* the last time a sick disk was tried */
	const char *reason; /* why it is degraded */
	uint32_t sizes[SERIES_RINGS];
	bool is_writing;
	bool is_opening; /* the job at work opens and reads */
	bool is_loaded;  /* what the disk had is in the series */
	bool is_degraded;
	bool was_damaged;  /* the job at work moved a store aside */
	uint64_t aside_ms; /* wall: it is called so */
	bool wants_anew;   /* points were lost: all must be written again */
};

/* history_open begins with nothing and has the disk read meanwhile. */
void history_open(
    struct history *, struct worker *, const uint32_t sizes[SERIES_RINGS]);
void history_close(struct history *);

/* history_add takes a point and hands it to the disk. */
void history_add(struct history *, struct series_point *);

/* history_tick, once a second: patience, and another try. */
void history_tick(struct history *);

#endif /* WORKERS_MONITOR_HISTORY_H */
