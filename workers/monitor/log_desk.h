// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_LOG_DESK_H
#define WORKERS_MONITOR_LOG_DESK_H

/*
 * log_desk - glue of what the monitor knows of the log: it reads the counters
 * of all processes every few seconds, for `banyan log summary`.
 *
 * Trust:  see log_summary.h.
 * Owner:  open's is the monitor's; close takes NULL and leaves NULL.
 */

#include "protocol/base/loop.h"
#include "workers/monitor/log_summary.h"

struct monitor;
struct worker;

struct log_desk {
	struct worker *worker;
	struct log_readings readings;
	struct loop_timer timer;
};

struct log_desk *log_desk_open(struct worker *);
void log_desk_close(struct log_desk **);

/* log_desk_tell publishes a recorded line: logging/<role>. */
void log_desk_tell(
    struct monitor *, uint32_t slot, const struct event_record *);

#endif /* WORKERS_MONITOR_LOG_DESK_H */
