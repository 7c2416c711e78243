// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_OBSERVE_H
#define WORKERS_MONITOR_OBSERVE_H

/*
 * observe - glue of `banyan observe …`: takes the points that are due.
 *
 * Trust:  see observations.h. They end with the monitor's life.
 * Owner:  open's is the monitor's; close takes NULL and leaves NULL.
 */

#include "protocol/base/loop.h"
#include "workers/monitor/machine.h"
#include "workers/monitor/observations.h"

struct monitor;

struct observe {
	struct monitor *monitor;
	struct observations all;
	struct machine machine; /* as it was at the newest point */
	struct loop_timer timer;
};

struct observe *observe_open(struct monitor *);
void observe_close(struct observe **);

#endif /* WORKERS_MONITOR_OBSERVE_H */
