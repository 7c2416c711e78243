// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_MONITOR_H
#define WORKERS_MONITOR_MONITOR_H

/*
 * monitor - counts, remembers and tells: metrics, history, telemetry, the
 * operators' HTTP.
 *
 * Glue only: what it decides belongs in modules beside this one that know no
 * nng, no msgpack, no clock.
 *
 * Trust:  commands come from operators, bounded and scanned by the kit.
 * Owner:  the struct is the kit's (worker_state), zeroed at the start.
 */

#include <stdint.h>

#include "protocol/tables/commands.h"
#include "workers/kit/route.h"
#include "workers/kit/worker.h"

struct bus;
struct catalog;
struct checker;
struct file_check;
struct http;
struct metrics;
struct telemetry_desk;
struct diag;
struct log_desk;
struct observe;
struct trace_hub;
struct records;

struct monitor {
	struct worker *worker;
	uint64_t started_ms; /* monotonic */

	/* HTTP; NULL and 0: none */
	struct http *http;
	uint16_t http_port;

	/* the settings file as it is now; since when those in force are */
	struct file_check *file_check;
	uint64_t settings_wall_ms;

	/* what Prometheus is told */
	struct metrics *metrics;

	struct trace_hub *traces;
	struct bus *bus;
	struct telemetry_desk *telemetry;
	struct records *records; /* what the tree did, and how it is */
	struct diag *diag;
	struct observe *observe; /* `banyan observe` */
	struct log_desk *log;    /* what the log had, and when */

	struct checker *checker;

	/* which services there are */
	struct catalog *catalog;
};

void monitor_start(struct worker *);
void monitor_stop(struct worker *);
enum reload_result monitor_on_settings(struct worker *, struct worker_reload *);

MONITOR_COMMANDS(DECLARE_COMMAND)

#endif /* WORKERS_MONITOR_MONITOR_H */
