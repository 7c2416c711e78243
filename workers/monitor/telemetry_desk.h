// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_TELEMETRY_DESK_H
#define WORKERS_MONITOR_TELEMETRY_DESK_H

/*
 * telemetry_desk - the monitor's part in telemetry: it sets the attach mask,
 * empties the rings within a budget, and tells what was in them on the bus
 * and in the log.
 *
 * Trust:  records are whole but may quote strangers; see protocol/telemetry.h.
 * Owner:  open's is the monitor's; close takes NULL and leaves NULL. A desk
 *         that was closed leaves mask and attachments in the segment: the
 *         monitor's next life goes on with them.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/loop.h"
#include "workers/monitor/attachments.h"
#include "workers/monitor/feed.h"

struct handler_desk;
struct monitor;
struct settings;

enum {
	DESK_SECONDS = 11 /* totals kept for the rates, one each second */
};

struct telemetry_desk {
	struct monitor *monitor;
	struct feed feed;
	struct attachments attachments;
	struct handler_desk *handlers;
	struct loop_timer timer;
	uint64_t totals[DESK_SECONDS][EVENT_IDS];
	uint64_t totals_ms[DESK_SECONDS];
	uint32_t totals_at;   /* where the next goes */
	uint64_t patience_ms; /* until then listeners may still come back */
	uint64_t turn_until_us;
	uint64_t published;
	uint64_t withheld; /* sampled out or not allowed */
};

struct telemetry_desk *telemetry_desk_open(struct monitor *);
void telemetry_desk_close(struct telemetry_desk **);
void telemetry_desk_settings(struct telemetry_desk *, const struct settings *);

/* telemetry_desk_changed: the attachments are others now. */
void telemetry_desk_changed(struct telemetry_desk *);

/* How often an event happened in the whole tree, since it was started. */
uint64_t telemetry_desk_total(const struct telemetry_desk *, enum event);

/* Records over the pace, in the whole tree, since it was started. */
uint64_t telemetry_desk_skipped(const struct telemetry_desk *);

/* telemetry_desk_rate: how often a second, over the last ten. */
double telemetry_desk_rate(const struct telemetry_desk *, enum event);

/* telemetry_process names the process of a slot: "gateway/1". */
const char *telemetry_process(
    const struct monitor *, uint32_t slot, char *to, size_t size);

/* store_alert_tell publishes that the function table cannot be saved. */
void store_alert_tell(struct monitor *, const struct event_record *);

/* lifecycle_tell publishes what a record says of a process's life. */
void lifecycle_tell(
    struct monitor *, uint32_t slot, const struct event_record *);

#endif /* WORKERS_MONITOR_TELEMETRY_DESK_H */
