// SPDX-License-Identifier: MIT
/* records_telemetry - the rolled-up health below /telemetry: how well the
 * store is written and read, messages delivered, checks passed. */

#include <unistd.h>

#include "protocol/base/clock.h"
#include "workers/monitor/component.h"
#include "workers/monitor/pages.h"
#include "workers/monitor/records_facts.h"
#include "workers/monitor/tell.h"

struct rollup {
	uint64_t writes, write_errors, reads, read_errors;
	double write_ms, read_us;
	uint64_t delivered, delivery_errors;
	uint64_t checks, passed;
	uint32_t nodes;
};

enum rollup_status {
	ROLLUP_HEALTHY,
	ROLLUP_DEGRADED,
	ROLLUP_UNHEALTHY,
	ROLLUP_UNKNOWN
};

static const char *
status_name(enum rollup_status status)
{
	static const char *const names[] = {
	    "healthy", "degraded", "unhealthy", "unknown"};

	return names[status];
}

static double
percent(uint64_t part, uint64_t whole)
{
	return whole > 0 ? (double)part * 100 / (double)whole : 0;
}

static void
count_checks(const struct records *r, struct rollup *to)
{
	for (uint32_t i = 0; i < checks_count(&r->checks); i++) {
		const struct check *c = checks_at(&r->checks, i);

		if (c->wall_ms < r->reset_wall_ms)
			continue;
		to->checks++;
		to->passed += c->outcome == CHECK_PASS;
	}
}

static struct rollup
rolled_up(struct page *page)
{
	const struct records *r = records_of(page);
	struct records_peer *peers;
	uint32_t count = records_peers(r, page->arena, &peers);
	struct rollup u = {
	    .write_errors = records_since(r, COUNTER_config_db_disk_errors),
	    .read_errors =
		records_events(r, EVENT_store_unreadable) - r->reset_unreadable,
	    .write_ms =
		records_average_us(r, HISTOGRAM_config_db_commit_us) / 1000,
	    .read_us = records_average_us(r, HISTOGRAM_gateway_call_us),
	    .delivered = records_since(r, COUNTER_gateway_relay_deliveries),
	    .delivery_errors = records_since(r, COUNTER_gateway_relay_missed) +
		records_since(r, COUNTER_relay_overloaded) +
		records_since(r, COUNTER_relay_dropped),
	    .nodes = 1};

	u.writes = records_since(r, COUNTER_config_db_commits) + u.write_errors;
	u.reads = records_since(r, COUNTER_gateway_calls);
	for (uint32_t i = 0; i < count; i++)
		u.nodes += peers[i].is_live;
	count_checks(r, &u);
	return u;
}

static enum rollup_status
stream_status(const struct rollup *u)
{
	double writes = percent(u->write_errors, u->writes);
	double reads = percent(u->read_errors, u->reads);

	if (writes < 1 && reads < 1 && u->write_ms < 5000)
		return ROLLUP_HEALTHY;
	return writes < 5 && reads < 5 && u->write_ms < 15000
	    ? ROLLUP_DEGRADED
	    : ROLLUP_UNHEALTHY;
}

static enum rollup_status
subscription_status(const struct rollup *u)
{
	double errors =
	    percent(u->delivery_errors, u->delivered + u->delivery_errors);

	if (errors < 1)
		return ROLLUP_HEALTHY;
	return errors < 5 ? ROLLUP_DEGRADED : ROLLUP_UNHEALTHY;
}

static enum rollup_status
consistency_status(const struct rollup *u)
{
	double passed = percent(u->passed, u->checks);

	if (u->checks == 0)
		return ROLLUP_UNKNOWN;
	if (passed > 95)
		return ROLLUP_HEALTHY;
	return passed > 80 ? ROLLUP_DEGRADED : ROLLUP_UNHEALTHY;
}

static enum rollup_status
cluster_status(const struct rollup *u)
{
	return u->nodes >= 3 ? ROLLUP_HEALTHY : ROLLUP_DEGRADED;
}

/* overall: what nobody has checked yet is no reason to worry. */
static enum rollup_status
overall(const struct rollup *u)
{
	bool store = stream_status(u) != ROLLUP_UNHEALTHY;
	bool relay = subscription_status(u) != ROLLUP_UNHEALTHY;
	bool checks = consistency_status(u) != ROLLUP_UNHEALTHY;

	if (!store || !relay)
		return ROLLUP_UNHEALTHY;
	return checks ? ROLLUP_HEALTHY : ROLLUP_DEGRADED;
}

enum page_status
page_telemetry_health(struct page *page)
{
	const struct rollup u = rolled_up(page);
	struct packer *p = page->out;

	pack_map(p, 1);
	pack_string(p, "telemetry_health");
	pack_map(p, 6);
	pack_field_string(p, "overall", status_name(overall(&u)));
	pack_string(p, "stream");
	pack_map(p, 4);
	pack_field_string(p, "status", status_name(stream_status(&u)));
	tell_number(p, "write_error_rate", percent(u.write_errors, u.writes));
	tell_number(p, "read_error_rate", percent(u.read_errors, u.reads));
	tell_ms(p, "avg_write_duration_ms", u.write_ms);
	pack_string(p, "subscription");
	pack_map(p, 2);
	pack_field_string(p, "status", status_name(subscription_status(&u)));
	tell_number(p, "error_rate",
	    percent(u.delivery_errors, u.delivered + u.delivery_errors));
	pack_string(p, "consistency");
	pack_map(p, 2);
	pack_field_string(p, "status", status_name(consistency_status(&u)));
	tell_number(p, "success_rate", percent(u.passed, u.checks));
	pack_string(p, "cluster");
	pack_map(p, 2);
	pack_field_string(p, "status", status_name(cluster_status(&u)));
	pack_field_u64(p, "current_nodes", u.nodes);
	tell_time(p, "since", records_of(page)->reset_wall_ms);
	return PAGE_OK;
}

static void
pack_counted(struct packer *p, const char *key, uint64_t total, uint64_t errors,
    double average_us)
{
	pack_string(p, key);
	pack_map(p, 3);
	pack_field_u64(p, "total", total);
	pack_field_u64(p, "errors", errors);
	tell_number(p, "avg_duration_us", average_us);
}

static void
pack_system(struct packer *p, const struct records *r)
{
	const struct machine *m = &r->machine;

	pack_string(p, "system");
	pack_map(p, 7);
	pack_field_u64(p, "memory_total", m->memory_total);
	pack_field_u64(p, "memory_used", m->memory_used);
	tell_number(p, "memory_utilization",
	    machine_percent((double)m->memory_used, (double)m->memory_total));
	pack_field_u64(p, "process_count", r->census.count);
	pack_field_u64(p, "connected_nodes",
	    world_gauge(r->world, COUNTER_gateway_links_up));
	pack_field_u64(p, "uptime_ms",
	    r->census.count > 0
		? r->census.now_ms - r->census.process[0].child.started_ms
		: 0);
	pack_field_u64(p, "schedulers", m->cores);
}

static void
pack_cluster(struct packer *p, const struct records *r, uint32_t nodes)
{
	uint64_t joined = records_since(r, COUNTER_gateway_links_opened);
	uint64_t left = records_since(r, COUNTER_gateway_links_lost);

	pack_string(p, "cluster");
	pack_map(p, 4);
	pack_field_u64(p, "nodes_joined", joined);
	pack_field_u64(p, "nodes_left", left);
	pack_field_u64(p, "current_nodes", nodes);
	pack_field_u64(p, "topology_changes", joined + left);
}

enum page_status
page_telemetry_metrics(struct page *page)
{
	const struct records *r = records_of(page);
	const struct rollup u = rolled_up(page);
	struct packer *p = page->out;

	pack_map(p, 1);
	pack_string(p, "telemetry_metrics");
	pack_map(p, 8);
	pack_counted(
	    p, "stream_writes", u.writes, u.write_errors, u.write_ms * 1000);
	pack_counted(p, "stream_reads", u.reads, u.read_errors, u.read_us);
	pack_counted(p, "gateway_worker",
	    records_since(r, COUNTER_gateway_calls),
	    records_since(r, COUNTER_gateway_failed), u.read_us);
	pack_string(p, "subscriptions");
	pack_map(p, 3);
	pack_field_u64(p, "created", records_since(r, COUNTER_relay_joins));
	pack_field_u64(p, "events_delivered", u.delivered);
	pack_field_u64(p, "errors", u.delivery_errors);
	pack_string(p, "consistency");
	pack_map(p, 3);
	pack_field_u64(p, "total", u.checks);
	pack_field_u64(p, "passed", u.passed);
	pack_field_u64(p, "failed", u.checks - u.passed);
	pack_cluster(p, r, u.nodes);
	pack_system(p, r);
	tell_time(p, "since", r->reset_wall_ms);
	return PAGE_OK;
}

enum page_status
page_telemetry_reset(struct page *page)
{
	struct records *r = records_of(page);

	records_reset(r);
	pack_map(page->out, 2);
	pack_field_string(
	    page->out, "message", "counters of /telemetry begin at 0");
	tell_time(page->out, "reset_at", r->reset_wall_ms);
	return PAGE_OK;
}
