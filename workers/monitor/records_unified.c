// SPDX-License-Identifier: MIT
/* records_unified - /metrics/unified and its parts: the systems, how they
 * work together, the transports. */

#include "workers/monitor/pages.h"
#include "workers/monitor/records_facts.h"
#include "workers/monitor/tell.h"

/* What crossed from one system to another in the last hour. */
struct crossings {
	uint64_t rpc_pubsub, rpc_queue, rpc_cache;
	uint64_t all;
	double tracking_percent; /* calls whose outcome is known */
	double success_percent;
	double federation_percent; /* calls to nodes that came back */
};

static double
share(uint64_t bad, uint64_t all)
{
	if (all == 0)
		return 100;
	return bad >= all ? 0 : (double)(all - bad) * 100 / (double)all;
}

static struct crossings
crossings(const struct records *r)
{
	const struct world *w = r->world;
	const struct system_record *links = &r->systems.of[SYSTEM_federation];
	struct crossings c = {
	    .rpc_pubsub = r->systems.of[SYSTEM_pubsub].last_hour,
	    .rpc_queue = r->systems.of[SYSTEM_queue].last_hour,
	    .rpc_cache = r->systems.of[SYSTEM_cache].last_hour,
	    .tracking_percent =
		share(world_recent(w, COUNTER_gateway_unknown_outcome),
		    world_recent(w, COUNTER_gateway_calls)),
	    .success_percent = share(world_recent(w, COUNTER_gateway_failed),
		world_recent(w, COUNTER_gateway_calls)),
	    .federation_percent = 100 - links->error_percent};

	c.all = c.rpc_pubsub + c.rpc_queue + c.rpc_cache;
	return c;
}

/* pack_hops: calls to service nodes are one link away. */
static void
pack_hops(struct packer *p, const struct records *r)
{
	bool has_any = r->systems.of[SYSTEM_federation].last_hour > 0;

	pack_string(p, "federation_message_hops");
	pack_array(p, has_any);
	if (has_any)
		pack_u64(p, 1);
}

static void
pack_scores(struct packer *p, const struct records *r, struct arena *arena)
{
	struct records_peer *peers;
	uint32_t count = records_peers(r, arena, &peers);

	pack_string(p, "transport_health_scores");
	pack_map(p, count + 1);
	tell_score(p, "gateway", r->systems.of[SYSTEM_rpc].score);
	for (uint32_t i = 0; i < count; i++) {
		pack_text(p, peers[i].name);
		pack_f64(p, peers[i].is_live ? peers[i].reliability : 0);
	}
}

static void
pack_correlation(struct page *page)
{
	const struct records *r = records_of(page);
	struct packer *p = page->out;
	const struct crossings c = crossings(r);

	pack_string(p, "correlation_metrics");
	pack_map(p, 15);
	pack_field_u64(p, "rpc_to_pubsub_events", c.rpc_pubsub);
	pack_field_u64(p, "rpc_to_queue_events", c.rpc_queue);
	pack_field_u64(p, "rpc_to_cache_events", c.rpc_cache);
	/* only the gateway calls on the others: these never happen */
	pack_field_u64(p, "pubsub_to_queue_events", 0);
	pack_field_u64(p, "pubsub_to_cache_events", 0);
	pack_field_u64(p, "queue_to_cache_events", 0);
	pack_hops(p, r);
	tell_ms(p, "cross_cluster_latency_p95_ms",
	    r->systems.of[SYSTEM_federation].p95_ms);
	tell_number(p, "federation_success_rate_percent", c.federation_percent);
	pack_scores(p, r, page->arena);
	pack_field_u64(p, "circuit_breaker_events",
	    records_events(r, EVENT_circuit_breaker_opened) +
		records_events(r, EVENT_circuit_breaker_closed));
	tell_number(p, "correlation_tracking_success_rate", c.tracking_percent);
	tell_ms(
	    p, "end_to_end_latency_p95_ms", r->systems.of[SYSTEM_rpc].p95_ms);
	pack_field_u64(p, "total_cross_system_correlations", c.all);
	tell_number(p, "correlation_success_rate_percent", c.success_percent);
}

static void
pack_summary(struct packer *p, const struct records *r)
{
	double rate = 0, latency = 0;
	uint32_t measured = 0;

	for (int i = 0; i < SYSTEMS; i++) {
		const struct system_record *s = &r->systems.of[i];

		/* each call is a lookup: counted once */
		if (i != SYSTEM_cache)
			rate += s->per_second;
		if (s->average_ms > 0) {
			latency += s->average_ms;
			measured++;
		}
	}
	pack_string(p, "performance_summary");
	pack_map(p, 3);
	tell_number(p, "total_requests_per_second", rate);
	tell_ms(p, "average_cross_system_latency_ms",
	    measured > 0 ? latency / measured : 0);
	pack_field_u64(p, "total_active_correlations",
	    world_gauge(r->world, COUNTER_gateway_in_flight));
}

enum page_status
page_metrics_unified(struct page *page)
{
	const struct records *r = records_of(page);
	struct packer *p = page->out;

	pack_map(p, 1);
	pack_string(p, "unified_metrics");
	pack_map(p, SYSTEMS + 5);
	for (int i = 0; i < SYSTEMS; i++) {
		pack_string(p, system_name((enum system)i));
		records_pack_system(p, r, (enum system)i);
	}
	records_pack_transports(page);
	pack_correlation(page);
	pack_string(p, "overall_health");
	records_pack_overall(p, r, true);
	pack_summary(p, r);
	records_pack_collection(p, r);
	return PAGE_OK;
}

/* page_metrics_federation: what /metrics tells who asks for JSON. */
enum page_status
page_metrics_federation(struct page *page)
{
	const struct records *r = records_of(page);
	struct packer *p = page->out;
	const struct system_record *s = &r->systems.of[SYSTEM_rpc];
	const struct crossings c = crossings(r);

	pack_map(p, 2);
	pack_string(p, "federation_metrics");
	pack_map(p, 3);
	pack_string(p, "federation_system");
	pack_map(p, 5);
	tell_number(p, "requests_per_second", s->per_second);
	tell_ms(p, "average_latency_ms", s->average_ms);
	tell_ms(p, "p95_latency_ms", s->p95_ms);
	tell_number(p, "error_rate_percent", s->error_percent);
	pack_field_u64(p, "active_connections", s->active);
	pack_string(p, "correlation_metrics");
	pack_map(p, 4);
	pack_field_u64(p, "total_cross_system_correlations", c.all);
	tell_number(p, "federation_success_rate_percent", c.federation_percent);
	tell_ms(p, "cross_cluster_latency_p95_ms",
	    r->systems.of[SYSTEM_federation].p95_ms);
	pack_hops(p, r);
	pack_string(p, "overall_health");
	records_pack_overall(p, r, false);
	records_pack_collection(p, r);
	return PAGE_OK;
}

/* --- one system each --- */

static enum page_status
page_of(struct page *page, enum system system)
{
	pack_map(page->out, 2);
	pack_field_string(page->out, "system", system_name(system));
	pack_string(page->out, "metrics");
	records_pack_system(page->out, records_of(page), system);
	return PAGE_OK;
}

enum page_status
page_metrics_rpc(struct page *page)
{
	return page_of(page, SYSTEM_rpc);
}

enum page_status
page_metrics_pubsub(struct page *page)
{
	return page_of(page, SYSTEM_pubsub);
}

enum page_status
page_metrics_queue(struct page *page)
{
	return page_of(page, SYSTEM_queue);
}

enum page_status
page_metrics_cache(struct page *page)
{
	return page_of(page, SYSTEM_cache);
}

enum page_status
page_metrics_transport(struct page *page)
{
	pack_map(page->out, 2);
	records_pack_transports(page);
	/* pairs of transports that fail together: there is one tree */
	pack_string(page->out, "correlation_results");
	pack_array(page->out, 0);
	return PAGE_OK;
}
