// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_RECORDS_H
#define WORKERS_MONITOR_RECORDS_H

/*
 * records - what the pages of health, metrics, performance and topology are
 * told from: a reading of the whole tree once a second, and its history.
 *
 * Glue only. The pages themselves are in records_*.c, one function a row of
 * RECORD_PATHS; what they decide is in world.h, systems.h, series.h and
 * component.h, which know no clock.
 *
 * Trust:  shared memory may hold anything; census and world bound it.
 * Owner:  create by records_start, gone with records_stop.
 */

#include <stdint.h>

#include "protocol/base/arena.h"
#include "protocol/base/loop.h"
#include "protocol/census.h"
#include "workers/monitor/checks.h"
#include "workers/monitor/gather.h"
#include "workers/monitor/history.h"
#include "workers/monitor/machine.h"
#include "workers/monitor/page.h"
#include "workers/monitor/records_bus.h"
#include "workers/monitor/systems.h"
#include "workers/monitor/world.h"

struct worker;

struct records {
	struct worker *worker;
	struct world *world;
	struct census census;   /* of the last look */
	struct systems systems; /* the same */
	struct machine machine;
	struct history history;
	struct gather gather;
	struct checks checks;
	uint64_t looks;
	uint64_t look_us; /* that the last look took */
	uint64_t interval_ms;
	/* `telemetry reset`: what is told counts from here */
	uint64_t reset_wall_ms;
	uint64_t reset[COUNTERS];
	uint64_t reset_samples[HISTOGRAMS];
	uint64_t reset_sums[HISTOGRAMS];
	uint64_t reset_unreadable; /* events store_unreadable */
	/* what config_db had when its life began */
	uint64_t restored_life, restored_functions, restored_wall_ms;
	struct records_bus bus;
	struct arena arena;
	struct loop_timer look, point;
};

void records_start(struct worker *, struct records **);
void records_stop(struct records **);

/* records_of: the ones a page is told from. */
struct records *records_of(const struct page *);

/* records_since: a counter since the last reset. */
uint64_t records_since(const struct records *, enum counter);

/* records_average_us: of a histogram, since then. */
double records_average_us(const struct records *, enum histogram);
void records_reset(struct records *);

#endif /* WORKERS_MONITOR_RECORDS_H */
