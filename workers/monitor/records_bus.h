// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_RECORDS_BUS_H
#define WORKERS_MONITOR_RECORDS_BUS_H

/*
 * records_bus - what the pages of health and metrics tell, on the bus as well,
 * every telemetry.bus.health_interval_ms and metrics_interval_ms.
 *
 * Trust:  pages of our own.
 * Owner:  the struct is the caller's (start/stop).
 */

#include "protocol/base/loop.h"

struct monitor;

struct records_bus {
	struct monitor *monitor;
	struct loop_timer health, metrics;
};

void records_bus_start(struct records_bus *, struct monitor *);
void records_bus_stop(struct records_bus *);

#endif /* WORKERS_MONITOR_RECORDS_BUS_H */
