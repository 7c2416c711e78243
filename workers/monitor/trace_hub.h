// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_TRACE_HUB_H
#define WORKERS_MONITOR_TRACE_HUB_H

/*
 * trace_hub - glue of tracing in the monitor: publishes what is looked for,
 * reads what was found, keeps time, writes the tracer's files.
 *
 * While nothing is traced it does nothing at all. Nobody waits for it: its
 * death leaves the traces in force, each with its own end, and the next life
 * goes on with them.
 *
 * Trust:  records and the watch area are checked by who reads them.
 * Owner:  open/close; reached by the commands through struct monitor.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/loop.h"
#include "protocol/events.h"
#include "protocol/trace_watch.h"
#include "workers/monitor/tracer.h"
#include "workers/monitor/traces.h"

enum {
	TRACER_RATE = 10000 /* records a second, of each key and process */
};

struct monitor;
struct settings;
struct worker;

struct trace_hub {
	struct worker *worker;
	struct trace_watch watch;
	struct traces traces;
	struct tracer tracer;
	struct loop_timer timer;
	uint64_t
	    quiet_after_ms; /* how long records may still come; 0: asleep */
	uint64_t missed;    /* records overwritten before they were read */
	bool is_disk_bad;
	bool is_set_enabled; /* what the settings last said */
	struct events_reading told[EVENTS_KINDS][EVENTS_RINGS];
	char node[72];
};

struct trace_hub *trace_hub_open(struct worker *);
void trace_hub_close(struct trace_hub **);
void trace_hub_on_settings(struct trace_hub *, const struct settings *);

/* trace_hub_publish puts into force what the traces and the tracer say now.
 * ERR_FULL: their names are too long together; what was in force stays. */
enum err trace_hub_publish(struct trace_hub *) MUST_USE;

/* trace_hub_read takes all that is in the rings now. */
void trace_hub_read(struct trace_hub *);

/* trace_hub_wants: is this one of the events that hops are, and are they
 * read? Then whoever keeps the attach mask leaves its bit set. */
bool trace_hub_wants(const struct trace_hub *, enum event);

uint64_t trace_hub_now_ms(const struct trace_hub *);

#endif /* WORKERS_MONITOR_TRACE_HUB_H */
