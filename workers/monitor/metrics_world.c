// SPDX-License-Identifier: MIT
/* metrics_world - what the records know besides counters: rates and latencies
 * of the last minute, systems, the machine; and every event by its name. */

#include "protocol/events.h"
#include "protocol/telemetry.h"
#include "workers/kit/worker.h"
#include "workers/monitor/exposition.h"
#include "workers/monitor/metrics.h"
#include "workers/monitor/monitor.h"
#include "workers/monitor/records.h"

static void
tell_one(struct exposition *e, const char *name, struct text of, double value)
{
	const struct exposition_label label = {name, of};

	exposition_value(e, (struct exposition_labels){&label, 1}, value);
}

static void
tell_throughput(struct exposition *e, const struct world *world)
{
	exposition_family(e, "throughput_per_second", EXPOSITION_GAUGE,
	    "of each operation, in the last minute");
	for (int i = 0; i < OPERATIONS; i++) {
		enum operation op = (enum operation)i;

		tell_one(e, "operation", text_of(operation_name(op)),
		    world_rate(world, operation_counter(op)));
	}
}

static void
tell_latency(struct exposition *e, const struct world *world)
{
	exposition_family(e, "latency_seconds", EXPOSITION_GAUGE,
	    "of each operation, in the last minute; 0 without a sample");
	for (int i = 0; i < OPERATIONS; i++) {
		enum operation op = (enum operation)i;
		struct world_times t;

		world_times_of(world, operation_histogram(op), &t);
		const struct {
			const char *name;
			uint64_t us;
		} shares[] = {{"p50", t.p50}, {"p95", t.p95}, {"p99", t.p99}};

		for (size_t k = 0; k < COUNT_OF(shares); k++) {
			const struct exposition_label labels[] = {
			    {"operation", text_of(operation_name(op))},
			    {"percentile", text_of(shares[k].name)}};

			exposition_value(e,
			    (struct exposition_labels){labels, 2},
			    (double)shares[k].us / 1e6);
		}
	}
}

static void
tell_resources(struct exposition *e, const struct machine *m)
{
	exposition_family(e, "resource_usage_percent", EXPOSITION_GAUGE,
	    "of the machine, as the kernel tells it");
	tell_one(e, "resource", TEXT("cpu"), m->cpu_percent);
	tell_one(e, "resource", TEXT("memory"),
	    machine_percent((double)m->memory_used, (double)m->memory_total));
	tell_one(e, "resource", TEXT("disk"),
	    machine_percent((double)m->disk_used, (double)m->disk_total));
	tell_one(e, "resource", TEXT("network"),
	    machine_percent(
		m->network_per_second, (double)m->network_capacity));
}

static void
tell_systems(struct exposition *e, const struct systems *s)
{
	exposition_family(e, "system_score", EXPOSITION_GAUGE,
	    "0 to 1, of each system that is on, by errors and latency");
	for (int i = 0; i < SYSTEMS; i++)
		if (s->of[i].is_on)
			tell_one(e, "system",
			    text_of(system_name((enum system)i)),
			    s->of[i].score);
	exposition_family(e, "health_score", EXPOSITION_GAUGE,
	    "0 to 1, the mean of the systems that are on");
	exposition_value(e, (struct exposition_labels){0}, s->score);
}

/* tell_events: exact whether anybody is attached or not. */
static void
tell_events(struct exposition *e, const struct events *events)
{
	exposition_family(e, "events", EXPOSITION_COUNTER,
	    "how often each event happened, in all processes");
	for (int id = 0; id < EVENT_IDS; id++) {
		uint64_t count = 0;

		for (uint32_t slot = 0; slot < STATS_SLOTS; slot++)
			count += events_count(events, slot, (enum event)id);
		tell_one(e, "event", text_of(telemetry_name((enum event)id)),
		    (double)count);
	}
}

void
metrics_tell_world(struct monitor *monitor, struct exposition *e)
{
	const struct records *r = monitor->records;

	if (r != NULL) {
		tell_systems(e, &r->systems);
		tell_throughput(e, r->world);
		tell_latency(e, r->world);
		tell_resources(e, &r->machine);
	}
	tell_events(e, worker_events(monitor->worker));
}
