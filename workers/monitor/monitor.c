// SPDX-License-Identifier: MIT
#include "workers/monitor/monitor.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/base/loop.h"
#include "protocol/events.h"
#include "protocol/pack.h"
#include "workers/monitor/bus_open.h"
#include "workers/monitor/catalog.h"
#include "workers/monitor/checker.h"
#include "workers/monitor/diag.h"
#include "workers/monitor/file_check.h"
#include "workers/monitor/http.h"
#include "workers/monitor/log_desk.h"
#include "workers/monitor/metrics.h"
#include "workers/monitor/observe.h"
#include "workers/monitor/records.h"
#include "workers/monitor/trace_hub.h"
#include "workers/monitor/telemetry_desk.h"

/* open_http: without it all else of the monitor goes on. */
static void
open_http(struct monitor *own)
{
	const char *why;

	own->http = http_open(own, &why);
	if (own->http != NULL)
		own->http_port = http_port();
	else if (why != NULL)
		event_note(EVENT_monitor_not_listening, "why=\"%s\"", why);
}

/*
 * yield_to_calls: who looks wakes thousands of times a second in a storm, and
 * each time would take the processor from a gateway in the middle of its
 * turn. A batch process waits for the end of it and keeps its share, so the
 * storm does not blind it. Threads begun later inherit it.
 */
static void
yield_to_calls(void)
{
	const struct sched_param none = {.sched_priority = 0};

	if (sched_setscheduler(0, SCHED_BATCH, &none) != 0)
		log_line(LOG_WARN, "monitor",
		    "what=\"looking may take time from calls\" "
		    "sched_setscheduler=\"%s\"",
		    strerror(errno));
}

void
monitor_start(struct worker *w)
{
	struct monitor *own = worker_state(w);

	yield_to_calls(); /* before any library starts a thread */
	own->worker = w;
	own->started_ms = loop_now_ms(worker_loop(w));
	own->settings_wall_ms = clock_wall_ms();
	own->file_check = file_check_create(own);
	own->metrics = metrics_create(own);
	own->catalog = catalog_open(own);
	own->traces = trace_hub_open(w);
	own->bus = bus_open(w);
	own->telemetry = telemetry_desk_open(own);
	records_start(w, &own->records);
	own->checker = checker_open(own);
	own->diag = diag_open(w);
	own->log = log_desk_open(w);
	own->observe = observe_open(own);
	open_http(own);
}

void
monitor_stop(struct worker *w)
{
	struct monitor *own = worker_state(w);

	http_close(&own->http);
	checker_close(&own->checker);
	records_stop(&own->records);
	catalog_close(&own->catalog);
	metrics_destroy(&own->metrics);
	trace_hub_close(&own->traces);
	observe_close(&own->observe);
	log_desk_close(&own->log);
	diag_close(&own->diag);
	file_check_destroy(&own->file_check);
	telemetry_desk_close(&own->telemetry);
	bus_close(&own->bus);
}

enum reload_result
monitor_on_settings(struct worker *w, struct worker_reload *reload)
{
	struct monitor *own = worker_state(w);

	trace_hub_on_settings(own->traces, reload->next);
	own->settings_wall_ms = clock_wall_ms();
	if (own->http != NULL)
		http_settings(own->http, reload->next);
	bus_settings(own->bus, reload->next);
	telemetry_desk_settings(own->telemetry, reload->next);
	checker_settings(own->checker, reload->next);
	catalog_settings(own->catalog, reload->next);
	return RELOAD_UNCHANGED; /* the table knows which keys are live */
}

/* monitor_cmd_monitor_show answers `banyan monitor show`. */
void
monitor_cmd_monitor_show(struct worker *w, struct command *command)
{
	const struct monitor *own = worker_state(w);

	pack_map(command->result, 1);
	pack_string(command->result, "up_ms");
	pack_u64(
	    command->result, loop_now_ms(worker_loop(w)) - own->started_ms);
}
