// SPDX-License-Identifier: MIT
/* records_performance - how fast, how full, and which way it goes: the pages
 * below /performance and those of the history. */

#include <math.h>

#include "protocol/base/clock.h"
#include "workers/monitor/pages.h"
#include "workers/monitor/records_facts.h"
#include "workers/monitor/tell.h"

enum {
	TREND_SPAN_MS = 3600000,
	HOURS_MOST = 168,
	MINUTES_MOST = 1440,
	HOUR_MS = 3600000,
	MINUTE_MS = 60000,
	/* from here on something is narrow */
	CPU_NARROW = 70,
	MEMORY_NARROW = 80,
	NETWORK_NARROW = 80,
	LINK_SLOW_MS = 500
};

static enum trend
trend_of(const struct records *r, enum series_metric metric, bool more)
{
	return series_trend(r->history.series, metric, (int64_t)clock_mono_ms(),
	    TREND_SPAN_MS, more);
}

/* --- the history --- */

static void
pack_value(void *ctx, int64_t wall_ms, double value)
{
	struct packer *p = ctx;

	pack_array(p, 2);
	pack_f64(p, (double)wall_ms / 1000);
	/* kept as float: what is behind its seventh digit is no figure */
	pack_f64(p, round(value * 1e6) / 1e6);
}

static void
count_value(void *ctx, int64_t wall_ms, double value)
{
	uint32_t *count = ctx;

	(void)wall_ms;
	(void)value;
	(*count)++;
}

/*
 * page_metrics_timeseries: a name nobody records is answered with the active
 * correlations, as the reference does, and says so.
 */
enum page_status
page_metrics_timeseries(struct page *page)
{
	const struct series *s = records_of(page)->history.series;
	struct packer *p = page->out;
	struct series_question q = {.now_ms = (int64_t)clock_mono_ms()};
	struct text metric = TEXT("health_score");
	uint64_t hours = 1, minutes = 1;
	uint32_t count = 0;

	if (page_u64_in(page, "duration", 1, HOURS_MOST, &hours) != OK ||
	    page_u64_in(page, "resolution", 0, MINUTES_MOST, &minutes) != OK)
		return PAGE_BAD;
	if (page_text(page, "metric", &metric) == ERR_TYPE)
		return page_fail(page, PAGE_BAD, "metric must be a name");
	q.column = series_find(s, metric);
	bool is_known = q.column != SERIES_NONE;
	if (!is_known)
		q.column = SERIES_active_correlations;
	q.span_ms = (int64_t)hours * HOUR_MS;
	q.resolution_ms = (int64_t)minutes * MINUTE_MS;
	series_buckets(s, &q, count_value, &count);
	pack_map(p, is_known ? 6 : 7);
	pack_field_string(p, "metric", series_name(s, q.column));
	pack_field_string(p, "unit", series_unit(s, q.column));
	if (!is_known) {
		pack_string(p, "unknown_metric");
		pack_text(p, metric);
	}
	pack_field_u64(p, "duration_hours", hours);
	pack_field_u64(p, "resolution_minutes", minutes);
	pack_field_u64(p, "data_points", count);
	pack_string(p, "data");
	pack_array(p, count);
	series_buckets(s, &q, pack_value, p);
	return PAGE_OK;
}

enum page_status
page_performance_trends(struct page *page)
{
	const struct records *r = records_of(page);
	struct packer *p = page->out;

	pack_map(p, 1);
	pack_string(p, "trends");
	pack_map(p, 5);
	pack_field_string(p, "latency_trend",
	    trend_name(trend_of(r, SERIES_latency_ms, false)));
	pack_field_string(p, "throughput_trend",
	    trend_name(trend_of(r, SERIES_requests_per_second, true)));
	pack_field_string(p, "error_rate_trend",
	    trend_name(trend_of(r, SERIES_error_rate_percent, false)));
	pack_field_string(p, "resource_utilization_trend",
	    trend_name(trend_of(r, SERIES_cpu_percent, false)));
	pack_field_string(p, "health_trend",
	    trend_name(trend_of(r, SERIES_health_score, true)));
	return PAGE_OK;
}

/* --- now --- */

static void
pack_one_if(struct packer *p, const char *key, bool is_there, const char *what)
{
	pack_string(p, key);
	pack_array(p, is_there);
	if (is_there)
		pack_string(p, what);
}

enum page_status
page_metrics_performance(struct page *page)
{
	const struct records *r = records_of(page);
	struct packer *p = page->out;
	const struct system_record *s = &r->systems.of[SYSTEM_rpc];
	const struct system_record *links = &r->systems.of[SYSTEM_federation];
	bool is_well = r->systems.score >= 0.8;

	pack_map(p, 1);
	pack_string(p, "performance");
	pack_map(p, 5);
	pack_string(p, "throughput");
	pack_map(p, 1);
	tell_number(p, "requests_per_second", s->per_second);
	pack_string(p, "latency");
	pack_map(p, 3);
	tell_ms(p, "average_ms", s->average_ms);
	tell_ms(p, "p95_ms", s->p95_ms);
	tell_ms(p, "p99_ms", s->p99_ms);
	pack_string(p, "reliability");
	pack_map(p, 2);
	tell_number(p, "error_rate_percent", s->error_percent);
	tell_score(p, "federation_efficiency_score",
	    links->is_on ? 1 - links->error_percent / 100 : 1);
	pack_string(p, "topology");
	pack_map(p, 3);
	tell_number(
	    p, "cross_cluster_hops_average", links->last_hour > 0 ? 1 : 0);
	pack_one_if(p, "bottleneck_clusters", !is_well, records_node(r));
	pack_one_if(p, "top_performing_clusters", is_well, records_node(r));
	pack_field_string(
	    p, "trend", trend_name(trend_of(r, SERIES_latency_ms, false)));
	return PAGE_OK;
}

static double
memory_percent(const struct machine *m)
{
	return machine_percent((double)m->memory_used, (double)m->memory_total);
}

static double
network_percent(const struct machine *m)
{
	return machine_percent(
	    m->network_per_second, (double)m->network_capacity);
}

static void
pack_usage(struct packer *p, const struct records *r)
{
	const struct system_record *links = &r->systems.of[SYSTEM_federation];
	struct records_connections c;

	records_connections(r, &c);
	pack_map(p, 6);
	tell_number(p, "cpu_usage", r->machine.cpu_percent);
	tell_number(p, "memory_usage", memory_percent(&r->machine));
	if (links->is_on)
		tell_ms(p, "network_latency", links->average_ms);
	else
		tell_nil(p, "network_latency");
	pack_field_string(p, "federation_health",
	    c.success_percent >= 90 ? "healthy" : "degraded");
	tell_number(p, "success_rate_percent", c.success_percent);
	pack_field_u64(p, "active_connections", c.active);
}

enum page_status
page_performance_clusters_id(struct page *page)
{
	const struct records *r = records_of(page);

	if (!records_is_node(page))
		return records_no_node(page);
	pack_map(page->out, 2);
	pack_field_string(page->out, "cluster_id", records_node(r));
	pack_string(page->out, "performance");
	pack_usage(page->out, r);
	return PAGE_OK;
}

static void
pack_messages(struct packer *p, const struct records *r)
{
	const struct world *w = r->world;

	pack_field_u64(p, "messages_sent", world_total(w, COUNTER_relay_sent));
	pack_field_u64(p, "messages_received",
	    world_total(w, COUNTER_gateway_relay_deliveries));
	pack_field_u64(p, "messages_failed",
	    world_total(w, COUNTER_relay_rejected) +
		world_total(w, COUNTER_relay_overloaded) +
		world_total(w, COUNTER_relay_dropped));
	pack_field_u64(
	    p, "queue_depth", world_gauge(w, COUNTER_worker_pool_queued));
	pack_field_u64(p, "cross_cluster_messages",
	    world_total(w, COUNTER_gateway_dispatched));
}

static void
pack_clusters(struct packer *p, const struct records *r)
{
	bool is_up = r->systems.grade != GRADE_UNAVAILABLE;

	pack_field_u64(p, "total_clusters", 1);
	pack_field_u64(
	    p, "healthy_clusters", r->systems.grade == GRADE_HEALTHY);
	pack_field_u64(
	    p, "degraded_clusters", r->systems.grade == GRADE_DEGRADED);
	pack_field_u64(p, "unhealthy_clusters",
	    !is_up || r->systems.grade == GRADE_CRITICAL);
	pack_string(p, "clusters");
	pack_map(p, 1);
	pack_string(p, records_node(r));
	pack_usage(p, r);
}

static void
pack_collecting(struct packer *p)
{
	pack_string(p, "active_alerts");
	pack_u64(p, 0); /* nobody raises alerts yet: design.md, alerts */
	pack_string(p, "alerts_by_severity");
	pack_map(p, 0);
	pack_string(p, "collection_status");
	pack_map(p, 3);
	pack_field_bool(p, "collecting", true);
	pack_field_u64(p, "collectors", 1);
	tell_number(p, "collection_interval", 1);
}

enum page_status
page_performance(struct page *page)
{
	const struct records *r = records_of(page);
	struct packer *p = page->out;
	const struct system_record *s = &r->systems.of[SYSTEM_rpc];

	pack_map(p, 1);
	pack_string(p, "performance_summary");
	pack_map(p, 23);
	pack_clusters(p, r);
	tell_number(p, "total_throughput_rps", s->per_second);
	tell_ms(p, "average_latency_ms", s->average_ms);
	tell_ms(p, "p95_latency_ms", s->p95_ms);
	tell_ms(p, "p99_latency_ms", s->p99_ms);
	tell_number(p, "error_rate_percent", s->error_percent);
	tell_number(p, "cpu_usage_percent", r->machine.cpu_percent);
	tell_number(p, "memory_usage_percent", memory_percent(&r->machine));
	tell_number(p, "network_usage_percent", network_percent(&r->machine));
	tell_ms(p, "cross_cluster_latency_ms",
	    r->systems.of[SYSTEM_federation].average_ms);
	tell_number(p, "health_score", r->systems.score * 100);
	pack_messages(p, r);
	pack_collecting(p);
	return PAGE_OK;
}

/* --- what is narrow --- */

static void
pack_narrow(struct packer *p, const char *key, const struct records *r,
    double percent, double limit)
{
	bool is_narrow = percent >= limit;

	pack_string(p, key);
	pack_array(p, is_narrow);
	if (!is_narrow)
		return;
	pack_map(p, 3);
	pack_field_string(p, "node", records_node(r));
	tell_number(p, "usage_percent", percent);
	tell_number(p, "threshold_percent", limit);
}

static void
pack_narrow_links(struct page *page)
{
	const struct records *r = records_of(page);
	struct packer *p = page->out;
	struct records_peer *peers;
	uint32_t count = records_peers(r, page->arena, &peers);
	double p95_ms = r->systems.of[SYSTEM_federation].p95_ms;
	uint32_t listed = 0;

	pack_string(p, "federation_bottlenecks");
	size_t place = pack_open(p);
	for (uint32_t i = 0; i < count; i++) {
		if (peers[i].is_live && p95_ms < LINK_SLOW_MS)
			continue;
		pack_map(p, 4);
		pack_string(p, "node");
		pack_text(p, peers[i].name);
		pack_field_string(
		    p, "status", grade_name(records_grade(&peers[i])));
		pack_field_u64(p, "in_flight", peers[i].in_flight);
		tell_ms(p, "p95_latency_ms", p95_ms);
		listed++;
	}
	pack_close_array(p, place, listed);
}

enum page_status
page_performance_bottlenecks(struct page *page)
{
	const struct records *r = records_of(page);
	const struct machine *m = &r->machine;
	struct packer *p = page->out;

	pack_map(p, 1);
	pack_string(p, "bottlenecks");
	pack_map(p, 4);
	pack_narrow(p, "cpu_bottlenecks", r, m->cpu_percent, CPU_NARROW);
	pack_narrow(
	    p, "memory_bottlenecks", r, memory_percent(m), MEMORY_NARROW);
	pack_narrow(
	    p, "network_bottlenecks", r, network_percent(m), NETWORK_NARROW);
	pack_narrow_links(page);
	return PAGE_OK;
}
